package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	engine "github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// maxViewDepth bounds how often views over views are refreshed after one change.
const maxViewDepth = 8

// Change is a change of the schema in progress. All it does happens on one connection inside the caller's write
// transaction: after an error the caller rolls the transaction back and forgets the Change. It is used by one goroutine.
//
// Collections of the catalogue that it started from are never written to, those it made are the caller's to publish
// after the commit. A transaction that has to be run again takes a new Change; collections that the first one completed
// may be given to it as they are.
type Change struct {
	ctx   context.Context
	conn  *sqlite.Conn
	now   string
	check RuleCheck
	list  []*Collection

	// Renamed lists the collections that got another name, for what refers to collections by name (rate limit rules).
	Renamed []Rename
	// Made lists the collections that are new.
	Made []*Collection
	// Deleted lists the collections that are gone, whose files are to be removed after the commit.
	Deleted []*Collection
	// Warnings say which dependent views could not be brought up to date.
	Warnings []error
}

// Rename is a change of a collection's name, in more than its case or not.
type Rename struct{ Old, New string }

// NewChange begins a change of collections at a moment. check may be nil only where no rule can be invalid.
func NewChange(ctx context.Context, conn *sqlite.Conn, collections []*Collection, now time.Time, check RuleCheck) *Change {
	return &Change{ctx: ctx, conn: conn, now: FormatDate(now), check: check, list: slices.Clone(collections)}
}

// Collections returns all collections as they are after the change, in the order of their rows.
func (ch *Change) Collections() []*Collection { return ch.list }

func (ch *Change) byID(id string) *Collection {
	for _, c := range ch.list {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (ch *Change) others(than ...*Collection) []*Collection {
	return slices.DeleteFunc(slices.Clone(ch.list), func(c *Collection) bool { return slices.Contains(than, c) })
}

// put replaces stored by c, or appends c.
func (ch *Change) put(c, stored *Collection) {
	c.index = nil
	if i := slices.Index(ch.list, stored); stored != nil && i >= 0 {
		ch.list[i] = c
		return
	}
	ch.list = append(ch.list, c)
}

// Create stores a new collection, as [DecodeNew] made it. It returns a validation.Errors or a *[RawError].
func (ch *Change) Create(c *Collection) error { return ch.save(c, nil) }

// Update stores c, a decoded clone of the collection with id. It returns [ErrNotFound], a validation.Errors or a
// *[RawError].
func (ch *Change) Update(id string, c *Collection) error {
	stored := ch.byID(id)
	if stored == nil {
		return ErrNotFound
	}
	if c.ID != id && ch.byID(c.ID) == nil {
		return ErrNotFound
	}
	return ch.save(c, stored)
}

func (ch *Change) save(c, stored *Collection) error {
	viewErr := ch.prepare(c, stored)
	if err := ch.validate(c, stored, viewErr); err != nil {
		return err
	}
	if err := ch.store(c, stored); err != nil {
		return err
	}
	ch.refreshViews(c, 0)
	return nil
}

// prepare makes c ready to be validated. The error is why the query of a view is refused.
func (ch *Change) prepare(c, stored *Collection) error {
	normalise(c, stored, func(id string) bool { return ch.byID(id) != nil })
	c.Updated = ch.now
	if stored == nil || c.Created == "" {
		c.Created = ch.now
	}
	if c.Type != View {
		return nil
	}
	fields, err := deriveView(ch.conn, c.ViewQuery, ch.others(stored))
	c.Fields = fields
	return err
}

func (ch *Change) validate(c, stored *Collection, viewErr error) error {
	v := &validator{
		ctx: ch.ctx, c: c, stored: stored, others: ch.others(c, stored), db: tables{ch.conn}, check: ch.check,
		saved: slices.Contains(ch.list, c),
	}
	if c.Type == View {
		v.viewErr = viewLeaf(c.ViewQuery, viewErr)
	}
	errs, err := v.validate()
	c.index = nil
	if err != nil {
		return &RawError{err}
	}
	return errs.Or()
}

// store writes c and takes it into the list.
func (ch *Change) store(c, stored *Collection) error {
	finish(c, stored)
	if err := write(ch.conn, c, stored); err != nil {
		if errs := (validation.Errors{}); errors.As(err, &errs) {
			return err
		}
		return &RawError{err}
	}
	if stored != nil && stored.Name != c.Name {
		ch.Renamed = append(ch.Renamed, Rename{stored.Name, c.Name})
	}
	if stored == nil {
		ch.Made = append(ch.Made, c)
	} else {
		c.Incarnation = stored.Incarnation
	}
	ch.put(c, stored)
	return nil
}

// refreshViews derives the fields of all views but except again and stores those anew that changed, each in a
// savepoint: the change that caused it holds, whatever becomes of them.
func (ch *Change) refreshViews(except *Collection, depth int) {
	if depth >= maxViewDepth {
		return
	}
	for _, c := range slices.Clone(ch.list) {
		if c.Type != View || c == except || !slices.Contains(ch.list, c) {
			continue
		}
		fields, err := deriveFields(ch.conn, trimQuery(c.ViewQuery), ch.others(c))
		if err == nil && sameDerived(fields, c.Fields) {
			continue
		}
		if err == nil {
			var next *Collection
			if next, err = ch.refreshView(c); err == nil {
				ch.refreshViews(next, depth+1)
			}
		}
		if err != nil {
			ch.Warnings = append(ch.Warnings, fmt.Errorf("view %s: %w", c.Name, err))
		}
	}
}

func (ch *Change) refreshView(c *Collection) (*Collection, error) {
	if err := exec(ch.conn, "SAVEPOINT _troupe_view"); err != nil {
		return nil, err
	}
	next := c.Clone()
	err := ch.validate(next, c, ch.prepare(next, c))
	if err == nil {
		err = ch.store(next, c)
	}
	if err != nil {
		if undo := exec(ch.conn, "ROLLBACK TO _troupe_view"); undo != nil {
			err = errors.Join(err, undo)
		}
	}
	if release := exec(ch.conn, "RELEASE _troupe_view"); release != nil {
		err = errors.Join(err, release)
	}
	return next, err
}

// Delete drops the collection with id, its records included. It returns [ErrNotFound], [ErrSystem], [ErrViewNeeds], a
// *[ReferencedError] or a *[RawError].
func (ch *Change) Delete(id string) error {
	c := ch.byID(id)
	if c == nil {
		return ErrNotFound
	}
	if c.System {
		return ErrSystem
	}
	if names := ch.references(c); len(names) > 0 {
		return &ReferencedError{names}
	}
	var views []string // that answer now, and must answer afterwards
	for _, other := range ch.others(c) {
		if other.Type == View && checkTable(ch.conn, other.Name) == nil {
			views = append(views, other.Name)
		}
	}
	if err := ch.drop(c); err != nil {
		return &RawError{err}
	}
	for _, name := range views {
		if err := checkTable(ch.conn, name); err != nil {
			return fmt.Errorf("%w: %s", ErrViewNeeds, name)
		}
	}
	ch.refreshViews(nil, 0)
	return nil
}

// references names the other collections with a relation to c.
func (ch *Change) references(c *Collection) []string {
	var names []string
	for _, other := range ch.list {
		if other == c {
			continue
		}
		for _, f := range other.Fields {
			if rel, ok := f.(*RelationField); ok && (rel.CollectionID == c.ID || slices.Contains(rel.CollectionIDs, c.ID)) {
				names = append(names, other.Name)
				break
			}
		}
	}
	return names
}

// authRefTables hold rows about records of auth collections.
var authRefTables = [...]string{"_mfas", "_otps", "_externalAuths", "_authOrigins"}

// AuthRefTables returns the names of the tables whose rows belong to records of auth collections and go with them.
func AuthRefTables() []string { return authRefTables[:] }

func (ch *Change) drop(c *Collection) error {
	kind := "TABLE"
	if c.Type == View {
		kind = "VIEW"
	}
	if err := exec(ch.conn, "DROP "+kind+" IF EXISTS "+engine.QuoteName(c.Name)); err != nil {
		return fmt.Errorf("failed to drop %s %s - %w", strings.ToLower(kind), c.Name, err)
	}
	if c.Type == Auth {
		for _, table := range authRefTables {
			if err := exec(ch.conn, "DELETE FROM "+engine.QuoteName(table)+" WHERE `collectionRef` = ?1", c.ID); err != nil {
				return fmt.Errorf("failed to delete references in %s - %w", table, err)
			}
		}
	}
	if err := exec(ch.conn, "DELETE FROM `_collections` WHERE `id` = ?1", c.ID); err != nil {
		return fmt.Errorf("failed to delete collection %s - %w", c.Name, err)
	}
	ch.list = ch.others(c)
	ch.Deleted = append(ch.Deleted, c)
	return nil
}
