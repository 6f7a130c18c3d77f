package records

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/troupebase/troupe/storage/sqlite"
)

// Step does a piece in a unit of its own, which takes the Writer for some 20 milliseconds, and tells whether everything is done. After an
// error nothing of the piece was done and it can be tried again. A change that the piece emits is judged on a state in which the
// records that it refers to are still there.
func (r *Removal) Step(ctx context.Context) (done bool, err error) {
	began := time.Now()
	err = r.s.db.DoAlone(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		began = time.Now()
		done, err = r.step(tx)
		return err
	}))
	if err != nil {
		r.parts = 1
		return false, fmt.Errorf("delete a piece: %w", err)
	}
	switch took := time.Since(began); {
	case took < pieceTime/2:
		r.parts = min(r.parts+1, maxPieceParts)
	case took > pieceTime:
		r.parts = max(r.parts/2, 1)
	}
	if done {
		r.end()
	}
	return done, nil
}

func (r *Removal) step(tx *sqlite.Tx) (done bool, err error) {
	parts, last, more, err := notedParts(tx, r.parts)
	if err != nil {
		return false, err
	}
	if err := r.apply(tx, parts); err != nil {
		return false, err
	}
	if !more {
		return true, clearDeletion(tx)
	}
	if err := tx.Exec(deleteDeletionParts, last); err != nil {
		return false, fmt.Errorf("clear parts of a deletion: %w", err)
	}
	return false, nil
}

// More tells that a truncate has left records for another one.
func (r *Removal) More() bool { return r.more }

// Abandon gives a removal up that cannot be done: what is left of it stays.
func (r *Removal) Abandon(ctx context.Context) error {
	err := r.s.db.DoAlone(ctx, sqlite.WorkFunc(clearDeletion))
	if err != nil {
		r.s.unfinished.Store(true)
	}
	r.end()
	return err
}

// end lets others write again what belonged to the deletion.
func (r *Removal) end() {
	if r.g != nil {
		r.s.running.CompareAndSwap(r.g, nil)
	}
	select {
	case <-r.done:
	default:
		close(r.done)
	}
}

// UnfinishedRemoval returns the deletion that was under way when the process ended, nil for none, and keeps its records from others
// from now on. It is called before anybody writes, by the one server of a directory.
func (s *Store) UnfinishedRemoval(ctx context.Context) (*Removal, error) {
	var r *Removal
	err := s.db.DoAlone(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		r = nil
		begun, err := hasBegun(tx)
		if err != nil {
			return err
		}
		if !begun {
			return clearDeletion(tx)
		}
		parts, _, _, err := notedParts(tx, math.MaxInt32)
		if err != nil {
			return err
		}
		done := make(chan struct{})
		g := &runningDeletion{members: make(map[string]map[string]bool), done: done}
		for _, part := range parts {
			if g.members[part.collection] == nil {
				g.members[part.collection] = make(map[string]bool)
			}
			for _, id := range part.ids {
				g.members[part.collection][id] = part.action == Deleted
			}
		}
		s.running.Store(g)
		r = &Removal{s: s, now: time.Now(), g: g, done: done, parts: 1}
		return nil
	}))
	if err != nil {
		return nil, fmt.Errorf("look for a deletion that was interrupted: %w", err)
	}
	return r, nil
}
