package troupe

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/storage/records"
)

// Record is one record of a collection. [App.NewRecord] makes one, the Find methods of [App] read some.
//
// ID returns its id; Text, Texts, Number, Bool and Get return the value of a field, the zero value where there is no such
// field. Set gives a field what its type makes of a value, also with the modifiers of request bodies ("tags+", "views-"), and
// returns false where that cannot be. IsNew tells whether it was not stored yet, Original returns it as it was stored. Clone
// returns a copy that can be changed: a record that was handed out by an event of a subscription or a request is not.
// Collection is its collection. It is not safe for concurrent use.
type Record = records.Record

// Find is a search for records.
type Find struct {
	// Filter is a filter with parameters written {:name}, "" for all records; Params has their values.
	Filter string
	Params map[string]any
	// Sort is as in requests, for example "-created,title".
	Sort string
	// Limit is how many records are wanted, 0 for all (up to [MaxFound]); Offset how many are passed over.
	Limit, Offset int
}

// MaxFound is how many records [App.FindRecords] finds at most: 100,000. Where there are more, a search needs a limit.
const MaxFound = records.MaxFound

// NewRecord returns a new record of a collection, which is named by name or id. It fails with [ErrNoCollection] or [ErrNotOpen].
func (a *App) NewRecord(collection string) (*Record, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	return a.inner.Records.New(collection)
}

// FindRecordByID returns a record of a collection without asking any rule. Like all reads it sees what the transaction of ctx has
// written. It fails with [ErrNoCollection] or [ErrNotFound].
func (a *App) FindRecordByID(ctx context.Context, collection, id string) (*Record, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	return a.inner.Records.FindByID(ctx, collection, id)
}

// FindRecords returns the records that a search finds, without asking any rule. It fails with [ErrNoCollection] and [ErrQuery].
func (a *App) FindRecords(ctx context.Context, collection string, f Find) ([]*Record, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	return a.inner.Records.FindAll(ctx, collection, programs.Find(f))
}

// FindFirstRecord returns the first record that a search finds. It fails with [ErrNotFound] beside the errors of
// [App.FindRecords].
func (a *App) FindFirstRecord(ctx context.Context, collection string, f Find) (*Record, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	return a.inner.Records.FindFirst(ctx, collection, programs.Find(f))
}

// CountRecords returns how many records a search finds; its limit, offset and sort have no meaning.
func (a *App) CountRecords(ctx context.Context, collection string, f Find) (int, error) {
	if !a.inner.Ready() {
		return 0, ErrNotOpen
	}
	return a.inner.Records.Count(ctx, collection, programs.Find(f))
}

// Save creates or updates a record, with its hooks and checks and without asking any rule. Only the fields that differ
// from what was read are written, so that others can change the rest meanwhile. r is afterwards as it was stored. ctx
// says which chain of calls and which transaction the write is part of: in a hook it is the event's.
//
// It fails with [FieldErrors] where the record is refused, and with the errors of hooks; [OutcomeOf] says of any error whether
// something was written.
func (a *App) Save(ctx context.Context, r *Record) error { return a.save(ctx, r) }

func (a *App) save(ctx context.Context, r *Record, uploads ...*records.PendingFile) error {
	if !a.inner.Ready() {
		return fmt.Errorf("save record of %s: %w", r.Collection.Name, ErrNotOpen)
	}
	return a.inner.Records.Save(ctx, r, uploads...)
}

// Delete deletes a record and what goes along with it, with their hooks and without asking any rule. It fails with [ErrNotFound]
// or [ErrReferenced] beside the errors of [App.Save].
func (a *App) Delete(ctx context.Context, r *Record) error {
	if !a.inner.Ready() {
		return fmt.Errorf("delete record of %s: %w", r.Collection.Name, ErrNotOpen)
	}
	return a.inner.Records.Delete(ctx, r)
}
