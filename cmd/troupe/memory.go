package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"

	"github.com/troupebase/troupe/storage/budget"
)

// sizeFlag is a number of bytes on the command line, 0 when it is not given.
type sizeFlag int64

// String implements pflag.Value.
func (s *sizeFlag) String() string { return "" }

// Type implements pflag.Value.
func (s *sizeFlag) Type() string { return "size" }

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) error {
	n, err := budget.ParseSize(text)
	*s = sizeFlag(n)
	return err
}

const (
	// comfortMost is what Go's part of the memory is kept to as long as what lives in it is clearly less. What SQLite allocates is
	// not in it: 32 MiB of pages for the Writer and 4 MiB for each of up to 32 Readers, outside of Go's heap.
	comfortMost = 320 << 20
	// liveFactor is how much room the collector has at least over what lives, in halves: half as much again. It works four times as often
	// then as it does without a limit, and no more often, however much lives.
	liveFactor = 3
	// gcPercent is how much garbage there may be for what lives, where the limit is far away. Little lives in a server that is not under
	// siege, a few megabytes, and by Go's own 100 it would be looked through every few milliseconds.
	gcPercent = 400
	// limitStep is what limits are rounded up to: setting one stops the world for a moment.
	limitStep = 16 << 20
)

// limitFor returns the limit of Go's memory for a process with memory bytes of which live bytes of its heap are in use.
func limitFor(memory, live int64) int64 {
	comfort := min(memory/8*5, comfortMost)
	limit := max(comfort, live/2*liveFactor)
	limit = (limit + limitStep - 1) / limitStep * limitStep
	return min(limit, max(memory/4*3, limitStep))
}

// limitCollector keeps the limit of Go's memory by what lives in it, from cycle to cycle of the collector, for a process that is given
// memory bytes, 0 for what the machine has, and how much garbage there may be, unless GOGC says it. Where GOMEMLIMIT is set it does nothing. The function that it returns puts everything back.
// docs/rationale.md says why the limit moves.
func limitCollector(memory int64) (stop func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	if memory <= 0 {
		memory = budget.Memory()
	}
	c := &collector{memory: memory, before: debug.SetMemoryLimit(-1)}
	if os.Getenv("GOGC") == "" {
		percent := debug.SetGCPercent(gcPercent)
		c.percent = &percent
	}
	c.adjust()
	c.follow()
	return c.stop
}

// collector adjusts the limit after each cycle.
type collector struct {
	memory, before int64
	percent        *int // before; nil where GOGC says it

	mu      sync.Mutex
	limit   int64
	stopped atomic.Bool
}

// follow has adjust called once after the next cycle: a cleanup runs when its object was found to be garbage.
func (c *collector) follow() {
	runtime.AddCleanup(new(cycle), func(c *collector) {
		if !c.stopped.Load() {
			c.adjust()
			c.follow()
		}
	}, c)
}

// cycle is an object that nobody holds. It is not tiny, so that it shares its memory with no other.
type cycle struct{ _ [32]byte }

func (c *collector) adjust() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	limit := limitFor(c.memory, int64(min(live[0].Value.Uint64(), math.MaxInt64/liveFactor)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit != c.limit && !c.stopped.Load() {
		c.limit = limit
		debug.SetMemoryLimit(limit)
	}
}

func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped.Store(true)
	debug.SetMemoryLimit(c.before)
	if c.percent != nil {
		debug.SetGCPercent(*c.percent)
	}
}
