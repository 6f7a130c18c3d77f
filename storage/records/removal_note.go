package records

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/troupebase/troupe/storage/sqlite"
)

// note writes the parts of a cascade down, and marks the deletion as begun.
func (r *Removal) note(ctx context.Context, cs *cascade, cmd target) (err error) {
	changes, deletions := cs.parts(r.s.sizes.part)
	var first, later []removalPart
	strict := 0
	for _, part := range changes {
		if uniqueReference(cs.cat.ByID(part.collection)) {
			first = append(first, part) // what may be refused is done with the decision
			strict += len(part.ids)
		} else {
			later = append(later, part)
		}
	}
	if strict > maxBounded {
		return fmt.Errorf("%w: more than %d of them with unique references", ErrTooBig, maxBounded)
	}
	if err := r.s.db.DoAlone(ctx, sqlite.WorkFunc(r.reserve)); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = r.undo(err)
		}
	}()
	for parts := range slices.Chunk(append(later, deletions...), notedAtOnce) {
		if err := r.s.db.DoAlone(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error { return noteParts(tx, parts) })); err != nil {
			return err
		}
	}
	return r.s.db.DoAlone(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		if err := r.decide(tx, cs, cmd); err != nil {
			return err
		}
		if err := r.apply(tx, first); err != nil {
			return err
		}
		return tx.Exec(beginDeletion)
	}))
}

// reserve takes the place of the one deletion in pieces.
func (r *Removal) reserve(tx *sqlite.Tx) error {
	if r.s.unfinished.Load() {
		if err := clearDeletion(tx); err != nil {
			return err
		}
	}
	if err := tx.Exec(insertDeletion, r.c); err != nil {
		return fmt.Errorf("note a deletion: %w", err)
	}
	if tx.Changes() == 0 {
		return fmt.Errorf("another process deletes in pieces: %w", sqlite.ErrBusy)
	}
	return nil
}

// undo takes back what was noted. When it cannot be known whether the decision was written, the file is asked.
func (r *Removal) undo(cause error) error {
	begun := false
	err := r.s.db.DoAlone(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) (err error) {
		if begun, err = hasBegun(tx); err != nil || begun {
			return err
		}
		return clearDeletion(tx)
	}))
	switch {
	case err == nil && begun:
		return nil
	case err != nil && !errors.Is(cause, sqlite.ErrOutcomeUnknown):
		r.s.unfinished.Store(true)
	}
	return cause
}

// hasBegun tells whether a deletion was decided and is not done.
func hasBegun(p Preparer) (bool, error) {
	stmt, err := p.Prepare(selectBegun)
	if err != nil {
		return false, fmt.Errorf("look for a deletion: %w", err)
	}
	found, err := stmt.Step()
	if err != nil {
		return false, fmt.Errorf("look for a deletion: %w", err)
	}
	begun := found && stmt.ColumnInt(0) != 0
	return begun, stmt.Reset()
}

func clearDeletion(tx *sqlite.Tx) error {
	if err := tx.Exec(deleteDeletion); err != nil {
		return fmt.Errorf("clear a deletion: %w", err)
	}
	if err := tx.Exec(deleteDeletionParts, int64(1)<<62); err != nil {
		return fmt.Errorf("clear a deletion: %w", err)
	}
	return nil
}
