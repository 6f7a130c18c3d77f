package writes

import (
	"context"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// removal runs the hooks of the records that go along with a deletion, and of those that lose a reference by it. It
// implements records.Around.
type removal struct {
	a     *Service
	limit time.Duration // of the transaction around it
	ctx   context.Context
	tx    *transaction
}

// removal returns the hooks around what a command brings with it, nil when there are none: then a deletion is a few
// statements, whatever its size.
func (a *Service) removal(c *schema.Collection, cmd records.Command) *removal {
	switch cmd.(type) {
	case *records.Delete:
		if !a.hooks.removals() || !a.touches(c, make(map[string]bool)) {
			return nil
		}
		return &removal{a: a, limit: a.transactionTimeout()}
	case *records.Truncate:
		if !a.hooks.removals() || !a.hooks.writes(c, records.Deleted) && !a.touches(c, make(map[string]bool)) {
			return nil
		}
		return &removal{a: a, limit: truncateTimeout}
	}
	return nil
}

// touches tells whether hooks run when records of c are deleted, beside those of c itself.
func (a *Service) touches(c *schema.Collection, seen map[string]bool) bool {
	seen[c.ID] = true
	cat := a.catalogue()
	if c.IsAuth() {
		for _, name := range schema.AuthRefTables() {
			if of := cat.Find(name); of != nil && a.hooks.writes(of, records.Deleted) {
				return true
			}
		}
	}
	for _, ref := range cat.References(c.ID) {
		if a.hooks.writes(ref.Collection, records.Updated) {
			return true
		}
		if !ref.Field.CascadeDelete {
			continue
		}
		if a.hooks.writes(ref.Collection, records.Deleted) || !seen[ref.Collection.ID] && a.touches(ref.Collection, seen) {
			return true
		}
	}
	return false
}

// hold tells the removal which transaction it is part of. It does nothing to a nil one.
func (x *removal) hold(ctx context.Context) {
	if x != nil {
		x.ctx, x.tx = ctx, scopeOf(ctx).tx
	}
}

// Hooked implements records.Around.
func (x *removal) Hooked(c *schema.Collection, action records.Action) bool {
	return x.a.hooks.writes(c, action)
}

// Write implements records.Around. It is called with the transaction locked, and unlocks it for the hooks. They work on a copy
// of r, which itself is announced and not to be changed any more once it was written.
func (x *removal) Write(action records.Action, r *records.Record, write func() error) error {
	inner, err := scopeOf(x.ctx).deeper()
	if err != nil {
		return err
	}
	s := &save{a: x.a, c: r.Collection, stages: x.a.hooks.Stages(action), ctx: inner.in(x.ctx)}
	s.event = &RecordEvent{Action: action, Record: r.Clone(), ctx: s.ctx}
	return x.tx.outside(func() error {
		err := s.stages.Write.Trigger(s.event, func(e *RecordEvent) error {
			return s.stages.Execute.Trigger(e, func(e *RecordEvent) error { return s.settle(x.tx, r, write) })
		})
		return s.finish(err, func() {})
	})
}

// settle writes r: with what hooks made of it, unless it is deleted, which the deletion alone decides.
func (s *save) settle(t *transaction, r *records.Record, write func() error) error {
	e := s.event
	if e.Action != records.Deleted {
		if e.Record == nil || e.Record.Collection.ID != r.Collection.ID {
			return fmt.Errorf("%w: the record of a hook belongs to another collection", records.ErrNoCollection)
		}
		r.Become(e.Record)
	}
	if err := t.do(func(*sqlite.Tx) error { return write() }); err != nil {
		return err
	}
	s.stored = true
	if e.Action != records.Deleted {
		e.Record.Become(r)
	}
	return nil
}
