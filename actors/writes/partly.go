package writes

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/troupebase/troupe/storage/sqlite"
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

// PartlyError is a want of time or room in a chain of calls of which something was committed before: a write that a hook made, or a
// route. What failed was not written, but whoever tries all of it again may do the rest twice, so nobody is to be told to.
type PartlyError struct{ Err error }

// Error is the text of the failure.
func (e *PartlyError) Error() string { return "after something else was written: " + e.Err.Error() }

// Unwrap returns the failure.
func (e *PartlyError) Unwrap() error { return e.Err }

// Unfinished makes an error that says that nothing was written, of a chain of which something was, one that says that: a [*PartlyError].
// Others stay as they are.
func Unfinished(ctx context.Context, err error) error {
	if err == nil || !PartlyDone(ctx) {
		return err
	}
	switch outcome := OutcomeOf(err); {
	case outcome == NotDone, outcome == DiskFull, outcome == Judged && errors.Is(err, sqlite.ErrInterrupted):
		return &PartlyError{err}
	}
	return err
}
