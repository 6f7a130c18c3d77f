package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Delete is the command that deletes a record and what refers to it.
type Delete struct {
	in    WriteInput
	store *Store
	id    string

	// Around is user code around what the deletion brings with it, nil for none. A command with user code is not repeatable:
	// it has to be a unit of its own.
	Around Around
}

// Around is user code around the writes that a deletion makes to other records.
type Around interface {
	// Hooked tells whether there is any for an action on records of c.
	Hooked(c *schema.Collection, action Action) bool
	// Write runs the user code around one write. r may be changed before write is called, which writes it.
	Write(action Action, r *Record, write func() error) error
}

// PrepareDelete fails with [ErrNoCollection], [ErrView] or [ErrForbidden].
func (s *Store) PrepareDelete(id string, in WriteInput) (*Delete, error) {
	if _, err := in.open(s.catalogue(), deleteRule); err != nil {
		return nil, err
	}
	return &Delete{in: in, store: s, id: id}, nil
}

func deleteRule(c *schema.Collection) *string { return c.DeleteRule }

// CollectionID implements [Command].
func (cmd *Delete) CollectionID() string { return cmd.in.CollectionID }

// ID returns the id of the record.
func (cmd *Delete) ID() string { return cmd.id }

// Apply implements sqlite.Work. It fails with [ErrNotFound] (also when the rule is not met), [ErrReferenced] or
// [ErrLastSuperuser] beside the errors of PrepareDelete.
func (cmd *Delete) Apply(tx *sqlite.Tx) error {
	s := cmd.store
	cat := s.catalogue()
	if err := cmd.in.identify(s, cat, tx); err != nil {
		return err
	}
	c, err := cmd.in.open(cat, deleteRule)
	if err != nil {
		return err
	}
	r, err := cmd.find(cat, tx, c)
	if err != nil {
		return err
	}
	d := &deletion{s: s, cat: cat, tx: tx, now: cmd.in.now(), around: cmd.Around}
	return d.erase(c, []*Record{r})
}

// find returns the record, if the rule lets the caller delete it.
func (cmd *Delete) find(cat *schema.Catalogue, p Preparer, c *schema.Collection) (*Record, error) {
	s := cmd.store
	r, err := s.load(p, s.compiled(cat), c, cmd.id)
	if err != nil {
		return nil, err
	}
	if rule := cmd.in.rule(c.DeleteRule); rule != "" {
		sub := submit(r, cmd.in.Body, nil, false)
		met, err := s.judgeRow(cat, p, c, r.ID(), rule, sub.request(&cmd.in.Caller))
		if err != nil {
			return nil, refused(err, ErrNotFound)
		}
		if !met {
			return nil, ErrNotFound
		}
	}
	return r, nil
}

// Action implements [WriteDraft].
func (cmd *Delete) Action() Action { return Deleted }

// Begin implements [WriteDraft].
func (cmd *Delete) Begin(look Look) (r *Record, err error) {
	err = look(func(p Preparer) error {
		cat := cmd.store.catalogue()
		if err := cmd.in.identify(cmd.store, cat, p); err != nil {
			return err
		}
		c, err := cmd.in.open(cat, deleteRule)
		if err == nil {
			r, err = cmd.find(cat, p, c)
		}
		return err
	})
	return r, err
}

// CheckForm implements [WriteDraft]: there is none.
func (cmd *Delete) CheckForm(context.Context, Look) error { return nil }

// Complete implements [WriteDraft]: there is nothing to complete.
func (cmd *Delete) Complete(*Record) error { return nil }

// Check implements [WriteDraft]: nothing is checked.
func (cmd *Delete) Check(*Record, Look) error { return nil }

// Seal implements [WriteDraft]. The record that is deleted stays the one that the request named.
func (cmd *Delete) Seal(context.Context, *Record) error { return nil }

// Truncate is the command that deletes all records of a collection. It holds the Writer alone.
type Truncate struct {
	in    WriteInput
	store *Store

	// Around is as in [Delete]; the truncated records themselves are among those it is asked about.
	Around Around
}

// PrepareTruncate fails with [ErrNoCollection], [ErrView], or [ErrForbidden] for a caller who is no superuser. The zero
// caller is the server itself.
func (s *Store) PrepareTruncate(collectionID string, who Caller) (*Truncate, error) {
	in := WriteInput{CollectionID: collectionID, Caller: who, SkipRules: who.Request == nil}
	if !in.trusted() {
		return nil, ErrForbidden
	}
	if _, err := in.open(s.catalogue(), deleteRule); err != nil {
		return nil, err
	}
	return &Truncate{in: in, store: s}, nil
}

// CollectionID implements [Command].
func (cmd *Truncate) CollectionID() string { return cmd.in.CollectionID }

// truncateStep is how many records are deleted at a time, which bounds the memory of a truncate.
const truncateStep = 500

// Apply implements sqlite.Work. It fails like [Delete.Apply].
func (cmd *Truncate) Apply(tx *sqlite.Tx) error {
	cat := cmd.store.catalogue()
	if err := cmd.in.identify(cmd.store, cat, tx); err != nil {
		return err
	}
	c := cat.ByID(cmd.in.CollectionID)
	if c == nil {
		return ErrNoCollection
	}
	d := &deletion{s: cmd.store, cat: cat, tx: tx, now: time.Now(), around: cmd.Around}
	last := "" // user code may keep records: they are passed
	for {
		stmt, err := tx.Prepare("SELECT " + allColumns(c) + " FROM " + quote(c.Name) + fmt.Sprintf(" WHERE id > ? ORDER BY id LIMIT %d", truncateStep))
		if err != nil {
			return fmt.Errorf("truncate %s: %w", c.Name, err)
		}
		stmt.BindText(1, last)
		list, err := scanAll(c, stmt)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		if err := d.remove(c, list); err != nil {
			return err
		}
		last = list[len(list)-1].ID()
	}
}

// deletion removes records and settles the references to them, level by level: one look for each referencing field of a
// level, however many records it has.
type deletion struct {
	s   *Store
	cat *schema.Catalogue
	tx  *sqlite.Tx
	now time.Time

	around Around
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
	if c.IsSuperusers() {
		if err := d.keepOneSuperuser(c, list); err != nil {
			return err
		}
	}
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID()
	}
	stmt, err := d.tx.Prepare(d.s.compiled(d.cat).statementsOf(c).remove)
	if err != nil {
		return fmt.Errorf("delete from %s: %w", c.Name, err)
	}
	idList := jsonList(ids)
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
	refs := slices.Clone(d.cat.References(c.ID))
	slices.SortStableFunc(refs, func(a, b schema.Reference) int { return strings.Compare(a.Collection.Name, b.Collection.Name) })
	for _, ref := range refs {
		if ref.Collection.IsView() {
			continue
		}
		if err := d.settle(ref, ids, idList); err != nil {
			return err
		}
	}
	return nil
}

// keepOneSuperuser refuses to delete the last one.
func (d *deletion) keepOneSuperuser(c *schema.Collection, list []*Record) error {
	stmt, err := d.tx.Prepare("SELECT COUNT(*) FROM " + quote(c.Name))
	if err != nil {
		return fmt.Errorf("count superusers: %w", err)
	}
	if _, err := stmt.Step(); err != nil {
		return fmt.Errorf("count superusers: %w", err)
	}
	if stmt.ColumnInt(0) <= len(list) {
		return ErrLastSuperuser
	}
	return stmt.Reset()
}

// settle takes deleted ids out of one relation field: a record that loses its last one is deleted, or refuses the
// deletion, or stays with nothing.
func (d *deletion) settle(ref schema.Reference, ids []string, idList string) error {
	c, field := ref.Collection, ref.Field
	stmt, err := d.tx.Prepare("SELECT " + allColumns(c) + " FROM " + quote(c.Name) + " WHERE " + viaCondition(c, field))
	if err != nil {
		return fmt.Errorf("look for references in %s: %w", c.Name, err)
	}
	stmt.BindText(1, idList)
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
