package writes

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/troupebase/troupe/internal/routine"
)

// maxParts is how many parts of a transaction may be open within one another: more than the writes of hooks make, which nest [ErrDepth]
// deep, and few enough that who begins parts for ever is told so soon.
const maxParts = 64

// errRolledBack is why a transaction was rolled back that its owner did not want.
var errRolledBack = errors.New("the transaction was rolled back")

// Transaction is one that was begun by [Service.Begin], or a part of one. It is for one goroutine at a time; whatever else is done with
// it is refused, and nothing is written then. One that nobody ends is rolled back when its time is over.
type Transaction struct {
	ctx   context.Context
	ended atomic.Bool
	outer *Transaction // that it is a part of, nil if it was not begun by Begin

	loan     *loan        // of a transaction of its own
	of       *transaction // or else what it is a part of
	part     part
	forsaken func() bool // takes back what would end it when its time is over
}

// Begin begins a transaction for code that cannot be called inside of [Service.RunInTransaction]: all that is read and written with its
// Context is part of it, until [Transaction.Commit] or [Transaction.Rollback]. Everything said there holds here, too. client is on whose
// behalf, for fairness. In a chain of calls that holds a transaction it is a part that can fail alone; parts end in the
// opposite order of their beginning.
//
// It fails like a write that never began, with [ErrReadOnly], [ErrDepth], or with the reason why the transaction that the chain holds is over.
func (a *Service) Begin(ctx context.Context, client string) (*Transaction, error) {
	s := scopeOf(ctx)
	if s.showing {
		return nil, ErrReadOnly
	}
	t := &Transaction{outer: s.begun}
	within := ctx
	if s.tx != nil {
		of, err := s.held()
		if err != nil {
			return nil, err
		}
		if t.part, err = of.begin(); err != nil {
			return nil, err
		}
		t.of = of
	} else {
		l, err := a.lend(ctx, a.turn(client))
		if err != nil {
			return nil, err
		}
		t.loan, within = l, l.within
		t.forsaken = routine.When(within, func() {
			a.goSafe(func() error { l.settle(); return nil }, "end a transaction")
		}, a.panicked("end a transaction"))
	}
	s = scopeOf(within)
	s.begun = t
	t.ctx = s.in(within)
	return t, nil
}

// Context carries the transaction: what runs with it is part of it. After the end nothing can be done with it.
func (t *Transaction) Context() context.Context { return t.ctx }

// Commit ends the transaction and keeps what was written; a part is kept with the rest. It fails with [ErrTransactionOver] when the
// transaction was ended before, and otherwise like a write: nil or a [*WrittenError], of the hooks that run after it, means that it was
// written.
func (t *Transaction) Commit() error { return t.end(nil) }

// Rollback ends the transaction and takes back what was written. It fails with [ErrTransactionOver] when the transaction was ended
// before, with [ErrTransactionTimeout] when its time was over, and with what hooks after the rollback return. Nothing was written in any case.
func (t *Transaction) Rollback() error { return t.end(errRolledBack) }

func (t *Transaction) end(reason error) error {
	if !t.ended.CompareAndSwap(false, true) {
		return ErrTransactionOver
	}
	if t.loan == nil {
		err := t.of.close(t.part, reason)
		if reason != nil && err == reason { // and nothing else
			return nil
		}
		return err
	}
	t.forsaken()
	outcome, after := t.loan.finish(reason)
	if outcome == nil {
		return after
	}
	if reason != nil && !errors.Is(outcome, ErrTransactionTimeout) && !errors.Is(outcome, ErrTransactionShared) {
		outcome = nil
	}
	return join(outcome, after)
}
