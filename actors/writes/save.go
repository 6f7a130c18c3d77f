package writes

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// save is one write with hooks around it, on its way.
type save struct {
	a      *Service
	c      *schema.Collection
	draft  *records.Draft
	client string
	stages *Stages
	event  *RecordEvent
	ctx    context.Context
	stored bool
}

// Look returns how a chain of calls reads: on the transaction that it holds, or else on a Reader. It ends with ctx.
func (a *Service) Look(ctx context.Context) records.ReadFunc {
	return func(fn func(p records.Preparer) error) error {
		if s := scopeOf(ctx); s.tx != nil {
			t, err := s.held()
			if err != nil {
				return err
			}
			return t.do(func(tx *sqlite.Tx) error { return tx.Read(ctx, func() error { return fn(tx) }) })
		}
		return a.db.Read(ctx, func(r *sqlite.Reader) error { return fn(r) })
	}
}

// save writes a draft that has not begun yet, with its hooks. What they see of a stored record is read under its lock: nobody
// with hooks writes it between.
func (a *Service) save(ctx context.Context, c *schema.Collection, d *records.Draft, client string) error {
	ctx = scopeOf(ctx).in(ctx)
	if d.Action() != records.Created {
		release, err := a.locks.take(ctx, scopeOf(ctx), recordKey{c.ID, d.ID()})
		if err != nil {
			return err
		}
		defer release()
	}
	r, err := d.Begin(a.Look(ctx))
	if err != nil {
		return err
	}
	return a.saveBegun(ctx, c, d, r, client)
}

// saveBegun writes a draft with its hooks (extension-surface.md 4.1). r is changed to what was stored.
func (a *Service) saveBegun(ctx context.Context, c *schema.Collection, d *records.Draft, r *records.Record, client string) error {
	inner, err := scopeOf(ctx).deeper()
	if err != nil {
		return err
	}
	if err := d.Complete(r); err != nil {
		return err
	}
	ctx = inner.in(ctx)
	s := &save{a: a, c: c, draft: d, client: client, stages: a.hooks.Stages(d.Action()), ctx: ctx}
	s.event = &RecordEvent{Action: d.Action(), Record: r, ctx: ctx}
	release, err := a.locks.take(ctx, scopeOf(ctx), recordKey{c.ID, r.ID()})
	if err != nil {
		return err
	}
	err = routine.Guard(func() error { return s.stages.Write.Trigger(s.event, s.write) }) // the lock must be given back
	switch {
	case s.event.Record == nil:
		s.event.Record = r
	case s.event.Record != r:
		r.Become(s.event.Record)
	}
	return s.finish(err, release)
}

// write is what the outermost hooks run around: the check, then the statement.
func (s *save) write(e *RecordEvent) error {
	if e.Action != records.Deleted {
		err := s.a.hooks.validate.Trigger(e, func(e *RecordEvent) error { return s.draft.Check(e.Record, s.a.Look(s.ctx)) })
		if err != nil {
			return err
		}
	}
	return s.stages.Execute.Trigger(e, s.execute)
}

// execute hands the command over and waits for its outcome.
func (s *save) execute(e *RecordEvent) error {
	if err := s.draft.Seal(s.ctx, e.Record); err != nil {
		return err
	}
	if err := s.a.apply(s.ctx, s.c, s.draft.Command(), s.client); err != nil {
		return err
	}
	s.stored = true
	if result := records.ResultOf(s.draft.Command()); result != nil {
		e.Record.Become(result)
	}
	return nil
}

// finish runs the hooks after the outcome: at once, or when the transaction has ended that the write is part of. The
// record's lock ends with them, so they run in the order of the writes.
func (s *save) finish(err error, release func()) error {
	t := scopeOf(s.ctx).tx
	if t != nil && err == nil && s.stored {
		after := scopeOf(s.ctx) // as deep as the write: what these hooks write counts, too
		after.tx, after.begun = nil, nil
		t.whenOver(func(ctx context.Context, cause error) error {
			defer release()
			err := s.after(after.in(ctx), cause)
			if cause == nil {
				err = Written(err)
			}
			return err
		})
		return nil
	}
	defer release()
	if err == nil && !s.stored {
		return nil // a hook kept the write from happening
	}
	err = errors.Join(err, s.after(s.ctx, err))
	if s.stored && t == nil {
		err = Written(err)
	}
	return err
}

// after runs the hooks after the outcome.
func (s *save) after(ctx context.Context, cause error) error {
	e := s.event
	e.ctx = ctx
	if cause == nil {
		return s.stages.Success.Trigger(e, nil)
	}
	e.Error = cause
	return s.stages.Failure.Trigger(e, nil)
}

// apply applies a command: in the chain's transaction, or by way of the collection's actor. Uploads are stored before, and
// what the outcome does not need of them is removed after, as are the files that a record does not name any more (law 10).
func (a *Service) apply(ctx context.Context, c *schema.Collection, cmd records.Command, client string) error {
	up, ok := records.UploadsOf(cmd)
	if !ok {
		return a.hand(ctx, c, cmd, client)
	}
	note, err := a.storeUploads(up)
	if err != nil && a.gone(c) { // its directory went away under the upload
		err = fmt.Errorf("%w: %w", records.ErrNoCollection, err)
	}
	if err == nil {
		err = a.hand(ctx, c, cmd, client)
	}
	if t := scopeOf(ctx).tx; t != nil && err == nil {
		t.whenOver(func(_ context.Context, cause error) error {
			a.settleUploads(up, note, cause)
			return nil
		})
		return nil
	}
	a.settleUploads(up, note, err)
	return err
}

// hand hands a command to whoever holds the Writer for it.
func (a *Service) hand(ctx context.Context, c *schema.Collection, cmd records.Command, client string) error {
	s := scopeOf(ctx)
	around := a.removal(c, cmd)
	switch {
	case s.showing:
		return ErrReadOnly
	case s.tx != nil:
		t, err := s.held()
		if err != nil {
			return err
		}
		setBound(cmd, false)
		around.hold(ctx)
		if a.handedOver != nil && around == nil { // hooks around it may read the request
			defer a.handedOver(ctx)()
		}
		return t.apply(a.work(cmd, around))
	case around != nil:
		setBound(cmd, false)
		by := a.turn(client)
		by.limit, by.alone = around.limit, true
		return a.exclusive(ctx, by, func(ctx context.Context) error {
			around.hold(ctx)
			return scopeOf(ctx).tx.apply(a.work(cmd, around))
		})
	}
	err := a.deliver(ctx, c, cmd, client)
	s.committed(err)
	return err
}

// work is what the Writer does for a command, with the hooks around what a deletion brings with it, nil for none.
func (a *Service) work(cmd records.Command, around *removal) sqlite.Work {
	if around == nil {
		return a.store.Work(cmd, nil)
	}
	return a.store.Work(cmd, around)
}
