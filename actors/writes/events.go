package writes

import (
	"context"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// RecordEvent is a write of one record, at one of its stages. The stages of one write share the event.
type RecordEvent struct {
	hooks.Base
	// Action is what is done to the record.
	Action records.Action
	// Record is the record: as it is to be written, and after that as it was. Hooks may change it, or put another record of
	// the same collection in its place.
	Record *records.Record
	// Error is why the write failed, in the hooks that come after an error.
	Error error

	ctx context.Context
}

// NewRecordEvent returns an event whose Context is ctx, for those who trigger hooks by themselves.
func NewRecordEvent(ctx context.Context, action records.Action, r *records.Record) *RecordEvent {
	return &RecordEvent{Action: action, Record: r, ctx: ctx}
}

// Context carries the chain of calls: what is read or written with it belongs to the transaction that the write is part of,
// and does not wait for the write itself.
func (e *RecordEvent) Context() context.Context { return e.ctx }

// HasTag implements hooks.Event: the tags are the collection's name and id.
func (e *RecordEvent) HasTag(tag string) bool {
	return e.Record != nil && tagged(e.Record.Collection, tag) // a hook may have left none
}

func tagged(c *schema.Collection, tag string) bool { return tag == c.Name || tag == c.ID }

// RecordRequestEvent is a request to the API that writes one record. The rule was met by the record as it was requested;
// what hooks change is not judged again.
type RecordRequestEvent struct {
	hooks.Base
	// RequestInfo is the request and on whose behalf it runs.
	*RequestInfo
	// Action is what is to be done.
	Action     records.Action
	Collection *schema.Collection
	// Record is the record as the request made it, and after Next as it was written.
	Record *records.Record

	ctx context.Context
}

// Context is as in [RecordEvent].
func (e *RecordRequestEvent) Context() context.Context { return e.ctx }

// HasTag implements hooks.Event: the tags are the collection's name and id.
func (e *RecordRequestEvent) HasTag(tag string) bool { return tagged(e.Collection, tag) }
