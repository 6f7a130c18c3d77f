package writes

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Deletions that bring much along are done in pieces, so that others write between them; see docs/rationale.md.

const (
	// maxRemovals is how many big deletions may be under way or wait: they are done one after the other.
	maxRemovals = 16
	// pieceTries is how often a piece is tried that fails for a reason that lies in the data.
	pieceTries = 3
	// firstRetry and lastRetry are the shortest and the longest pause before a piece is tried again.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
	// longestPause bounds the time that a deletion leaves to others after a piece.
	longestPause = 200 * time.Millisecond
)

// removals are the deletions in pieces.
type removals struct {
	token    chan struct{} // there is one: whoever took it has a deletion under way, or changes collections
	queued   atomic.Int64  // those that wait for it
	waiting  atomic.Int64  // those that want the token or have it
	under    atomic.Int64  // those that are being done
	stopping context.Context
	stop     context.CancelFunc
}

func (r *removals) init() {
	r.token = make(chan struct{}, 1)
	r.token <- struct{}{}
	r.stopping, r.stop = context.WithCancel(context.Background())
}

// take waits for the token.
func (r *removals) take(ctx context.Context, limit time.Duration) error {
	r.queued.Add(1)
	defer r.queued.Add(-1)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.token:
		return nil
	case <-timer.C:
		return fmt.Errorf("wait for a big deletion: %w", sqlite.ErrNotWritten)
	case <-ctx.Done():
		return fmt.Errorf("wait for a big deletion: %w: %w", sqlite.ErrNotWritten, ctx.Err())
	case <-r.stopping.Done():
		return fmt.Errorf("wait for a big deletion: %w", sqlite.ErrClosed)
	}
}

func (r *removals) give() { r.token <- struct{}{} }

// HoldDeletions waits until no deletion in pieces is under way and keeps others from beginning until release is called: what they
// found out belongs to the fields as they are. It fails like a write.
func (a *Service) HoldDeletions(ctx context.Context) (release func(), err error) {
	if err := a.removals.take(ctx, writeTimeout); err != nil {
		return nil, err
	}
	return a.removals.give, nil
}

// setBound says how much of the Writer's time the deletions of a command may take.
func setBound(cmd records.Command, alone bool) {
	b := records.Bounded
	if alone {
		b = records.Short
	}
	switch cmd := cmd.(type) {
	case *records.Delete:
		cmd.Bound = b
	case *records.Truncate:
		if alone {
			cmd.Bound = b // otherwise the time of the transaction bounds it
		}
	case *records.Batch:
		for _, part := range cmd.Commands {
			setBound(part, false)
		}
	}
}

// deliver hands a command to its collection's actor. One that meets a record of a deletion under way is handed over again
// when that has ended, and a deletion that is too big for one unit is done in pieces.
func (a *Service) deliver(ctx context.Context, c *schema.Collection, cmd records.Command, client string) error {
	setBound(cmd, true)
	var over <-chan time.Time // most commands never meet a deletion
	for {
		_, alone := cmd.(*records.Truncate)
		err := a.write(ctx, c, &order{unit: sqlite.Unit{Work: a.work(cmd, nil), Client: client, Alone: alone}})
		if errors.Is(err, records.ErrInPieces) {
			err = a.removeInPieces(ctx, cmd)
		}
		var going *records.BeingDeletedError
		if err == nil || !errors.As(err, &going) {
			return err
		}
		if over == nil {
			timer := time.NewTimer(writeTimeout)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case <-going.Done:
		case <-over:
			return err
		case <-ctx.Done():
			return err
		case <-a.removals.stopping.Done():
			return err
		}
	}
}

// removeInPieces decides a deletion and does it. It returns nil when everything is gone, or when the server is being stopped and the next
// start goes on; a *[WrittenError] says that a piece failed, which is tried again.
func (a *Service) removeInPieces(ctx context.Context, cmd records.Command) error {
	defer a.removals.waiting.Add(-1)
	if a.removals.waiting.Add(1) > maxRemovals {
		return fmt.Errorf("delete in pieces: %w", sqlite.ErrBusy)
	}
	if a.closing.Load() {
		return fmt.Errorf("delete in pieces: %w", sqlite.ErrClosed)
	}
	for {
		more, err := a.removeOnce(ctx, cmd)
		switch {
		case err != nil || !more:
			return err
		case a.closing.Load():
			return Written(fmt.Errorf("delete in pieces: not all is gone: %w", sqlite.ErrClosed))
		}
	}
}

// removeOnce is removeInPieces for as many records as one removal takes.
func (a *Service) removeOnce(ctx context.Context, cmd records.Command) (more bool, err error) {
	if err := a.removals.take(ctx, writeTimeout); err != nil {
		return false, err
	}
	r, err := a.beginRemoval(ctx, cmd)
	if err != nil || r == nil {
		a.removals.give()
		return false, err
	}
	outcome := make(chan error, 1)
	a.finishRemoval(r, outcome)
	return r.More(), <-outcome
}

func (a *Service) beginRemoval(ctx context.Context, cmd records.Command) (*records.Removal, error) {
	switch cmd := cmd.(type) {
	case *records.Delete:
		return a.store.BeginRemoval(ctx, cmd)
	case *records.Truncate:
		return a.store.BeginRemoval(ctx, cmd)
	}
	return nil, fmt.Errorf("%T cannot be done in pieces", cmd)
}

// finishRemoval does the pieces on a goroutine of its own and gives the token back. outcome gets the end, or the first failure.
func (a *Service) finishRemoval(r *records.Removal, outcome chan<- error) {
	a.removals.under.Add(1)
	a.goSafe(func() error {
		defer a.removals.give()
		defer a.removals.under.Add(-1)
		err := routine.Guard(func() error { return a.doPieces(r, func(err error) { tell(outcome, Written(err)) }) })
		tell(outcome, Written(err))
		return err
	}, "delete in pieces")
}

func tell(outcome chan<- error, err error) {
	select {
	case outcome <- err:
	default:
	}
}

// doPieces does a removal to its end, unless the server is being stopped. failed is told of pieces that will be tried again. A removal
// whose records cannot be deleted, whoever is to blame, is given up.
func (a *Service) doPieces(r *records.Removal, failed func(error)) error {
	ctx := a.removals.stopping
	tries, retry := 0, firstRetry
	for {
		began := time.Now()
		done, err := r.Step(context.Background())
		switch {
		case err == nil:
			tries, retry = 0, firstRetry
			if done {
				return nil
			}
			a.letOthersWrite(ctx, time.Since(began))
		case errors.Is(err, sqlite.ErrClosed):
			return nil
		default:
			failed(err)
			if sqlite.RefusedByData(err) {
				tries++
			}
			if tries == pieceTries {
				return errors.Join(fmt.Errorf("a deletion was given up: %w", err), r.Abandon(context.Background()))
			}
			a.log.Error("delete a piece; it is tried again", "error", err)
			pause(ctx, retry)
			retry = min(2*retry, lastRetry)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// letOthersWrite waits as long as the piece took, if anybody wants to write, and subscribers hear of it before the next one.
func (a *Service) letOthersWrite(ctx context.Context, took time.Duration) {
	if a.db.Waiting() > 0 {
		pause(ctx, min(took, longestPause))
	}
	a.hub.Settle()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// resumeRemoval goes on with a deletion that was under way when the process ended. Its records are kept from others before
// anybody writes.
func (a *Service) resumeRemoval(ctx context.Context) error {
	if !a.oneServer {
		return nil
	}
	r, err := a.store.UnfinishedRemoval(ctx)
	if err != nil || r == nil {
		return err
	}
	if err := a.removals.take(ctx, writeTimeout); err != nil {
		return err
	}
	a.finishRemoval(r, make(chan error, 1))
	return nil
}
