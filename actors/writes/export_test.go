package writes

import (
	"context"
	"time"

	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// What tests of the promises need to see, or to break.

const (
	MaxAdmitted        = maxAdmitted
	MaxTransactions    = maxTransactions
	MaxDepth           = maxDepth
	MaxCallUnderWriter = maxCallUnderWriter
	DefaultTimeout     = defaultTransactionTimeout
	WriteTimeout       = writeTimeout
	PieceTries         = pieceTries
	PendingDir         = pendingDir

	StepNoted   = stepNoted
	StepStored  = stepStored
	StepWritten = stepWritten
	StepRemoved = stepRemoved
)

func HasFiles(c *schema.Collection) bool { return hasFiles(c) }

// OnStep is told how far writes with files come.
func (a *Service) OnStep(fn func(step string)) { a.step = fn }

func (a *Service) Pending() *files.Pending { return a.pending }

func (a *Service) Noted(ctx context.Context) ([]string, error) { return a.noted(ctx, "") }

func (a *Service) StoreUploads(up records.Uploads) (*files.Note, error) { return a.storeUploads(up) }

func (a *Service) SettleUploads(up records.Uploads, note *files.Note, outcome error) {
	a.settleUploads(up, note, outcome)
}

func (a *Service) Closing() bool { return a.closing.Load() }

func (a *Service) TransactionTimeout() time.Duration { return a.transactionTimeout() }

// RemovalLimit is how long the transaction around a deletion with hooks may take.
func (a *Service) RemovalLimit(c *schema.Collection, cmd records.Command) time.Duration {
	return a.removal(c, cmd).limit
}

// Order sends work through a collection's actor, which runs fault first; nil for nothing.
func (a *Service) Order(ctx context.Context, c *schema.Collection, work sqlite.Work, fault func()) error {
	return a.write(ctx, c, &order{unit: sqlite.Unit{Work: work, Client: "test"}, fault: fault})
}

// Work is what the Writer does for a command.
func (a *Service) Work(cmd records.Command) sqlite.Work { return a.work(cmd, nil) }

// RecordLocks counts the records that are locked and the chains that wait.
func (a *Service) RecordLocks() (held, waiting int) {
	a.locks.mu.Lock()
	defer a.locks.mu.Unlock()
	return len(a.locks.held), len(a.locks.waits)
}

// WaitingFor counts the chains that wait for a record.
func (a *Service) WaitingFor(c *schema.Collection, id string) int {
	a.locks.mu.Lock()
	defer a.locks.mu.Unlock()
	if one := a.locks.held[recordKey{c.ID, id}]; one != nil {
		return len(one.queue)
	}
	return 0
}

// FinishRemoval does the pieces of a removal whose token the caller has taken by [Service.HoldDeletions].
func (a *Service) FinishRemoval(r *records.Removal) { a.finishRemoval(r, make(chan error, 1)) }

func (a *Service) DoPieces(r *records.Removal, failed func(error)) error {
	return a.doPieces(r, failed)
}

// Revive dismisses a collection's actor and leaves it to be found, as one sees it who looked it up just before.
func (a *Service) Revive(collectionID string) error {
	to, err := a.collection(collectionID)
	if err != nil {
		return err
	}
	a.dismiss(collectionID)
	a.collections.mu.Lock()
	defer a.collections.mu.Unlock()
	a.collections.byID[collectionID] = to
	return nil
}

// Showing returns a context of a chain in which a record is shown.
func Showing(ctx context.Context) context.Context {
	s := scopeOf(ctx)
	s.showing = true
	return s.in(ctx)
}

// ApplyInTransaction applies work as a part of the transaction that the chain holds.
func ApplyInTransaction(ctx context.Context, work sqlite.Work) error {
	return scopeOf(ctx).tx.apply(work)
}

// WaitingForDeletions counts those who wait until no deletion in pieces is under way.
func (a *Service) WaitingForDeletions() int64 { return a.removals.queued.Load() }

// Under is how many commands of a collection are under way.
func (a *Service) Under(c *schema.Collection) int64 {
	to, err := a.collection(c.ID)
	if err != nil {
		return -1
	}
	return to.gate.Under()
}
