package writes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/sqlite"
)

// turn is how a transaction with user code gets to the Writer.
type turn struct {
	// limit is how long it may hold the Writer.
	limit time.Duration
	// source and client are on whose behalf, for the Writer's fairness.
	source, client string
	// gate bounds how many there are of its kind; gone, if not nil, is closed when what it belongs to is gone.
	gate *admission.Gate
	gone <-chan struct{}
	// alone keeps it from sharing a commit with others, for long work and for statements whose failure could take the others along.
	alone bool
}

// kind is what is known of transactions like this one by.
func (by turn) kind() string {
	if by.gone == nil {
		return by.source + " " + by.client
	}
	return by.source
}

// turn is that of a transaction that belongs to no collection.
func (a *Service) turn(client string) turn {
	return turn{limit: a.transactionTimeout(), source: "transactions", client: client, gate: &a.transactions}
}

// handover is the unit that lends the Writer's transaction to another goroutine.
type handover struct {
	t     *transaction
	limit time.Duration
	stop  context.CancelCauseFunc // of the context of user code: a read of it must not keep the transaction
	began admission.Reply         // nil, or why it never will
	ended chan error              // buffered
}

// Apply implements sqlite.Work. Such a unit is run only once.
func (h *handover) Apply(tx *sqlite.Tx) error {
	h.t.tx = tx
	h.began.Give(nil)
	timer := time.NewTimer(h.limit)
	defer timer.Stop()
	select {
	case err := <-h.ended:
		return errors.Join(err, h.t.end(ErrTransactionOver))
	case <-timer.C:
		h.stop(ErrTransactionTimeout)
		return errors.Join(ErrTransactionTimeout, h.t.end(ErrTransactionTimeout))
	}
}

// loan is the Writer's transaction while a chain of calls has it. It is ended by finish.
type loan struct {
	*handover
	a       *Service
	outer   context.Context // of whoever asked for it: what comes after the end runs with it
	within  context.Context // what is part of it runs with this
	gate    *admission.Gate
	outcome chan error // buffered

	settled sync.Once
	err     error // how it ended
	after   error // of what waited for the end
}

// lend waits for the Writer's transaction. It fails like a command that never began.
func (a *Service) lend(ctx context.Context, by turn) (*loan, error) {
	if err := by.gate.Enter(); err != nil {
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	deadline := admission.Deadline(ctx, writeTimeout)
	within, stop := context.WithCancelCause(ctx)
	l := &loan{a: a, outer: ctx, gate: by.gate, outcome: make(chan error, 1), handover: &handover{
		t: new(transaction), limit: by.limit, stop: stop, began: admission.NewReply(), ended: make(chan error, 1),
	}}
	alone := by.alone || a.loners.has(by.kind())
	unit := &sqlite.Unit{Work: l.handover, Source: by.source, Client: by.client, Alone: alone, Shared: !alone, Deadline: deadline, Done: func(err error) {
		if l.t.lost || errors.Is(err, sqlite.ErrTakenAlong) && sqlite.RefusedByData(err) { // who of them is to blame nobody knows
			a.loners.add(by.kind())
		}
		l.began.Give(err)
		l.outcome <- err
	}}
	err := a.db.Submit(unit)
	if err == nil {
		err = l.began.Wait(ctx, deadline, unit, by.gone)
	}
	if err != nil {
		stop(ErrTransactionOver)
		by.gate.Leave()
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	s := scopeOf(ctx)
	s.tx = l.t
	l.within = s.in(within)
	return l, nil
}

// finish ends the transaction: with a commit where err is nil. It returns how the transaction ended, and what failed of that which
// waited for the end.
func (l *loan) finish(err error) (outcome, after error) {
	l.ended <- err
	l.settle()
	return l.err, l.after
}

// settle waits for the outcome and does what waited for it, once.
func (l *loan) settle() {
	l.settled.Do(func() {
		defer l.gate.Leave()
		l.err = <-l.outcome
		scopeOf(l.outer).committed(l.err)
		l.stop(ErrTransactionOver)
		l.after = l.t.settle(l.outer, l.err)
	})
}

// exclusive runs body in a transaction, and returns how that ended together with the failures of what came after the end. The Writer waits
// meanwhile.
func (a *Service) exclusive(ctx context.Context, by turn, body func(ctx context.Context) error) error {
	l, err := a.lend(ctx, by)
	if err != nil {
		return err
	}
	outcome, after := l.finish(routine.Guard(func() error { return body(l.within) }))
	return join(outcome, after)
}

// join is errors.Join that leaves a single error as it is.
func join(outcome, after error) error {
	if after == nil {
		return outcome
	}
	return errors.Join(outcome, after)
}

// RunInTransaction runs fn with a context whose writes and reads are part of one transaction: all or nothing. While fn runs
// no other write of the server goes on, so it is ended when it takes longer than a batch may (see the settings), with its context, and it
// should use nothing but the context that it is given, on one goroutine at a time: a write on another one waits in vain.
// Records can be changed, collections and settings cannot: that fails with [ErrInTransaction].
// Inside of a transaction fn is a part of it that can fail alone.
//
// Hooks that come after a write run when the transaction has ended. Their errors are returned, and take nothing back.
func (a *Service) RunInTransaction(ctx context.Context, fn func(ctx context.Context) error) error {
	return a.runIn(ctx, a.turn("transaction"), fn)
}

// RunAlone is [Service.RunInTransaction] for SQL that is not ours (law 7): its transaction shares no commit with others, since a
// statement that is stopped takes all of that along. client is on whose behalf.
func (a *Service) RunAlone(ctx context.Context, client string, fn func(ctx context.Context) error) error {
	by := a.turn(client)
	by.alone = true
	return a.runIn(ctx, by, fn)
}

func (a *Service) runIn(ctx context.Context, by turn, fn func(ctx context.Context) error) error {
	s := scopeOf(ctx)
	if s.showing {
		return ErrReadOnly
	}
	if s.tx == nil {
		return a.exclusive(ctx, by, fn)
	}
	t, err := s.held()
	if err != nil {
		return err
	}
	return t.nested(func() error { return fn(ctx) })
}

// InTransaction tells whether the chain of calls that ctx belongs to holds a transaction.
func InTransaction(ctx context.Context) bool { return scopeOf(ctx).tx != nil }

// WithTx runs fn with the transaction that the chain of calls holds, see [InTransaction]; without one it fails with
// [ErrTransactionOver].
func WithTx(ctx context.Context, fn func(tx *sqlite.Tx) error) error {
	t, err := scopeOf(ctx).held()
	if err != nil {
		return err
	}
	return t.do(fn)
}
