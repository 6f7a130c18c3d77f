package records

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// deletion removes records and settles the references to them, level by level: one look for each referencing field of a
// level, however many records it has.
type deletion struct {
	s   *Store
	cat *schema.Catalogue
	tx  *sqlite.Tx
	now time.Time

	around Around
	left   *allowance // nil for as much as there is
	pieces bool       // it is the deletion in pieces that is under way
}

// remove deletes records; where user code runs around that, one by one, and only those that it has not deleted meanwhile.
func (d *deletion) remove(c *schema.Collection, list []*Record) error {
	if d.around == nil || !d.around.Hooked(c, Deleted) {
		return d.erase(c, list)
	}
	for _, r := range list {
		r, err := d.s.load(d.tx, d.s.compiled(d.cat), c, r.ID())
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err == nil {
			err = d.around.Write(Deleted, r, func() error { return d.erase(c, []*Record{r}) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// erase deletes records and settles the references to them.
func (d *deletion) erase(c *schema.Collection, list []*Record) error {
	if err := d.left.take(len(list)); err != nil {
		return err
	}
	if c.IsSuperusers() {
		if err := d.keepOneSuperuser(c, list); err != nil {
			return err
		}
	}
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID()
		if err := d.refuse(c, ids[i]); err != nil {
			return err
		}
	}
	idList := jsonList(ids)
	if err := d.drop(c, list, ids, idList); err != nil {
		return err
	}
	for _, ref := range referencesTo(d.cat, c) {
		if err := d.settle(ref, ids, idList); err != nil {
			return err
		}
	}
	return nil
}

// refuse fails with a *[BeingDeletedError] for a record of another deletion.
func (d *deletion) refuse(c *schema.Collection, id string) error {
	if d.pieces {
		return nil
	}
	return d.s.refuseWrite(c, id)
}

// drop deletes records, whose references are somebody else's business.
func (d *deletion) drop(c *schema.Collection, list []*Record, ids []string, idList string) error {
	stmt, err := d.tx.Prepare(d.s.compiled(d.cat).statementsOf(c).remove)
	if err != nil {
		return fmt.Errorf("delete from %s: %w", c.Name, err)
	}
	stmt.BindText(1, idList)
	if err := d.tx.Run(stmt, c.Name, sqlite.Removes); err != nil {
		return err
	}
	if err := noteDropped(d.tx, list, nil); err != nil {
		return err
	}
	for _, r := range list {
		d.tx.Emit(&Change{Action: Deleted, Collection: c, Record: r})
	}
	if c.IsAuth() {
		if _, err := d.forget(c, ids, schema.AuthRefTables()...); err != nil {
			return err
		}
	}
	return nil
}

// referencesTo returns the relation fields whose values change when records of c are deleted, in the order in which that is done.
func referencesTo(cat *schema.Catalogue, c *schema.Collection) []schema.Reference {
	refs := slices.DeleteFunc(slices.Clone(cat.References(c.ID)), func(ref schema.Reference) bool { return ref.Collection.IsView() })
	slices.SortStableFunc(refs, func(a, b schema.Reference) int { return strings.Compare(a.Collection.Name, b.Collection.Name) })
	return refs
}

// keepOneSuperuser refuses to delete the last one.
func (d *deletion) keepOneSuperuser(c *schema.Collection, list []*Record) error {
	stmt, err := d.tx.Prepare("SELECT COUNT(*) FROM " + sqlite.QuoteName(c.Name))
	if err != nil {
		return fmt.Errorf("count superusers: %w", err)
	}
	if _, err := stmt.Step(); err != nil {
		return fmt.Errorf("count superusers: %w", err)
	}
	if stmt.ColumnInt(0)-d.s.running.Load().count(c.ID) <= len(list) {
		return ErrLastSuperuser
	}
	return stmt.Reset()
}

// settle takes deleted ids out of one relation field: a record that loses its last one is deleted, or refuses the
// deletion, or stays with nothing.
func (d *deletion) settle(ref schema.Reference, ids []string, idList string) error {
	c, field := ref.Collection, ref.Field
	if err := d.left.scan(d.tx, ref); err != nil {
		return err
	}
	stmt, err := d.tx.Prepare("SELECT " + allColumns(c) + " FROM " + sqlite.QuoteName(c.Name) + " WHERE " + viaCondition(c, field) + " LIMIT ?")
	if err != nil {
		return fmt.Errorf("look for references in %s: %w", c.Name, err)
	}
	stmt.BindText(1, idList)
	stmt.BindInt64(2, d.left.limit())
	list, err := scanAll(c, stmt)
	if err != nil {
		return err
	}
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	var orphans []*Record
	for _, r := range list {
		left := slices.DeleteFunc(slices.Clone(idsOf(r.Get(field.Name))), func(id string) bool { return gone[id] })
		switch {
		case len(left) == 0 && field.CascadeDelete:
			orphans = append(orphans, r)
		case len(left) == 0 && field.Required:
			return ErrReferenced
		default:
			if err := d.release(r, field, left); err != nil {
				return err
			}
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	return d.remove(c, orphans)
}

// release stores a record with what is left of a relation. Nothing else of it is checked.
func (d *deletion) release(before *Record, field *schema.RelationField, left []string) error {
	if err := d.left.take(1); err != nil {
		return err
	}
	if err := d.refuse(before.Collection, before.ID()); err != nil {
		return err
	}
	r := before.Clone()
	r.Set(field.Name, field.Cast(left))
	if d.around == nil || !d.around.Hooked(r.Collection, Updated) {
		return d.store(before, r)
	}
	now, err := d.s.load(d.tx, d.s.compiled(d.cat), r.Collection, r.ID())
	if errors.Is(err, ErrNotFound) {
		return nil // user code deleted it meanwhile
	}
	if err != nil {
		return err
	}
	r = now.Clone()
	r.Set(field.Name, slices.DeleteFunc(slices.Clone(idsOf(now.Get(field.Name))), func(id string) bool {
		return !slices.Contains(left, id) && slices.Contains(idsOf(before.Get(field.Name)), id)
	}))
	return d.around.Write(Updated, r, func() error { return d.store(now, r) })
}

// store writes a released record.
func (d *deletion) store(before, r *Record) error {
	setAutodates(r, schema.Update, d.now)
	if err := write(d.tx, d.s.compiled(d.cat).statementsOf(r.Collection).update, r, before.ID()); err != nil {
		return fmt.Errorf("release reference in %s: %w", r.Collection.Name, err)
	}
	r.settled()
	d.tx.Emit(&Change{Action: Updated, Collection: r.Collection, Record: r, Old: before})
	return nil
}
