package writes

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/storage/records"
)

// batch writes the parts of a write, all or none: as one command, or where hooks run around one of them part by part, in a
// transaction that waits for them. A failure is a *records.BatchError.
func (a *Service) batch(ctx context.Context, w *Write) error {
	b := &batch{a: a, parts: w.Parts}
	for _, part := range w.Parts {
		b.hooked = b.hooked || part.Collection != nil && a.partHooked(part)
	}
	for i, part := range w.Parts {
		if err := b.prepare(ctx, part); err != nil {
			return &records.BatchError{Index: i, Err: err}
		}
	}
	if !b.hooked {
		return b.together(ctx, w.Client)
	}
	return a.exclusive(ctx, a.turn(w.Client), func(ctx context.Context) error {
		if err := a.Look(ctx)(func(p records.Preparer) error { return a.store.Identify(p, b.commands()) }); err != nil {
			return &records.BatchError{Index: 0, Err: err}
		}
		if err := b.from(ctx, 0); err != nil {
			return err
		}
		return b.failed
	})
}

// partHooked tells whether hooks run around a part, whichever way it goes.
func (a *Service) partHooked(part *Write) bool {
	if part.Action != "" {
		return a.hooks.requests(part.Collection, part.Action)
	}
	return a.hooks.requests(part.Collection, records.Created) || a.hooks.requests(part.Collection, records.Updated)
}

// batch is a batch on its way.
type batch struct {
	a      *Service
	parts  []*Write
	hooked bool
	failed error // the first failure
}

// prepare makes the command of a part. Where hooks run, rules are looked at when its turn has come, and passwords worked on before.
func (b *batch) prepare(ctx context.Context, part *Write) (err error) {
	if part.Prepare != nil {
		if err := part.Prepare(part); err != nil {
			return err
		}
	}
	store := b.a.store
	switch {
	case part.Else != nil && b.hooked:
		part.command = store.DraftUpsert(part.ID, part.Input, *part.Else)
	case part.Else != nil:
		var up *records.Upsert
		up, err = store.PrepareUpsert(ctx, part.ID, part.Input, *part.Else)
		part.command = up // it tells which way failed
	case b.hooked && part.Action != records.Deleted:
		part.Input.Ahead = store.Ahead(ctx, part.Action, part.ID, part.Input)
		var draft *records.Draft
		if draft, err = b.a.draft(part); err == nil {
			part.command = draft.Command()
		}
	default:
		part.command, err = b.a.prepare(ctx, part)
	}
	return err
}

func (b *batch) commands() []records.Command {
	list := make([]records.Command, len(b.parts))
	for i, part := range b.parts {
		list[i] = part.command
	}
	return list
}

// together writes all parts as one command.
func (b *batch) together(ctx context.Context, client string) error {
	cmd := &records.Batch{Together: true, Commands: b.commands()}
	if err := b.a.apply(ctx, b.parts[0].Collection, cmd, client); err != nil {
		return err
	}
	for _, part := range b.parts {
		if err := part.answer(ctx, records.ResultOf(part.command)); err != nil {
			return Written(err)
		}
	}
	return nil
}

// from runs the parts from position i on, each inside of the one before (extension-surface.md 4.4).
//
// A hook around a part can keep that one from being written; the others are all written or none of them, even when a hook swallows
// the failure of those inside of its own.
func (b *batch) from(ctx context.Context, i int) error {
	if i == len(b.parts) {
		return nil
	}
	part, reached := *b.parts[i], false
	part.Answer = func(inner context.Context, r *records.Record) error {
		if err := b.parts[i].answer(inner, r); err != nil {
			return err
		}
		reached = true
		return b.from(ctx, i+1)
	}
	draft, err := b.a.store.Draft(part.command, b.a.Look(ctx))
	if err == nil {
		_, err = b.a.hooked(ctx, &part, draft)
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
