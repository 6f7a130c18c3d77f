package actors

import (
	"context"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// removal runs the hooks of the records that go along with a deletion, and of those that lose a reference by it. It
// implements records.Around.
type removal struct {
	a     *App
	limit time.Duration // of the transaction around it
	ctx   context.Context
	tx    *transaction
}

// removal returns the hooks around what a command brings with it, nil when there are none: then a deletion is a few
// statements, whatever its size.
func (a *App) removal(c *schema.Collection, cmd sqlite.Work) *removal {
	switch cmd := cmd.(type) {
	case *records.Delete:
		if !a.hooks.removals() || !a.touches(c, make(map[string]bool)) {
			return nil
		}
		x := &removal{a: a, limit: a.transactionTimeout()}
		cmd.Around = x
		return x
	case *records.Truncate:
		if !a.hooks.removals() || !a.hooks.writes(c, records.Deleted) && !a.touches(c, make(map[string]bool)) {
			return nil
		}
		x := &removal{a: a, limit: truncateTimeout}
		cmd.Around = x
		return x
	}
	return nil
}

// touches tells whether hooks run when records of c are deleted, beside those of c itself.
func (a *App) touches(c *schema.Collection, seen map[string]bool) bool {
	seen[c.ID] = true
	cat := a.Catalogue()
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

// Write implements records.Around. It is called with the transaction locked, and unlocks it for the hooks.
func (x *removal) Write(action records.Action, r *records.Record, write func() error) error {
	s := &save{a: x.a, c: r.Collection, stages: x.a.hooks.of(action), ctx: x.ctx}
	s.event = &RecordEvent{App: x.a, Action: action, Record: r, ctx: x.ctx}
	return x.tx.outside(func() error {
		err := s.stages.write.Trigger(s.event, func(e *RecordEvent) error {
			return s.stages.execute.Trigger(e, func(e *RecordEvent) error {
				if e.Record != r {
					r.Become(e.Record)
				}
				err := x.tx.do(func(*sqlite.Tx) error { return write() })
				s.stored = err == nil
				return err
			})
		})
		return s.finish(err, func() {})
	})
}
