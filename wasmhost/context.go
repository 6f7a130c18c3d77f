package wasmhost

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callContext is the ctx that the host gets from a guest: the caller's, with the time that is left for calls of the host and the mark that the chain
// holds an instance. Once something of the chain is committed the caller's end ends it no more. It has no timer of its own; the watchdog ends it. A host may keep
// it longer than the call lasts.
type callContext struct {
	context.Context
	extension *Extension
	depth     int
	until     atomic.Int64 // when the time for the host is used up, if the call of the host lasts until then

	mu       sync.Mutex
	done     chan struct{} // made when somebody asks
	err      error         // why it ended
	detached bool          // from the caller's end
}

type callKey struct{}

// holder returns the innermost call of a guest that ctx belongs to, nil when there is none.
func holder(ctx context.Context) *callContext {
	c, _ := ctx.Value(callKey{}).(*callContext)
	return c
}

// Of returns the extension whose guest made the call that ctx came with, nil when it came from no guest.
func Of(ctx context.Context) *Extension {
	if c := holder(ctx); c != nil {
		return c.extension
	}
	return nil
}

// Deadline returns when the call of the host has to end.
func (c *callContext) Deadline() (time.Time, bool) {
	own := c.until.Load()
	d, given := c.Context.Deadline()
	if given && c.extension.manager.committed(c.Context) {
		given = false
	}
	switch {
	case own == never:
		return d, given
	case given && c.extension.manager.moment(d) <= own:
		return d, true
	}
	return c.extension.manager.at(own), true
}

// Value returns c itself for its own key and asks the caller's ctx for the rest.
func (c *callContext) Value(key any) any {
	if _, own := key.(callKey); own {
		return c
	}
	return c.Context.Value(key)
}

// Err tells in time, also before the watchdog has looked.
func (c *callContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
	return c.err
}

// Done returns a channel that is closed a few milliseconds after the deadline or the end of the caller's ctx at the latest, unless that does not count.
func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	c.look()
	return c.done
}

// look ends c if it is time; the caller holds the lock.
func (c *callContext) look() {
	if err := c.Context.Err(); err != nil && c.err == nil && !c.detached {
		if c.detached = c.extension.manager.committed(c.Context); !c.detached {
			c.end(err)
		}
	}
	if c.extension.manager.now() >= c.until.Load() {
		c.end(context.DeadlineExceeded)
	}
}

// over tells whether c has ended.
func (c *callContext) over() bool { return c.Err() != nil }

// cancel ends c whatever time there is.
func (c *callContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(context.Canceled)
}

// end ends c once; the caller holds the lock.
func (c *callContext) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
}

// poll is the watchdog's look.
func (c *callContext) poll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		c.look()
	}
}

// finish ends c with the call.
func (c *callContext) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look() // the deadline may have been the reason
	c.end(context.Canceled)
}

// guestContext is what wazero gets: it only leads host functions to their instance. It is never done, because interruption is the
// rewritten module's, and it holds no values, because each call of a guest asks for some of wazero's.
type guestContext struct{ instance *instance }

func (guestContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (guestContext) Done() <-chan struct{}       { return nil }
func (guestContext) Err() error                  { return nil }
func (guestContext) Value(any) any               { return nil }
