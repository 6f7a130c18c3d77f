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

// maxTransactions is how many transactions with user code may be under way or wait: each holds up all writes of the server.
const maxTransactions = 64

// maxCallUnderWriter is how long one call of an extension may take where it holds the Writer, whatever its limits are
// elsewhere: a second in which nobody writes is what others can be asked to bear for one hook.
const maxCallUnderWriter = time.Second

// UnderWriter bounds a call of an extension that is part of a transaction. end is called after it.
func UnderWriter(ctx context.Context) (within context.Context, end context.CancelFunc) {
	if scopeOf(ctx).tx == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, maxCallUnderWriter)
}

// truncateTimeout is how long a truncate with hooks may take.
const truncateTimeout = 30 * time.Second

// defaultTransactionTimeout is how long a transaction with user code may take where the settings do not say (that of
// batches).
const defaultTransactionTimeout = 3 * time.Second

var (
	// ErrTransactionTimeout says that user code held a transaction for too long. Nothing of it was written.
	ErrTransactionTimeout = errors.New("the transaction took too long")
	// ErrTransactionShared says that two goroutines had parts of one transaction under way at once. Nothing of it was written.
	ErrTransactionShared = errors.New("the transaction was used by several goroutines at once")
	// ErrInTransaction says that collections or settings were to be changed, or SQL of a superuser to be run, inside of a
	// transaction. Nothing was changed, and nothing waited: the change needs the Writer, which its own transaction holds.
	ErrInTransaction = errors.New("collections and settings cannot be changed inside of a transaction")
	// ErrTransactionOver says that a transaction was used after its end.
	ErrTransactionOver = errors.New("the transaction is over")
)

// transaction is the Writer's transaction while user code holds it. The Writer waits meanwhile, on its own goroutine; user
// code runs on its caller's.
type transaction struct {
	mu   sync.Mutex
	tx   *sqlite.Tx
	over error // why tx may not be used any more
	open int   // parts that have begun and not ended
	ends []transactionEnd
}

// transactionEnd is what waits for the end of a transaction: called with nil after the commit, otherwise with the reason
// of the rollback.
type transactionEnd func(ctx context.Context, cause error) error

// do runs fn with the transaction, unless it is over.
func (t *transaction) do(fn func(tx *sqlite.Tx) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.locked(fn)
}

func (t *transaction) locked(fn func(tx *sqlite.Tx) error) error {
	if t.over != nil {
		return t.over
	}
	err := fn(t.tx)
	if t.over == nil && t.tx.Lost() {
		t.over = ErrTransactionOver // SQLite ended it; a further statement would commit on its own
	}
	return err
}

// outside runs user code in the middle of fn of [transaction.do], and lets it use the transaction.
func (t *transaction) outside(fn func() error) error {
	t.mu.Unlock()
	err := routine.Guard(fn) // whatever happens, the caller has the lock again
	t.mu.Lock()
	if t.over != nil {
		return errors.Join(t.over, err)
	}
	return err
}

// nested runs fn as a part of the transaction that can fail alone. Parts nest; fn has the transaction for itself.
func (t *transaction) nested(fn func() error) error {
	t.mu.Lock()
	p, err := t.part()
	t.mu.Unlock()
	if err != nil {
		return err
	}
	err = routine.Guard(fn)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conclude(p, err)
}

// apply applies a command as a part of the transaction that can fail alone.
func (t *transaction) apply(cmd sqlite.Work) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := t.part()
	if err != nil {
		return err
	}
	err = routine.Guard(func() error {
		return t.locked(func(tx *sqlite.Tx) error { return sqlite.Classify(cmd.Apply(tx)) })
	})
	return t.conclude(p, err)
}

// part is a part of a transaction: from where on it is undone when it fails, and what waits for the end since.
type part struct {
	point sqlite.Savepoint
	level int // how many parts were open with this one
	ends  int
}

// part begins a part; the caller holds the lock.
func (t *transaction) part() (p part, err error) {
	p.ends = len(t.ends)
	err = t.locked(func(tx *sqlite.Tx) (err error) { p.point, err = tx.Savepoint(); return err })
	if err == nil {
		t.open++
	}
	p.level = t.open
	return p, err
}

// conclude ends a part with the outcome of what ran in it, and returns that. For what waits for the end of the transaction
// a failed part was rolled back, whatever becomes of the rest. The caller holds the lock.
func (t *transaction) conclude(p part, err error) error {
	if t.open != p.level && t.over == nil {
		t.over = ErrTransactionShared // the savepoint made last is another one's; to end that would mix up what belongs to whom
	}
	t.open--
	if err == nil {
		return t.locked(func(*sqlite.Tx) error { return p.point.Keep() })
	}
	for i, end := range t.ends[p.ends:] {
		t.ends[p.ends+i] = func(ctx context.Context, _ error) error { return end(ctx, err) }
	}
	if undo := t.locked(func(*sqlite.Tx) error { return p.point.Undo() }); undo != nil && !errors.Is(err, undo) {
		return errors.Join(err, undo)
	}
	return err
}

// end takes the transaction away from user code. It fails when what was written is not what user code believes.
func (t *transaction) end(reason error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tx = nil
	if t.over == nil {
		t.over = reason
	}
	if errors.Is(t.over, ErrTransactionShared) {
		return t.over
	}
	return nil
}

// whenOver registers what is to be done after the end.
func (t *transaction) whenOver(end transactionEnd) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ends = append(t.ends, end)
}

// handover is the unit that lends the Writer's transaction to another goroutine.
type handover struct {
	t     *transaction
	limit time.Duration
	stop  context.CancelCauseFunc // of the context of user code: a read of it must not keep the transaction
	began admission.Reply         // nil, or why it never will
	ended chan error              // buffered
}

// Apply implements sqlite.Work. A unit that is alone is run only once.
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

// RunInTransaction runs fn with a context whose writes and reads are part of one transaction: all or nothing. While fn runs
// no other write of the server goes on, so it is ended when it takes longer than a batch may (see the settings), with its context, and it
// should use nothing but the context that it is given, on one goroutine at a time: a write on another one waits in vain.
// Records can be changed, collections and settings cannot: that fails with [ErrInTransaction].
// Inside of a transaction fn is a part of it that can fail alone.
//
// Hooks that come after a write run when the transaction has ended. Their errors are returned, and take nothing back.
func (a *Service) RunInTransaction(ctx context.Context, fn func(ctx context.Context) error) error {
	s := scopeOf(ctx)
	if s.showing {
		return ErrReadOnly
	}
	if s.tx != nil {
		return s.tx.nested(func() error { return fn(ctx) })
	}
	return a.exclusive(ctx, a.transactionTimeout(), "transaction", fn)
}

// InTransaction tells whether the chain of calls that ctx belongs to holds a transaction.
func InTransaction(ctx context.Context) bool { return scopeOf(ctx).tx != nil }

// WithTx runs fn with the transaction that the chain of calls holds, see [InTransaction]; without one it fails with
// [ErrTransactionOver].
func WithTx(ctx context.Context, fn func(tx *sqlite.Tx) error) error {
	t := scopeOf(ctx).tx
	if t == nil {
		return ErrTransactionOver
	}
	return t.do(fn)
}

func (a *Service) transactionTimeout() time.Duration {
	if seconds := a.settings().Batch.Timeout; seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return defaultTransactionTimeout
}

// exclusive runs body with the Writer's transaction, alone. client is who asked for it.
func (a *Service) exclusive(ctx context.Context, limit time.Duration, client string, body func(ctx context.Context) error) error {
	if err := a.transactions.Enter(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer a.transactions.Leave()
	deadline := admission.Deadline(ctx, writeTimeout)
	within, stop := context.WithCancelCause(ctx)
	defer stop(ErrTransactionOver)
	h := &handover{t: new(transaction), limit: limit, stop: stop, began: admission.NewReply(), ended: make(chan error, 1)}
	outcome := make(chan error, 1)
	unit := &sqlite.Unit{Work: h, Source: "transactions", Client: client, Alone: true, Deadline: deadline, Done: func(err error) {
		h.began.Give(err)
		outcome <- err
	}}
	if err := a.db.Submit(unit); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := h.began.Wait(ctx, deadline, unit, nil); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	s := scopeOf(ctx)
	s.tx = h.t
	h.ended <- routine.Guard(func() error { return body(s.in(within)) })
	return h.t.settle(ctx, <-outcome)
}

// settle does what waited for the end, in order. The outcome of the transaction stays what it is.
func (t *transaction) settle(ctx context.Context, outcome error) error {
	errs := []error{outcome}
	for {
		t.mu.Lock()
		ends := t.ends
		t.ends = nil
		t.mu.Unlock()
		if len(ends) == 0 {
			return errors.Join(errs...)
		}
		for _, end := range ends {
			errs = append(errs, routine.Guard(func() error { return end(ctx, outcome) }))
		}
	}
}
