package writes

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// atomic tells whether any hook on the way of a write of this kind asks for one transaction around all of them and the write.
func (h *Hooks) atomic(c *schema.Collection, action records.Action, request bool) bool {
	s := h.Stages(action)
	return request && s.Request.Atomic(c.Name, c.ID) || s.Write.Atomic(c.Name, c.ID) || s.Execute.Atomic(c.Name, c.ID) ||
		action != records.Deleted && h.validate.Atomic(c.Name, c.ID)
}

// target is what a single write is about: the collection, what is done, and the record if it is there already. c is nil where no hook
// is asked.
func (w *Write) target() (c *schema.Collection, action records.Action, id string) {
	switch {
	case w.Parts != nil:
	case w.Record != nil:
		switch {
		case w.Action == records.Deleted:
			return w.Record.Collection, records.Deleted, w.Record.ID()
		case w.Record.IsNew():
			return w.Record.Collection, records.Created, ""
		}
		return w.Record.Collection, records.Updated, w.Record.Original().ID()
	case w.Command == nil:
		return w.Collection, w.Action, w.ID
	default:
		switch cmd := w.Command.(type) {
		case *records.Create:
			return w.Collection, records.Created, ""
		case *records.Update:
			return w.Collection, records.Updated, cmd.ID()
		case *records.Delete:
			return w.Collection, records.Deleted, cmd.ID()
		}
	}
	return nil, "", ""
}

// isAtomic tells whether a write needs a transaction of its own around its hooks. In one that the chain holds already it joins
// that; a batch with hooks is one anyway.
func (a *Service) isAtomic(ctx context.Context, w *Write) bool {
	if s := scopeOf(ctx); s.tx != nil || s.showing {
		return false
	}
	c, action, _ := w.target()
	return c != nil && a.hooks.atomic(c, action, w.Info != nil)
}

// atomically is Do in one transaction: what hooks read stays true until the write is committed, and nothing is left of one
// that is refused. The record is locked before the transaction begins, since nobody waits for a lock inside of one; so the hooks
// after the outcome run in the order of the writes. The answer is made after the end, when others may write again.
func (a *Service) atomically(ctx context.Context, w *Write) (stored *records.Record, err error) {
	c, action, id := w.target()
	within := *w
	if w.Info != nil {
		info := w.Info()
		ctx = WithRequest(ctx, info)
		within.Info = func() *RequestInfo { return info }
	} else {
		ctx = scopeOf(ctx).in(ctx)
	}
	var answered *records.Record
	within.Answer = func(_ context.Context, r *records.Record) error { answered = r; return nil }
	if action != records.Created {
		release, err := a.locks.take(ctx, scopeOf(ctx), recordKey{c.ID, id})
		if err != nil {
			return nil, err
		}
		defer release()
	}
	to, err := a.collection(c.ID)
	if err != nil {
		return nil, err
	}
	leave, err := a.hub.Admit(ctx, c, admission.Deadline(ctx, writeTimeout))
	if err != nil {
		return nil, fmt.Errorf("write to %s: %w", c.Name, err)
	}
	defer leave.Done()
	var before *records.Record
	if w.Record != nil {
		before = w.Record.Clone()
		within.Input.Ahead = a.store.AheadOf(ctx, w.Record)
	} else if w.Command == nil {
		within.Input.Ahead = a.store.Ahead(ctx, action, id, w.Input)
	}
	by := turn{limit: a.transactionTimeout(), source: c.ID, client: w.Client, gate: &to.gate, gone: to.gone}
	err = a.exclusive(ctx, by, func(ctx context.Context) (err error) {
		stored, err = a.do(ctx, &within)
		return err
	})
	if after := (*WrittenError)(nil); err != nil && !errors.As(err, &after) {
		if before != nil {
			w.Record.Become(before) // nothing of it was kept
		}
		return nil, err
	}
	if err != nil {
		return stored, err
	}
	if answered != nil {
		err = Written(w.answer(ctx, answered))
	}
	return stored, err
}
