package wasmhost

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// pool lends the instances of one version. Up to maxInstances are shared by all callers, who wait in order when there are no more; a call
// inside another guest's call does not wait, it gets an idle one or a temporary one. Safe for concurrent use.
type pool struct {
	extension *Extension

	mu      sync.Mutex
	idle    []*instance // the most recently used last
	all     []*instance // what the watchdog looks at: everything that may be running
	open    int         // shared instances that exist or are being made
	making  int         // instances, shared or not, that are being made
	waiters []*waiter
	retired bool // keep nothing idle
	closed  bool
	channel sync.Pool // channels of waiters, empty
}

// waiter is a caller that waits for its turn.
type waiter struct {
	turn     chan turn // holds one
	deadline int64
}

// turn is what a waiter gets: an instance, or leave to make one, or an error.
type turn struct {
	instance *instance
	err      error
}

// takeIdle lends an idle instance until release; nil when there is none, or others wait for it and the caller, who holds none, has to wait, too.
func (p *pool) takeIdle(holds bool) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 || len(p.waiters) > 0 && !holds {
		return nil
	}
	return p.pop()
}

// pop takes the instance that was used last; the caller holds the lock.
func (p *pool) pop() *instance {
	last := len(p.idle) - 1
	i := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return i
}

// acquire lends an instance until release, an idle one or a new one or, after a time, another caller's. Waiting ends with waitUntil or ctx, making one
// has until deadline.
func (p *pool) acquire(ctx context.Context, holds bool, waitUntil, deadline int64) (*instance, error) {
	p.mu.Lock()
	switch {
	case len(p.idle) > 0 && (holds || len(p.waiters) == 0):
		i := p.pop()
		p.mu.Unlock()
		return i, nil
	case p.closed:
		p.mu.Unlock()
		return nil, ErrClosed
	case p.open < maxInstances && len(p.waiters) == 0:
		p.open++
		p.mu.Unlock()
		return p.make(ctx, true, deadline)
	case holds:
		p.mu.Unlock()
		return p.make(ctx, false, deadline)
	}
	return p.wait(ctx, waitUntil, deadline)
}

// make makes an instance; a shared one is counted already.
func (p *pool) make(ctx context.Context, shared bool, deadline int64) (*instance, error) {
	p.mu.Lock()
	p.making++
	p.mu.Unlock()
	i, err := p.instantiate(ctx, deadline)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.making--
	if err != nil {
		if shared {
			p.open--
			p.promote()
		}
		return nil, err
	}
	i.shared = shared
	return i, nil
}

// takeEngine takes the engine away if no instance is made or left of it; nil otherwise.
func (p *pool) takeEngine() *engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.making > 0 || len(p.all) > 0 {
		return nil
	}
	return p.extension.code.take(false)
}

// instantiate keeps a panic in the runtime from taking the caller along, and a place in the pool with it.
func (p *pool) instantiate(ctx context.Context, deadline int64) (i *instance, err error) {
	defer func() {
		if v := recover(); v != nil {
			p.extension.log.Error("extension: panic while an instance is made", "panic", v, "stack", string(debug.Stack()))
			i, err = nil, &Fault{Kind: Panicked, Message: fmt.Sprint(v)}
		}
	}()
	e, err := p.extension.engineFor(ctx, deadline)
	if err != nil {
		return nil, err
	}
	return p.extension.newInstance(e, deadline)
}

// wait queues for a turn. It is entered with the lock held and leaves without.
func (p *pool) wait(ctx context.Context, until, deadline int64) (*instance, error) {
	if len(p.waiters) >= maxWaiting {
		p.mu.Unlock()
		return nil, ErrBusy
	}
	w := &waiter{deadline: until}
	w.turn, _ = p.channel.Get().(chan turn)
	if w.turn == nil {
		w.turn = make(chan turn, 1)
	}
	p.waiters = append(p.waiters, w)
	p.mu.Unlock()
	p.extension.manager.dog.watch(p.extension.manager.now())
	var t turn
	select {
	case t = <-w.turn:
	case <-ctx.Done():
		if p.forget(w) {
			return nil, ErrBusy
		}
		t = <-w.turn
	}
	p.channel.Put(w.turn)
	if t.err != nil || t.instance != nil {
		return t.instance, t.err
	}
	return p.make(ctx, true, deadline)
}

// forget takes w out of the queue; false means that it has had its turn.
func (p *pool) forget(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := slices.Index(p.waiters, w)
	if n < 0 {
		return false
	}
	p.waiters = slices.Delete(p.waiters, n, n+1)
	return true
}

// promote gives waiters their turn while there is room; the caller holds the lock.
func (p *pool) promote() {
	for len(p.waiters) > 0 && (len(p.idle) > 0 || p.open < maxInstances) {
		w := p.waiters[0]
		p.waiters[0] = nil
		p.waiters = p.waiters[1:]
		if len(p.idle) > 0 {
			w.turn <- turn{instance: p.pop()}
		} else {
			p.open++
			w.turn <- turn{}
		}
	}
}

// release takes i back; now is the time.
func (p *pool) release(i *instance, now int64) {
	i.idleSince = now
	p.extension.used.Store(now)
	p.mu.Lock()
	keep := !i.broken && !p.retired && !p.closed
	if keep && !i.shared {
		// A temporary instance that the next call can use is one that need not be made.
		if keep = p.open < maxInstances && len(p.idle) < keepIdle; keep {
			i.shared = true
			p.open++
		}
	}
	if keep {
		p.idle = append(p.idle, i)
	} else {
		p.remove(i)
	}
	p.promote()
	p.mu.Unlock()
	if !keep {
		i.close()
	}
}

// remove uncounts i; the caller holds the lock.
func (p *pool) remove(i *instance) {
	if i.shared {
		p.open--
	}
	if n := slices.Index(p.all, i); n >= 0 {
		last := len(p.all) - 1
		p.all[n] = p.all[last]
		p.all[last] = nil
		p.all = p.all[:last]
	}
}

// show lets the watchdog see i, hide ends that.
func (p *pool) show(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, i)
}

func (p *pool) hide(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(i)
}

// retire closes what is idle now and whatever becomes idle.
func (p *pool) retire() {
	p.mu.Lock()
	p.retired = true
	p.mu.Unlock()
	p.trim(0, func(*instance) bool { return true })
}

// close refuses callers; no call may be under way.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for _, w := range p.waiters {
		w.turn <- turn{err: ErrClosed}
	}
	p.waiters = nil
	p.mu.Unlock()
	p.trim(0, func(*instance) bool { return true })
}

// trim closes idle instances for which drop says so, the least recently used first, and leaves at least keep of them.
func (p *pool) trim(keep int, drop func(*instance) bool) {
	var closing []*instance
	p.mu.Lock()
	for len(p.idle) > keep && drop(p.idle[0]) {
		closing = append(closing, p.idle[0])
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	for _, i := range closing {
		p.remove(i)
	}
	p.mu.Unlock()
	for _, i := range closing {
		i.close()
	}
}

// inspect stops what has run too long, refuses who has waited too long, and reports whether anything runs or waits.
func (p *pool) inspect(now int64) (busy bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.all {
		d := i.state.Load()
		if d == idle {
			continue
		}
		busy = true
		if d > 0 && now >= d && i.state.CompareAndSwap(d, stopping) {
			d = stopping
		}
		if d == stopping {
			i.globals.stop()
		}
		if h := i.host.Load(); h != nil {
			h.poll()
		}
	}
	kept := p.waiters[:0]
	for _, w := range p.waiters {
		if now >= w.deadline {
			w.turn <- turn{err: ErrBusy}
		} else {
			kept = append(kept, w)
		}
	}
	clear(p.waiters[len(kept):])
	p.waiters = kept
	return busy || len(kept) > 0
}

// stopAll ends all calls, whatever time they have.
func (p *pool) stopAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.all {
		if d := i.state.Load(); d != idle && i.state.CompareAndSwap(d, stopping) {
			i.globals.stop()
		}
		if h := i.host.Load(); h != nil {
			h.cancel()
		}
	}
}
