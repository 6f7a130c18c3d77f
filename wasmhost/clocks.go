package wasmhost

import (
	"context"
	"math"
	"time"
)

// clocks are the two clocks of a call. The guest's own runs while the guest does; it stands still while a host function runs, whose time is counted apart.
// The watchdog ends a call for the guest's own time only. They belong to the goroutine of the call.
//
// Host functions are many and mostly quick, so they look at the clock of the watchdog, which goes on every few milliseconds: one that lasts
// shorter is counted with what the next tick falls into, which is right on average. Those that reach the [Host] measure.
type clocks struct {
	until   int64 // when the guest's own time is over if it runs until then: the instance's state while it runs
	limit   int64 // own time that the call may take
	full    int64 // own time that the module may take; more than limit where the caller's deadline was nearer
	aside   int64 // own time that is kept for after the transaction that the guest has begun
	entered int64 // when the host function began
	exact   bool  // entered was measured
	waited  int64 // time in host functions
	most    int64 // of that
}

// never is a time that does not come.
const never = math.MaxInt64

// grant begins the clocks of a call at now. given is the caller's deadline.
func (c *clocks) grant(now int64, limit, wait time.Duration, given int64) {
	*c = clocks{limit: int64(limit), full: int64(limit), most: int64(wait)}
	c.limit = min(c.limit, given-now)
	c.until = now + c.limit
}

// used is the guest's own time so far, while it runs or has just ended.
func (c *clocks) used(now int64) time.Duration { return time.Duration(c.limit - (c.until - now)) }

// unclip gives the guest what its caller's deadline took away.
func (c *clocks) unclip() {
	c.until += c.full - c.limit - c.aside
	c.limit = c.full - c.aside
}

// hold leaves the guest most of its own time while it holds a transaction, and keeps the rest for after.
func (c *clocks) hold(now int64, most time.Duration) {
	if left := c.until - now; left > int64(most) {
		c.aside = left - int64(most)
		c.until -= c.aside
		c.limit -= c.aside
	}
}

// unhold ends hold.
func (c *clocks) unhold() {
	c.until += c.aside
	c.limit += c.aside
	c.aside = 0
}

// blames tells whether a call that ran out of its own time has to thank the guest for it: not when its caller left it little.
func (c *clocks) blames(now int64) bool {
	return c.aside > 0 || c.used(now) >= time.Duration(c.full)/2
}

// pause stops the guest's own clock for a host function. It does not return to a guest that was stopped.
func (i *instance) pause() {
	c := &i.call.clocks
	if !i.state.CompareAndSwap(c.until, hosting) {
		panic(stopped{})
	}
	c.entered, c.exact = i.extension.manager.dog.clock.Load(), false
}

// resume lets the guest's own clock go on.
func (i *instance) resume() {
	c := &i.call.clocks
	now := i.extension.manager.dog.clock.Load()
	if c.exact {
		now = i.extension.manager.now()
		if h := i.host.Load(); h != nil {
			h.until.Store(never)
		}
	}
	if d := now - c.entered; d > 0 {
		c.until += d
		c.waited += d
	}
	if !i.state.CompareAndSwap(hosting, c.until) {
		panic(stopped{})
	}
}

// hostContext is what a call of the host gets: that of the innermost transaction that the guest has begun, or that of the guest's call. BUSY when there
// is no time left for the host.
func (i *instance) hostContext() (context.Context, *Error) {
	c := &i.call
	m := i.extension.manager
	now := m.now()
	if !c.exact {
		c.entered, c.exact = now, true
	}
	i.leavePlace()
	left := c.most - c.waited - (now - c.entered)
	if left <= 0 {
		return nil, errHostTime
	}
	h := i.host.Load()
	if h == nil || h.over() && m.committed(c.ctx) {
		// The first one, or one that ended with the caller: what has begun to count is brought to an end without it.
		h = &callContext{Context: c.ctx, extension: i.extension, depth: c.depth}
		i.host.Store(h)
	}
	h.until.Store(now + left)
	if n := len(c.transactions); n > 0 {
		return c.transactions[n-1].Context(), nil
	}
	return h, nil
}

// wrote is called after a call of the host that may have written: what is committed is brought to an end, however little time the caller had.
func (i *instance) wrote() {
	if c := &i.call; c.limit+c.aside < c.full && len(c.transactions) == 0 && i.extension.manager.committed(c.ctx) {
		c.unclip()
	}
}
