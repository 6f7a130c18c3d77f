package writes

import (
	"context"
	"sync/atomic"
)

// chain is one chain of calls: a request and everything that hooks do on its behalf. Beside its identity it knows one thing.
type chain struct {
	// partly tells that something of the chain was committed, or that nobody can say that it was not.
	partly atomic.Bool
}

// PartlyDone tells whether something of the chain of calls that ctx belongs to was committed already, outside of a transaction that is still open: what
// comes is to be brought to an end without its caller, and nobody is to be told that nothing was written. It never waits.
func PartlyDone(ctx context.Context) bool {
	c := scopeOf(ctx).chain
	return c != nil && c.partly.Load()
}

// committed notes the outcome of what the Writer did for the chain in a transaction of its own.
func (s scope) committed(err error) {
	if s.chain == nil || s.chain.partly.Load() {
		return
	}
	if err == nil || OutcomeOf(err) == Unknown || OutcomeOf(err) == Done {
		s.chain.partly.Store(true)
	}
}

// Unfinished makes an error that says that nothing was written, of a chain of which something was, one that says that: a [*WrittenError].
// Others stay as they are.
func Unfinished(ctx context.Context, err error) error {
	if err == nil || !PartlyDone(ctx) {
		return err
	}
	switch OutcomeOf(err) {
	case NotDone, DiskFull:
		return Written(err)
	}
	return err
}
