package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/troupebase/troupe/internal/routine"
)

// engine is the native code of a version, in a runtime of its own. Instances are made of it. Immutable.
type engine struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	config   wazero.ModuleConfig
	memory   int64 // bytes that an instance begins with
	size     int64 // bytes of the rewritten module, which the size of the code goes with
}

// newEngine makes native code of a rewritten module, or reads it from the cache. On failure nothing is left of it.
func (m *Manager) newEngine(ctx context.Context, binary []byte, pages uint32) (e *engine, err error) {
	e = &engine{memory: int64(pages) << 16, size: int64(len(binary)), runtime: wazero.NewRuntimeWithConfig(ctx, m.runtimeConfig(m.cache))}
	m.code.Add(e.size)
	defer func() {
		if err != nil {
			err = errors.Join(err, m.closeEngine(e))
			e = nil
		}
	}()
	if err := errors.Join(exportHost(ctx, e.runtime), exportWASI(ctx, e.runtime)); err != nil {
		return e, fmt.Errorf("host functions: %w", err)
	}
	if e.compiled, err = e.runtime.CompileModule(listening(ctx), binary); err != nil {
		return e, fmt.Errorf("compile: %w", err)
	}
	m.compilations.Add(1)
	// Without a name there may be many instances; without start functions nothing runs that could not be stopped.
	e.config = wazero.NewModuleConfig().WithName("").WithStartFunctions()
	return e, nil
}

// closeEngine frees runtime and compiled code. The runtime does not close what it compiled when it shares a cache.
func (m *Manager) closeEngine(e *engine) (err error) {
	ctx := context.Background()
	m.code.Add(-e.size)
	if err := e.runtime.Close(ctx); err != nil {
		return fmt.Errorf("close the runtime: %w", err)
	}
	if e.compiled != nil {
		if err := e.compiled.Close(ctx); err != nil {
			return fmt.Errorf("close the compiled module: %w", err)
		}
	}
	return nil
}

// code is the engine of a version while there is one: it is made when a call first needs it, once for all that wait for it, and given up when others
// need the memory. Safe for concurrent use.
type code struct {
	mu     sync.Mutex
	engine *engine
	making chan struct{} // closed when the attempt under way is over, nil without one
	err    error         // of the last attempt
	until  int64         // until when there is no other attempt after it
	pause  time.Duration // how long that was
	closed bool
}

// engineFor returns the engine of x, waiting for it until the deadline or the end of ctx at most. The caller has entered x, and has told the
// pool that it makes an instance, so that the engine stays.
func (x *Extension) engineFor(ctx context.Context, deadline int64) (*engine, error) {
	var timer *time.Timer
	for {
		e, made, err := x.code.get(x, x.manager.now())
		if e != nil || err != nil {
			return e, err
		}
		if timer == nil {
			timer = time.NewTimer(time.Duration(deadline - x.manager.now()))
			defer timer.Stop()
		}
		select {
		case <-made:
		case <-ctx.Done():
			return nil, ErrBusy
		case <-timer.C:
			return nil, ErrBusy
		}
	}
}

// get returns the engine, or what to wait for, or why there is none for now.
func (c *code) get(x *Extension, now int64) (*engine, <-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.engine != nil:
		return c.engine, nil, nil
	case c.closed:
		return nil, nil, ErrClosed
	case c.making != nil:
		return nil, c.making, nil
	case c.err != nil && now < c.until:
		return nil, nil, c.err
	}
	made := make(chan struct{})
	c.making = made
	x.refs.Add(1) // the caller is counted, so that x cannot be closed yet
	routine.Go(func() {
		defer x.leave()
		e, err := x.rebuild(context.Background())
		c.settle(x, e, err, made)
	}, func(p *routine.Panic) {
		x.log.Error("extension: panic while its code is made", "panic", p.Value, "stack", string(p.Stack))
		c.settle(x, nil, p, made)
	})
	return nil, made, nil
}

// settle ends an attempt.
func (c *code) settle(x *Extension, e *engine, err error, made chan struct{}) {
	c.mu.Lock()
	c.engine, c.making, c.err = e, nil, nil
	if err == nil {
		c.pause = 0
	} else {
		c.pause = min(max(2*c.pause, remakeFirst), remakeMost)
		c.until = x.manager.now() + int64(c.pause)
		c.err = &Fault{Kind: Unloadable, Message: err.Error()}
	}
	c.mu.Unlock()
	close(made)
	if err != nil {
		x.log.Error("extension: its code cannot be made", "again", c.pause, "error", err)
	}
	x.manager.evict(x)
}

// set is for the engine that a version was loaded with.
func (c *code) set(e *engine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.engine = e
}

// take takes the engine away, nil when there is none; with closing there will be no other.
func (c *code) take(closing bool) *engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.engine
	c.engine = nil
	c.closed = c.closed || closing
	return e
}

// has tells whether there is an engine now.
func (c *code) has() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.engine != nil
}

// evict frees the code of versions that were not called for the longest time while there is too much of it, but not that of keep. Only what can be had
// back from the cache goes.
func (m *Manager) evict(keep *Extension) {
	if m.code.Load() <= maxCode {
		return
	}
	var idle []*Extension
	m.eachLive(func(x *Extension) {
		if x != keep && x.stored.Load() && x.code.has() {
			idle = append(idle, x)
		}
	})
	slices.SortFunc(idle, func(a, b *Extension) int { return int(min(max(a.used.Load()-b.used.Load(), -1), 1)) })
	for _, x := range idle {
		if m.code.Load() <= maxCode {
			return
		}
		x.unload()
	}
}

// unload frees the code of x if nothing runs in it.
func (x *Extension) unload() {
	x.pool.trim(0, func(*instance) bool { return true })
	if e := x.pool.takeEngine(); e != nil {
		x.closeEngine(e)
	}
}

func (x *Extension) closeEngine(e *engine) {
	if err := x.manager.closeEngine(e); err != nil {
		x.log.Error("extension: free its code", "error", err)
	}
}
