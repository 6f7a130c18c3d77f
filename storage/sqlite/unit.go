package sqlite

import (
	"sync/atomic"
	"time"
)

// Work is what a unit does. Apply may be run a second time, in another transaction, after the first one was rolled back; so it starts from
// scratch each time and has no effect outside the database, unless the unit is Shared or Alone. An error undoes what this run wrote.
type Work interface {
	Apply(tx *Tx) error
}

// WorkFunc makes a function a [Work].
type WorkFunc func(tx *Tx) error

// Apply calls f.
func (f WorkFunc) Apply(tx *Tx) error { return f(tx) }

// Unit is one entry in the Writer's queue. It may be submitted once; after that it belongs to the Writer until Done was called.
type Unit struct {
	// Work is what to do.
	Work Work
	// Source and Client say on whose behalf, for fairness when more waits than fits: turns go round the sources, and
	// within a source round its clients. Units of one source and client keep their order.
	Source, Client string
	// Bytes is the rough size of what will be written; groups end at 4 MB.
	Bytes int
	// Alone asks for a transaction of the unit's own, for long work.
	Alone bool
	// Shared says that Apply must not be run a second time, as where it runs user code. Such a unit shares a commit with others of
	// its kind alone, see shared.go. It has no meaning for a unit that is Alone, which is run once anyway.
	Shared bool
	// Deadline removes the unit from the queue, answered with [ErrNotWritten]. It has no effect once the unit began. Zero means none.
	Deadline time.Time
	// Done is called exactly once with the unit's outcome, if Submit returned nil, outside any transaction. It must not block.
	Done func(error)

	state   atomic.Int32
	outside func(*connection) error // runs without a transaction, instead of Work
	swap    func()                  // makes it a schema change; called behind the gate after COMMIT

	err error // how the run in the current group ended
}

// The states of a unit. Only queued leads anywhere: whoever moves it on decides who answers.
const (
	stateQueued int32 = iota
	stateBegun
	stateRemoved
)

// begin claims u for running; false means that its caller removed it.
func (u *Unit) begin() bool { return u.state.CompareAndSwap(stateQueued, stateBegun) }

// Withdraw takes u back from the queue, unless it has begun: then it returns false, and Done will be called. Otherwise it is not.
func (u *Unit) Withdraw() bool { return u.remove() }

// remove claims u for being answered with ErrNotWritten.
func (u *Unit) remove() bool { return u.state.CompareAndSwap(stateQueued, stateRemoved) }

func (u *Unit) expired(now time.Time) bool { return !u.Deadline.IsZero() && now.After(u.Deadline) }
