// Package admission stands between those who want something written and the actor that does it. It bounds how many
// commands of one kind are under way ([Gate]), and it owns the answer to each ([Reply]): whatever becomes of the actor that holds
// a command, its caller is told.
//
// A command may be taken back until it has begun; once begun, its caller waits for the outcome (law 3). So an error of this
// package, which is sqlite.ErrBusy, sqlite.ErrClosed, sqlite.ErrNotWritten or [ErrOver], always means that nothing was written.
package admission

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/sqlite"
)

// ErrOver says that a command was taken back because whoever was to do it is gone.
var ErrOver = errors.New("admission: over")

// Gate bounds how many commands of one kind are under way. It is safe for concurrent use.
type Gate struct {
	// Max is how many there may be. Whoever comes beyond that is told to try again: a queue without a bound would only grow.
	Max int64
	// Closing tells that nobody is let in any more.
	Closing *atomic.Bool

	under atomic.Int64
}

// Enter lets a command in, which leaves by [Gate.Leave]. It fails with sqlite.ErrBusy or sqlite.ErrClosed, and is not to be left then.
func (g *Gate) Enter() error {
	err := error(nil)
	if g.under.Add(1) > g.Max {
		err = sqlite.ErrBusy
	} else if g.Closing.Load() { // asked after the command was counted: who closes waits for those that are
		err = sqlite.ErrClosed
	}
	if err != nil {
		g.Leave()
	}
	return err
}

// Leave ends what [Gate.Enter] began.
func (g *Gate) Leave() { g.under.Add(-1) }

// Under is how many commands are under way.
func (g *Gate) Under() int64 { return g.under.Load() }

// Deadline is until when a command may wait for its turn: as long as its kind waits, or as its caller does.
func Deadline(ctx context.Context, patience time.Duration) time.Time {
	deadline := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return deadline
}

// Command is what was handed over.
type Command interface {
	// Withdraw takes the command back. It returns false when it has begun; then its outcome will come.
	Withdraw() bool
}

// Reply is the answer to one command. It is made by [NewReply].
type Reply struct{ outcome chan error }

// NewReply returns a reply that was not given yet.
func NewReply() Reply { return Reply{make(chan error, 1)} }

// Give gives the answer. It does not wait, and only the first one counts.
func (r Reply) Give(err error) {
	select {
	case r.outcome <- err:
	default:
	}
}

// Wait returns the answer to cmd. When the deadline passes or ctx ends before cmd has begun, cmd is taken back, and the error is
// sqlite.ErrNotWritten; when over is closed, it is [ErrOver]. It is called once.
func (r Reply) Wait(ctx context.Context, deadline time.Time, cmd Command, over <-chan struct{}) error {
	timer := timers.Get().(*time.Timer)
	timer.Reset(time.Until(deadline))
	defer func() {
		timer.Stop()
		timers.Put(timer)
	}()
	why := sqlite.ErrNotWritten
	select {
	case err := <-r.outcome:
		return err
	case <-timer.C:
	case <-ctx.Done():
		why = fmt.Errorf("%w: %w", sqlite.ErrNotWritten, ctx.Err())
	case <-over:
		why = ErrOver
	}
	if cmd.Withdraw() {
		return why
	}
	return <-r.outcome
}

// timers are stopped ones. Every write needs one, and a new one costs three allocations.
var timers = sync.Pool{New: func() any {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}}

// Claim settles who has a command that waits in a mailbox: the actor, who begins it, or its caller, who takes it back. The first one
// has it. It is embedded in the command, which it makes a [Command], and its zero value is nobody's yet.
type Claim struct{ state atomic.Int32 }

// The states of a Claim.
const (
	waiting int32 = iota
	begun
	withdrawn
)

// Begin tells the actor whether the command is his to do.
func (c *Claim) Begin() bool { return c.state.CompareAndSwap(waiting, begun) }

// Withdraw implements [Command].
func (c *Claim) Withdraw() bool { return c.state.CompareAndSwap(waiting, withdrawn) }

// Do runs what an actor does with a command. The command is answered even when that panics, which is then the supervisor's
// business.
func Do(r Reply, do func()) {
	defer func() {
		if v := recover(); v != nil {
			r.Give(&routine.Panic{Value: v})
			panic(v)
		}
	}()
	do()
}
