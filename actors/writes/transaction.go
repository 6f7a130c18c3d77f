package writes

import (
	"context"
	"errors"
	"sync"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/sqlite"
)

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
	lost bool  // SQLite ended it
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
		t.lost = true
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
	p, err := t.begin()
	if err != nil {
		return err
	}
	return t.close(p, routine.Guard(fn))
}

// begin begins a part that user code has for itself until it is closed.
func (t *transaction) begin() (part, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.part()
}

// close ends a part, see [transaction.conclude].
func (t *transaction) close(p part, err error) error {
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
	if t.open >= maxParts {
		return p, ErrDepth
	}
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
	if t.over == nil && t.open > 0 && reason == ErrTransactionOver {
		t.over = ErrTransactionShared // somebody has a part of it that has not ended
	}
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

// settle does what waited for the end, in order, and returns what failed of it. The outcome of the transaction stays what it is.
func (t *transaction) settle(ctx context.Context, outcome error) error {
	var errs []error
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
