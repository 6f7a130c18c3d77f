package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// op is what handle is asked to do.
type op int

const (
	opDescribe op = 0
	opBefore   op = 1
	opAfter    op = 2
	opRoute    op = 3
)

// States of an instance besides the end of the guest's own time while it runs, which is a positive number.
const (
	idle     int64 = 0
	stopping int64 = -1 // the watchdog has ended the call; the instance is not used again
	hosting  int64 = -2 // a host function runs, and the guest's own clock stands still
)

// instance is one running copy of a module. It serves one call at a time, on that call's goroutine; the watchdog only touches state,
// host and the stop global.
type instance struct {
	extension *Extension
	ctx       guestContext
	module    api.Module
	memory    api.Memory
	handle    api.Function
	alloc     api.Function // made when it is first needed
	globals   guestGlobals
	stack     [4]uint64 // parameters and results of handle and alloc

	names   map[string]string
	scratch []byte
	line    []byte // of standard output, not yet ended

	shared    bool // counted by the pool
	broken    bool // must not be used again
	idleSince int64

	state atomic.Int64
	host  atomic.Pointer[callContext]
	call  callState
}

// callState is what one call of an instance has come to.
type callState struct {
	clocks
	op         op
	about      *Call // nil while the module is loaded
	ctx        context.Context
	depth      int
	hostCalls  int
	lines      int    // that it logged
	unexpected int    // errors of the host that were logged
	failure    *Error // of the last host call that failed
	handles    handles
	// transactions are those that the guest has begun and not ended, the innermost last.
	transactions []Transaction
	rejection    *Rejection
	passed       bool // the rejection is what refused a host call
	gaveUp       bool // it passed on that there was no time or room
	response     *Response
	fault        *Fault

	placed     bool  // it has a place among those that run for long
	placedAt   int64 // since when
	crowdedOut bool  // it got none in time
}

// newInstance makes a running copy; deadline is that of the caller. On failure nothing is left of it.
func (x *Extension) newInstance(e *engine, deadline int64) (i *instance, err error) {
	i = &instance{extension: x, names: make(map[string]string)}
	i.ctx.instance = i
	if !x.manager.takeMemory(e.memory) {
		return nil, ErrBusy
	}
	memory := &linearMemory{budget: &x.manager.memory, taken: e.memory}
	allocator := experimental.MemoryAllocatorFunc(func(_, most uint64) experimental.LinearMemory {
		memory.space = reserve(most)
		return memory
	})
	i.module, err = e.runtime.InstantiateModule(experimental.WithMemoryAllocator(&i.ctx, allocator), e.compiled, e.config)
	if err != nil {
		memory.Free()
		return nil, &Fault{Kind: Trapped, Message: "start: " + firstLine(err.Error())}
	}
	i.memory = i.module.Memory()
	i.handle = i.module.ExportedFunction("handle")
	i.globals = newGuestGlobals(i.module)
	x.pool.show(i)
	if err := i.initialize(deadline); err != nil {
		x.pool.hide(i)
		i.close()
		return nil, err
	}
	return i, nil
}

// initialize runs what a module wants to have run once. It has a time of its own for that, besides what its caller's deadline leaves.
func (i *instance) initialize(deadline int64) error {
	m := i.extension.manager
	end := m.now() + int64(startLimit)
	for _, name := range []string{rewrite.StartFunc, "_initialize"} {
		f := i.module.ExportedFunction(name)
		if f == nil {
			continue
		}
		now := m.now()
		i.begin(context.Background(), job{op: opDescribe, limit: time.Duration(end - now), wait: startLimit}, now, deadline, 1)
		err := i.finish(i.invoke(f))
		if err == nil && i.broken || errors.Is(err, ErrTimeout) { // stopped in its last moment, it would trap in the next call
			err = errSlowStart
			if deadline < end {
				err = errStartCut
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// begin readies i for a call at now, whose caller's deadline is given.
func (i *instance) begin(ctx context.Context, j job, now, given int64, depth int) {
	c := &i.call
	c.op, c.about, c.ctx, c.depth = j.op, j.call, ctx, depth
	c.grant(now, j.limit, j.wait, given)
	if j.call != nil {
		c.handles.begin(j.call.Record)
	} else {
		c.handles.begin(nil)
	}
	i.state.Store(c.until)
	i.extension.manager.dog.watch(now)
}

// do runs the guest for j and copies what it hands over.
func (i *instance) do(j job) ([]byte, error) {
	ptr, err := i.hand(j.input)
	if err != nil {
		return nil, err
	}
	i.stack = [4]uint64{uint64(j.op), uint64(j.index), uint64(ptr), uint64(len(j.input))}
	if err := i.invoke(i.handle); err != nil {
		return nil, err
	}
	if i.call.rejection != nil || i.call.gaveUp || j.op == opAfter {
		return nil, nil
	}
	return i.take(i.stack[0], i.extension.manager.most(j.op))
}

// hand copies input into the guest's memory.
func (i *instance) hand(input []byte) (ptr uint32, err error) {
	if len(input) == 0 {
		return 0, nil
	}
	if i.alloc == nil {
		i.alloc = i.module.ExportedFunction("alloc")
	}
	i.stack[0] = uint64(len(input))
	if err := i.invoke(i.alloc); err != nil {
		return 0, err
	}
	ptr = uint32(i.stack[0])
	switch {
	case ptr == 0:
		return 0, &Fault{Kind: Limited, Message: fmt.Sprintf("alloc has no room for %d bytes", len(input))}
	case !i.memory.Write(ptr, input):
		return 0, &Fault{Kind: Lied, Message: "alloc returned a place outside of the memory"}
	}
	return ptr, nil
}

// take copies what a packed result names, at most most bytes.
func (i *instance) take(packed uint64, most int) ([]byte, error) {
	ptr, n := uint32(packed>>32), uint32(packed)
	if n == 0 {
		return nil, nil
	}
	if int64(n) > int64(most) {
		return nil, &Fault{Kind: Limited, Message: fmt.Sprintf("a result of %d bytes, more than %d", n, most)}
	}
	b, ok := i.memory.Read(ptr, n)
	if !ok {
		return nil, &Fault{Kind: Lied, Message: "a result outside of the memory"}
	}
	return append([]byte(nil), b...), nil
}

// invoke calls f with what is on i's stack. Whatever it runs into is an error; i is broken then.
func (i *instance) invoke(f api.Function) (err error) {
	defer func() {
		if v := recover(); v != nil {
			i.broken = true
			err = &Fault{Kind: Panicked, Message: fmt.Sprint(v)}
		}
	}()
	err = f.CallWithStack(&i.ctx, i.stack[:])
	if err == nil {
		return nil
	}
	i.broken = true
	if i.call.fault != nil {
		return i.call.fault
	}
	if i.call.crowdedOut {
		return ErrBusy
	}
	if i.state.Load() == stopping {
		return ErrTimeout
	}
	return i.trap(err)
}

// trap makes a fault of wazero's error.
func (i *instance) trap(err error) *Fault {
	text := err.Error()
	if ok, dropped := i.extension.traces.allow(i.extension.manager.now()); ok {
		i.extension.log.Warn("extension: trap", "trace", cut(text, maxTrace), "not_logged", dropped)
	}
	if i.globals.tooDeep() {
		return &Fault{Kind: Limited, Message: "calls inside the guest are nested too deeply"}
	}
	return &Fault{Kind: Trapped, Message: firstLine(text)}
}

// finish ends the call that begin began and returns what it ended in.
func (i *instance) finish(err error) error {
	if !i.state.CompareAndSwap(i.call.until, idle) {
		i.broken = true // stopped just now, also if it came to an end in time
	}
	i.leavePlace()
	i.rollBack(err)
	if h := i.host.Load(); h != nil {
		h.finish()
		i.host.Store(nil)
	}
	i.flushLine()
	c := &i.call
	if err == nil && c.fault != nil {
		err = c.fault
	}
	if err == nil && c.rejection != nil {
		err = c.rejection
	}
	if err == nil && c.gaveUp {
		err = ErrBusy
	}
	if c.fault != nil {
		i.broken = true
	}
	c.handles.end()
	clear(c.transactions)
	*c = callState{handles: c.handles, transactions: c.transactions[:0]}
	if cap(i.scratch) > maxScratch {
		i.scratch = nil
	}
	return err
}

// close frees i. Nothing may run in it.
func (i *instance) close() {
	if err := i.module.Close(context.Background()); err != nil && !errors.Is(err, context.Canceled) {
		i.extension.log.Error("extension: close an instance", "error", err)
	}
}

// intern returns the name that b holds without allocating it each time.
func (i *instance) intern(b []byte) (string, *Error) {
	if s, ok := i.names[string(b)]; ok {
		return s, nil
	}
	if len(b) > maxName {
		return "", errName
	}
	if !utf8.Valid(b) {
		return "", errText
	}
	if len(i.names) >= maxNames {
		clear(i.names)
	}
	s := string(b)
	i.names[s] = s
	return s, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return cut(s, maxMessage)
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
