package wasmhost

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// longPlaces are where guests run that have run for longAfter already: fewer than there are processors, so that short calls and everything else the server does always
// find one. Who has no place stands still at its next yield until one is free; who has had it for longSlice gives it to the next. A place is held by code that
// runs: not during calls of the host, so that nobody who waits for anything holds one. Safe for concurrent use.
type longPlaces struct {
	mu      sync.Mutex
	free    int
	waiting []chan struct{} // in order; closed when it is their turn
}

func newLongPlaces(processors int) *longPlaces { return &longPlaces{free: max(1, processors-1)} }

// take takes a place at once if there is one that nobody waits for, or tells what to wait for. Nil and false mean that too many wait.
func (p *longPlaces) take() (turn chan struct{}, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.free > 0:
		p.free--
		return nil, true
	case len(p.waiting) >= maxLongWaiting:
		return nil, false
	}
	turn = make(chan struct{})
	p.waiting = append(p.waiting, turn)
	return turn, true
}

// give gives a place back.
func (p *longPlaces) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.free++
		return
	}
	close(p.waiting[0])
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
}

// leave ends the wait for turn.
func (p *longPlaces) leave(turn chan struct{}) {
	p.mu.Lock()
	n := slices.Index(p.waiting, turn)
	if n >= 0 {
		p.waiting = slices.Delete(p.waiting, n, n+1)
	}
	p.mu.Unlock()
	if n < 0 { // it has just had its turn
		p.give()
	}
}

// wanted tells whether anybody waits.
func (p *longPlaces) wanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) > 0
}

// listening returns a ctx with which modules are compiled whose guests come to [instance.yield].
func listening(ctx context.Context) context.Context {
	return experimental.WithFunctionListenerFactory(ctx, yields{})
}

// yields hears of the function that the rewriter has guests call between two pieces of their work, and of no other.
type yields struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (y yields) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	if slices.Contains(f.ExportNames(), rewrite.YieldFunc) {
		return y
	}
	return nil
}

// Before implements experimental.FunctionListener.
func (yields) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	ctx.(*guestContext).instance.yield()
}

// After implements experimental.FunctionListener.
func (yields) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

// Abort implements experimental.FunctionListener.
func (yields) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// yield is where a guest comes every 50 to 500 microseconds that it runs. One that has run for long lets others in, and needs a place to go on.
func (i *instance) yield() {
	c := &i.call
	now := i.extension.manager.now()
	if c.used(now) < longAfter || i.state.Load() == stopping {
		return
	}
	if len(c.transactions) > 0 || c.about != nil && c.about.Limit > 0 {
		return // everybody waits for it: it has a second, and there is one of them at most
	}
	long := i.extension.manager.long
	if c.placed && now-c.placedAt > int64(longSlice) && long.wanted() {
		i.leavePlace()
	}
	if !c.placed {
		i.waitForPlace(long)
	}
	runtime.Gosched()
}

// waitForPlace takes a place, at the expense of the time for the host. A call that gets none in time ends with [ErrBusy].
func (i *instance) waitForPlace(long *longPlaces) {
	c := &i.call
	i.pause()
	turn, ok := long.take()
	if ok && turn != nil {
		ctx, busy := i.hostContext()
		if ok = busy == nil; ok {
			select {
			case <-turn:
			case <-ctx.Done():
				ok = false
			}
		}
		if !ok {
			long.leave(turn)
		}
	}
	c.placed = ok // also if the call ends here
	i.resume()
	if !ok {
		c.crowdedOut = true
		panic(stopped{})
	}
	c.placedAt = i.extension.manager.now()
}

// leavePlace gives the place back, if i has one.
func (i *instance) leavePlace() {
	if i.call.placed {
		i.call.placed = false
		i.extension.manager.long.give()
	}
}
