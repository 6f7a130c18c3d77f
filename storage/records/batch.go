package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Batch is the command that applies others in order, all or none: each sees what the earlier ones wrote.
type Batch struct {
	// Commands are applied in order. Their results are those of the last time.
	Commands []Command
	// Together tells that the commands are one request: who asks is looked up before the first is applied, and what that one does to
	// the caller's record does not end the right to the others.
	Together bool
}

// BatchError says which command of a batch failed.
type BatchError struct {
	Index int
	Err   error
}

// Error returns the command's error with its position.
func (e *BatchError) Error() string {
	return fmt.Sprintf("command %d of the batch: %v", e.Index, e.Err)
}

// Unwrap returns the command's error.
func (e *BatchError) Unwrap() error { return e.Err }

// collectionID implements [Command]: it is that of the first command.
func (b *Batch) collectionID() string {
	if len(b.Commands) == 0 {
		return ""
	}
	return b.Commands[0].collectionID()
}

// apply implements [Command]. It fails with a *[BatchError].
func (b *Batch) apply(x *execution) error {
	if b.Together {
		if err := x.s.Identify(x.tx, b.Commands); err != nil {
			return err
		}
	}
	x.left = Bounded.allowance()
	for i, cmd := range b.Commands {
		if err := cmd.apply(x); err != nil {
			return &BatchError{i, err}
		}
	}
	return nil
}

// Upsert is the command that updates the record with a given id, or creates it when there is none.
type Upsert struct {
	create *Create
	update *Update
	// Updated tells which of the two it was.
	Updated bool
}

// PrepareUpsert prepares both ways; methods of the callers' requests say which one a rule is judged for. A way whose
// rule is null fails only when it is taken; with uploads the one that would be taken now fails already here, before they are
// stored. The Upsert is returned beside the error then.
func (s *Store) PrepareUpsert(ctx context.Context, id string, create, update WriteInput) (*Upsert, error) {
	create.detach()
	update.detach()
	up := new(Upsert)
	var createErr, updateErr error
	if up.create, createErr = s.PrepareCreate(ctx, create); createErr != nil {
		if !errors.Is(createErr, ErrForbidden) && !errors.Is(createErr, ErrRule) {
			return up, createErr
		}
		up.create = &Create{in: create}
	}
	if up.update, updateErr = s.PrepareUpdate(ctx, id, update); updateErr != nil {
		if !errors.Is(updateErr, ErrForbidden) && !errors.Is(updateErr, ErrNotFound) {
			return up, updateErr
		}
		up.update = &Update{in: update, id: id}
	}
	if !update.bringsFiles() || createErr == nil && updateErr == nil {
		return up, nil
	}
	err := s.db.Read(ctx, func(r *sqlite.Reader) error { return up.choose(s, r) })
	switch {
	case err != nil:
		return up, err
	case up.Updated:
		return up, updateErr
	}
	return up, createErr
}

// DraftUpsert is [Store.PrepareUpsert] for user code around the way that is taken, which [Store.Draft] tells.
func (s *Store) DraftUpsert(id string, create, update WriteInput) *Upsert {
	create.detach()
	update.detach()
	return &Upsert{create: &Create{in: create}, update: &Update{in: update, id: id}}
}

func (up *Upsert) collectionID() string { return up.create.collectionID() }

// storeFiles implements uploading. Both ways lead to the same record.
func (up *Upsert) storeFiles(store *files.Local) error { return up.update.storeFiles(store) }

func (up *Upsert) undone() {
	up.create.undone()
	up.update.undone()
}

func (up *Upsert) uploads() []string { return up.update.uploads() }

func (up *Upsert) unneeded() []string {
	return up.update.in.unneeded(up.update.id, up.update.Old, up.result())
}

// result is the record as it was stored, nil before.
func (up *Upsert) result() *Record {
	if up.Updated {
		return up.update.Result
	}
	return up.create.Result
}

// choose looks whether there is a record to update.
func (up *Upsert) choose(s *Store, p Preparer) (err error) {
	c := s.catalogue().ByID(up.collectionID())
	if c == nil {
		return ErrNoCollection
	}
	up.Updated, err = exists(p, "SELECT 1 FROM "+sqlite.QuoteName(c.Name)+" WHERE `id` = ? LIMIT 1", up.update.id)
	return err
}

func (b *Batch) storeFiles(store *files.Local) error {
	for i, cmd := range b.Commands {
		if up, ok := cmd.(uploading); ok {
			if err := up.storeFiles(store); err != nil {
				return &BatchError{i, err}
			}
		}
	}
	return nil
}

func (b *Batch) undone() {
	for _, cmd := range b.Commands {
		if up, ok := cmd.(uploading); ok {
			up.undone()
		}
	}
}

func (b *Batch) uploads() []string {
	var keys []string
	for _, cmd := range b.Commands {
		if up, ok := cmd.(uploading); ok {
			keys = append(keys, up.uploads()...)
		}
	}
	return keys
}

func (b *Batch) unneeded() []string {
	var keys []string
	for _, cmd := range b.Commands {
		if up, ok := cmd.(uploading); ok {
			keys = append(keys, up.unneeded()...)
		}
	}
	return keys
}

// apply implements [Command]. It fails like that of a [Create] or [Update]; Updated tells which.
func (up *Upsert) apply(x *execution) error {
	c := x.cat.ByID(up.collectionID())
	if c == nil {
		return ErrNoCollection
	}
	if c.IsView() {
		return ErrView
	}
	var err error
	up.Updated, err = exists(x.tx, "SELECT 1 FROM "+sqlite.QuoteName(c.Name)+" WHERE `id` = ? LIMIT 1", up.update.id)
	if err != nil {
		return err
	}
	if up.Updated {
		return up.update.apply(x)
	}
	return up.create.apply(x)
}
