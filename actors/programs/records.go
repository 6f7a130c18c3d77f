// Package programs is what Go programs do with records: no rule is asked, hooks run. Who answers for a user goes through package writes
// and the store instead.
package programs

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// client is on whose behalf programs write, for the Writer's fairness.
const client = "program"

// Records reads and writes records for programs. Make one with [NewRecords]. It is safe for concurrent use.
type Records struct {
	catalogue func() *schema.Catalogue
	store     *records.Store
	writes    *writes.Service
}

// NewRecords returns the records of a store. catalogue returns the current collections.
func NewRecords(catalogue func() *schema.Catalogue, store *records.Store, way *writes.Service) *Records {
	return &Records{catalogue: catalogue, store: store, writes: way}
}

// New returns a new record of a collection, named by name or id. It fails with records.ErrNoCollection.
func (s *Records) New(collection string) (*records.Record, error) {
	c, err := s.find(collection)
	if err != nil {
		return nil, err
	}
	return records.NewRecord(c), nil
}

func (s *Records) find(collection string) (*schema.Collection, error) {
	c := s.catalogue().Find(collection)
	if c == nil {
		return nil, fmt.Errorf("%w: %s", records.ErrNoCollection, collection)
	}
	return c, nil
}

// Save creates or updates a record, with its hooks and checks and without asking any rule. Only the fields that differ
// from what was read are written, so that others can change the rest meanwhile. r is afterwards as it was stored. ctx
// says which chain of calls and which transaction the write is part of: in a hook it is the event's.
//
// uploads are files that the fields of r name; they are stored along with it.
//
// It fails with validation.Errors, the errors of hooks, and those of [writes.Service].
func (s *Records) Save(ctx context.Context, r *records.Record, uploads ...*records.PendingFile) error {
	_, err := s.writes.Do(ctx, &writes.Write{Action: records.Updated, Record: r, Input: records.WriteInput{Files: uploads}, Client: client})
	if err != nil {
		return fmt.Errorf("save record of %s: %w", r.Collection.Name, err)
	}
	return nil
}

// Delete deletes a record and what goes along with it, with their hooks and without asking any rule. It fails with
// records.ErrNotFound, records.ErrReferenced, the errors of hooks, and those of [writes.Service].
func (s *Records) Delete(ctx context.Context, r *records.Record) error {
	_, err := s.writes.Do(ctx, &writes.Write{Action: records.Deleted, Record: r, Client: client})
	if err != nil {
		return fmt.Errorf("delete record of %s: %w", r.Collection.Name, err)
	}
	return nil
}

// RunInTransaction is [writes.Service.RunInTransaction].
func (s *Records) RunInTransaction(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.writes.RunInTransaction(ctx, fn)
}

// Find is a search of a program.
type Find struct {
	// Filter is a filter with parameters written {:name}, "" for all records; Params has their values.
	Filter string
	Params map[string]any
	// Sort is as in requests, for example "-created,title".
	Sort string
	// Limit is how many records are wanted, 0 for all (up to records.MaxFound); Offset how many are passed over.
	Limit, Offset int
}

// FindByID returns a record of a collection, named by name or id, without asking any rule. Like all reads it sees what the
// transaction of ctx has written. It fails with records.ErrNoCollection or records.ErrNotFound.
func (s *Records) FindByID(ctx context.Context, collection, id string) (r *records.Record, err error) {
	c, err := s.find(collection)
	if err != nil {
		return nil, err
	}
	err = s.writes.Look(ctx)(func(p records.Preparer) (err error) {
		r, err = s.store.FindByID(ctx, p, c.ID, id, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find record of %s: %w", c.Name, err)
	}
	return r, nil
}

// FindAll returns the records that a search finds, without asking any rule. It fails like [records.Store.FindAll].
func (s *Records) FindAll(ctx context.Context, collection string, f Find) ([]*records.Record, error) {
	in, err := s.search(collection, f)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, in)
}

func (s *Records) read(ctx context.Context, in *records.FindInput) (list []*records.Record, err error) {
	err = s.writes.Look(ctx)(func(p records.Preparer) (err error) {
		list, err = s.store.FindAll(ctx, p, in)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find records: %w", err)
	}
	return list, nil
}

// FindFirst returns the first record that a search finds. It fails with records.ErrNotFound beside the errors of
// [Records.FindAll].
func (s *Records) FindFirst(ctx context.Context, collection string, f Find) (*records.Record, error) {
	f.Limit = 1
	list, err := s.FindAll(ctx, collection, f)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("find record of %s: %w", collection, records.ErrNotFound)
	}
	return list[0], nil
}

// Count returns how many records a search finds; its limit, offset and sort have no meaning.
func (s *Records) Count(ctx context.Context, collection string, f Find) (n int, err error) {
	in, err := s.search(collection, f)
	if err != nil {
		return 0, err
	}
	err = s.writes.Look(ctx)(func(p records.Preparer) (err error) {
		n, err = s.store.Count(ctx, p, in)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count records of %s: %w", collection, err)
	}
	return n, nil
}

func (s *Records) search(collection string, f Find) (*records.FindInput, error) {
	c, err := s.find(collection)
	if err != nil {
		return nil, err
	}
	return &records.FindInput{CollectionID: c.ID, Filter: f.Filter, Params: f.Params, Sort: f.Sort, Limit: f.Limit, Offset: f.Offset}, nil
}
