package writes

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// WriteRequest is a request to the API that writes one record.
type WriteRequest struct {
	Info       *RequestInfo
	Collection *schema.Collection
	Draft      *records.Draft
	// ID is the record's id, "" for a new one.
	ID string
	// Client is who asks, for fairness.
	Client string
	// Answer is called inside the hooks around the request, with the record as it was written.
	Answer func(ctx context.Context, r *records.Record) error
}

// Hooked tells whether hooks run around such requests: then they go through [Service.Request], otherwise a prepared command is
// written at once.
func (a *Service) Hooked(c *schema.Collection, action records.Action) bool {
	return a.hooks.requests(c, action)
}

// Request runs a request with its hooks (extension-surface.md 4.1 to 4.3): the rule is judged first, on the request as it was
// made. It fails like the Prepare functions of the records and [Service.Write].
func (a *Service) Request(ctx context.Context, rq *WriteRequest) error {
	ctx = WithRequest(ctx, rq.Info)
	if rq.ID != "" {
		release, err := a.locks.take(ctx, scopeOf(ctx), recordKey{rq.Collection.ID, rq.ID})
		if err != nil {
			return err
		}
		defer release()
	}
	look := a.Look(ctx)
	r, err := rq.Draft.Begin(look)
	if err != nil {
		return err
	}
	e := &RecordRequestEvent{RequestInfo: rq.Info, Action: rq.Draft.Action(), Collection: rq.Collection, Record: r, ctx: ctx}
	written := false
	err = a.hooks.Stages(e.Action).Request.Trigger(e, func(e *RecordRequestEvent) error {
		if err := rq.Draft.CheckForm(ctx, look); err != nil {
			return err
		}
		if err := a.saveBegun(ctx, rq.Collection, rq.Draft, e.Record, rq.Client); err != nil {
			return err
		}
		written = scopeOf(ctx).tx == nil
		return rq.Answer(ctx, e.Record)
	})
	if written {
		return Written(err)
	}
	return err
}

// Batch runs requests in one transaction, each inside of the one before (extension-surface.md 4.4). request makes the request
// at a position, when all before it were written; it returns nil after the last one. A failure is a *records.BatchError.
//
// A hook around a request can keep that one from being written; the others are all written or none of them, even when a
// hook swallows the failure of those inside of its own.
func (a *Service) Batch(ctx context.Context, client string, request func(ctx context.Context, i int) (*WriteRequest, error)) error {
	return a.exclusive(ctx, a.transactionTimeout(), client, func(ctx context.Context) error {
		b := &batch{a: a, request: request}
		if err := b.from(ctx, 0); err != nil {
			return err
		}
		return b.failed
	})
}

// batch is a batch on its way.
type batch struct {
	a       *Service
	request func(ctx context.Context, i int) (*WriteRequest, error)
	failed  error // the first failure
}

// from runs the requests from position i on.
func (b *batch) from(ctx context.Context, i int) error {
	rq, err := b.request(ctx, i)
	if rq == nil && err == nil {
		return nil
	}
	reached := false
	if err == nil {
		answer := rq.Answer
		rq.Answer = func(inner context.Context, r *records.Record) error {
			if err := answer(inner, r); err != nil {
				return err
			}
			reached = true
			return b.from(ctx, i+1)
		}
		err = b.a.Request(ctx, rq)
	}
	if err == nil && !reached && b.failed == nil {
		return b.from(ctx, i+1) // a hook kept this one from happening
	}
	if failed := (*records.BatchError)(nil); err != nil && !errors.As(err, &failed) {
		err = &records.BatchError{Index: i, Err: err}
	}
	if b.failed == nil {
		b.failed = err
	}
	return err
}
