package wasmhost

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callContext is the ctx that the host gets from a guest: the caller's, with the deadline of the call and the mark that the chain
// holds an instance. It has no timer of its own; the watchdog ends it. A host may keep it longer than the call lasts.
type callContext struct {
	context.Context
	extension *Extension
	deadline  time.Time
	depth     int
	nested    atomic.Int64 // nanoseconds that guests below this call took

	mu   sync.Mutex
	done chan struct{} // made when somebody asks
	err  error         // why it ended
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

// Deadline returns when the guest's call has to end.
func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, true }

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

// Done returns a channel that is closed a few milliseconds after the deadline or the end of the caller's ctx at the latest.
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
	if err := c.Context.Err(); err != nil {
		c.end(err)
	} else if !time.Now().Before(c.deadline) {
		c.end(context.DeadlineExceeded)
	}
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
