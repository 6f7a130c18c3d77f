package app

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// programClient is the client on whose behalf programs write, for the Writer's fairness.
const programClient = "program"

// NewRecord returns a new record of a collection, named by name or id. It fails with records.ErrNoCollection or [ErrNotOpen].
func (a *App) NewRecord(collection string) (*records.Record, error) {
	c, err := a.find(collection)
	if err != nil {
		return nil, err
	}
	return records.NewRecord(c), nil
}

func (a *App) find(collection string) (*schema.Collection, error) {
	if err := a.opened(); err != nil {
		return nil, err
	}
	c := a.Catalogue().Find(collection)
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
// It fails with validation.Errors, the errors of hooks, those of [writes.Service], and [ErrNotOpen].
func (a *App) Save(ctx context.Context, r *records.Record, uploads ...*records.PendingFile) error {
	err := a.opened()
	if err == nil {
		_, err = a.writes.Do(ctx, &writes.Write{Action: records.Updated, Record: r, Input: records.WriteInput{Files: uploads}, Client: programClient})
	}
	if err != nil {
		return fmt.Errorf("save record of %s: %w", r.Collection.Name, err)
	}
	return nil
}

// Delete deletes a record and what goes along with it, with their hooks and without asking any rule. It fails with
// records.ErrNotFound, records.ErrReferenced, the errors of hooks, those of [writes.Service], and [ErrNotOpen].
func (a *App) Delete(ctx context.Context, r *records.Record) error {
	err := a.opened()
	if err == nil {
		_, err = a.writes.Do(ctx, &writes.Write{Action: records.Deleted, Record: r, Client: programClient})
	}
	if err != nil {
		return fmt.Errorf("delete record of %s: %w", r.Collection.Name, err)
	}
	return nil
}

// RunInTransaction is [writes.Service.RunInTransaction]. It fails with [ErrNotOpen], too.
func (a *App) RunInTransaction(ctx context.Context, fn func(ctx context.Context) error) error {
	if err := a.opened(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	return a.writes.RunInTransaction(ctx, fn)
}

// Write applies a command with the hooks around it and waits for the outcome; see [writes.Service.Do]. It
// implements auth.Application.
func (a *App) Write(ctx context.Context, c *schema.Collection, cmd records.Command, client string) error {
	_, err := a.writes.Do(ctx, &writes.Write{Collection: c, Command: cmd, Client: client})
	return err
}

// ImportCollections makes the collections of a JSON list as the import of the API does: those that are there, by id, are
// changed, the others created; with deleteMissing those that the list does not name are deleted. It fails with
// validation.Errors or the errors of [App.ChangeSchema], and changes nothing then.
func (a *App) ImportCollections(ctx context.Context, list []byte, deleteMissing bool) error {
	if err := a.opened(); err != nil {
		return fmt.Errorf("import collections: %w", err)
	}
	definitions := []json.RawMessage{}
	if err := json.Unmarshal(list, &definitions); err != nil {
		return fmt.Errorf("import collections: %w", err)
	}
	err := a.ChangeCollections(ctx, SchemaChange{Import: definitions, DeleteMissing: deleteMissing})
	if err != nil {
		return fmt.Errorf("import collections: %w", err)
	}
	return nil
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

// FindRecordByID returns a record of a collection, named by name or id, without asking any rule. Like all reads it sees what the
// transaction of ctx has written. It fails with records.ErrNoCollection or records.ErrNotFound.
func (a *App) FindRecordByID(ctx context.Context, collection, id string) (r *records.Record, err error) {
	c, err := a.find(collection)
	if err != nil {
		return nil, err
	}
	err = a.writes.Look(ctx)(func(p records.Preparer) (err error) {
		r, err = a.store.FindByID(ctx, p, c.ID, id, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find record of %s: %w", c.Name, err)
	}
	return r, nil
}

// FindRecords returns the records that a search finds, without asking any rule. It fails like [records.Store.FindAll].
func (a *App) FindRecords(ctx context.Context, collection string, f Find) ([]*records.Record, error) {
	in, err := a.search(collection, f)
	if err != nil {
		return nil, err
	}
	return a.findAll(ctx, in)
}

func (a *App) findAll(ctx context.Context, in *records.FindInput) (list []*records.Record, err error) {
	err = a.writes.Look(ctx)(func(p records.Preparer) (err error) {
		list, err = a.store.FindAll(ctx, p, in)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find records: %w", err)
	}
	return list, nil
}

// FindFirstRecord returns the first record that a search finds. It fails with records.ErrNotFound beside the errors of
// [App.FindRecords].
func (a *App) FindFirstRecord(ctx context.Context, collection string, f Find) (*records.Record, error) {
	f.Limit = 1
	list, err := a.FindRecords(ctx, collection, f)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("find record of %s: %w", collection, records.ErrNotFound)
	}
	return list[0], nil
}

// CountRecords returns how many records a search finds; its limit, offset and sort have no meaning.
func (a *App) CountRecords(ctx context.Context, collection string, f Find) (n int, err error) {
	in, err := a.search(collection, f)
	if err != nil {
		return 0, err
	}
	err = a.writes.Look(ctx)(func(p records.Preparer) (err error) {
		n, err = a.store.Count(ctx, p, in)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count records of %s: %w", collection, err)
	}
	return n, nil
}

func (a *App) search(collection string, f Find) (*records.FindInput, error) {
	c, err := a.find(collection)
	if err != nil {
		return nil, err
	}
	return &records.FindInput{CollectionID: c.ID, Filter: f.Filter, Params: f.Params, Sort: f.Sort, Limit: f.Limit, Offset: f.Offset}, nil
}
