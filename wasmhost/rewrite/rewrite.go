package rewrite

import "strconv"

// The names under which a rewritten module exports what was added to it.
const (
	// StopGlobal is a mutable i32, 0 at first: once it is 1, the guest traps at its next look at it. Nobody but the host sets it.
	StopGlobal = "troupe_stop"
	// DepthGlobal is a mutable i32: 0 until the guest traps because it calls itself too deeply, then how deeply.
	DepthGlobal = "troupe_depth"
	// YieldFunc is the function that a guest calls between two pieces of its work, every 50 to 500 microseconds.
	YieldFunc = "troupe_yield"
	// StartFunc is what was the module's start function; see [Result.Start].
	StartFunc = "troupe_start"
)

const (
	// defaultInterval makes a guest leave the native code every 50 to 500 microseconds, which takes a fraction of one: rare enough to cost
	// nothing, often enough for a garbage collection that waits.
	defaultInterval = 50_000
	// defaultMaxDepth is what extensions/abi.md promises.
	defaultMaxDepth = 4096
)

// Version changes when something else is made of the same module than before: what was rewritten by another version is not used any more.
const Version = 2

// Options say how a module is rewritten. The zero value is what a server uses.
type Options struct {
	// Interval is how many passes of loops and entries of functions lie between two times that the guest leaves the native code; 50,000 when 0, 16
	// million at most. Large pieces of code count for more than one. The stop flag is looked at at least as often, and at least every MaxDepth.
	Interval uint32
	// MaxDepth is how deeply functions that may call themselves are nested before the guest traps; 4096 when 0, 16,382 at most. Functions of
	// more than 32 KiB count for more than one level, because their frames are large.
	MaxDepth uint32
	// TailCalls accepts tail calls, for a runtime that has them enabled.
	TailCalls bool
}

// A Result is a rewritten module and what a loader wants to know of it. Nothing in it refers to the bytes that were passed in.
type Result struct {
	Binary  []byte
	Imports []Import
	Exports []Export
	Memory  Memory
	// Start tells that the module had a start function. It is exported as [StartFunc] instead, and the loader calls it after the instance was
	// made and before anything else: a start function runs before anyone could set the stop flag.
	Start bool
}

// Module checks a core module and returns it with interruption checks and a depth limit added. It checks the binary format and what guests may
// not have, but not types: the compiler does. The error is one of [ErrNotWasm], [ErrMalformed] and [ErrUnsupported]. bin is not changed.
func Module(bin []byte, o Options) (*Result, error) {
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = defaultMaxDepth
	}
	o.Interval, o.MaxDepth = min(o.Interval, maxInterval), min(o.MaxDepth, maxDepth)
	m, err := parse(bin)
	if err != nil {
		return nil, err
	}
	s, err := scanCode(m, o.TailCalls)
	if err != nil {
		return nil, err
	}
	return &Result{
		Binary: assemble(newMetering(s, o.MaxDepth), o), Imports: m.imports, Exports: m.exports, Memory: m.memory, Start: m.start >= 0,
	}, nil
}

// reserved is whether an export's name is one of those that are added.
func reserved(name string) bool {
	return name == StopGlobal || name == DepthGlobal || name == YieldFunc || name == StartFunc
}

func functionName(index int) string { return "function " + strconv.Itoa(index) }
