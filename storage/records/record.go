package records

import (
	"fmt"
	"slices"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Record is one record in memory. The values of a record that was committed or handed to somebody else are not changed;
// who wants another value makes a [Record.Clone].
type Record struct {
	Collection *schema.Collection
	// Values are in the order of Collection.Fields.
	Values []schema.Value

	stored []schema.Value // as the record is in the database, nil for a new one; not changed
}

// NewRecord returns a record whose fields have their zero values.
func NewRecord(c *schema.Collection) *Record {
	r := &Record{Collection: c, Values: make([]schema.Value, len(c.Fields))}
	for i, f := range c.Fields {
		r.Values[i] = f.Zero()
	}
	return r
}

// Clone returns a record whose values can be replaced without touching r's.
func (r *Record) Clone() *Record {
	return &Record{Collection: r.Collection, Values: slices.Clone(r.Values), stored: r.stored}
}

// Become makes r a copy of another record of its collection.
func (r *Record) Become(other *Record) {
	if r != other {
		*r = *other.Clone()
	}
}

// IsNew tells whether the record was not stored yet.
func (r *Record) IsNew() bool { return r.stored == nil }

// Original returns the record as it was when it was read or last written, nil for a new one. It is not to be changed.
func (r *Record) Original() *Record {
	if r.stored == nil {
		return nil
	}
	return &Record{Collection: r.Collection, Values: r.stored, stored: r.stored}
}

// settled notes that the record is stored as it is.
func (r *Record) settled() { r.stored = r.Values }

// own makes sure that a change of r.Values is no change of what is stored.
func (r *Record) own() {
	if len(r.stored) > 0 && len(r.Values) > 0 && &r.stored[0] == &r.Values[0] {
		r.Values = slices.Clone(r.Values)
	}
}

// ID returns the id, "" for a record that has none yet.
func (r *Record) ID() string { return r.Text("id") }

// Get returns the value of a field, nil when there is no such field.
func (r *Record) Get(field string) schema.Value {
	if i := r.Collection.FieldIndex(field); i >= 0 {
		return r.Values[i]
	}
	return nil
}

// Text returns the value of a field that holds one text, "" when there is no such field.
func (r *Record) Text(field string) string {
	s, _ := r.Get(field).(string)
	return s
}

// Bool returns the value of a bool field, false when there is no such field.
func (r *Record) Bool(field string) bool {
	b, _ := r.Get(field).(bool)
	return b
}

// Number returns the value of a number field, 0 when there is no such field.
func (r *Record) Number(field string) float64 {
	n, _ := r.Get(field).(float64)
	return n
}

// Texts returns the values of a field that holds texts, one or several; nil when there is no such field.
func (r *Record) Texts(field string) []string { return idsOf(r.Get(field)) }

// Set gives a field what its type makes of value. Around the name stand the modifiers of request bodies ("tags+",
// "n-", "code:autogenerate"). It returns false, and does nothing, when there is no such field, when its type does not
// know the modifier, and for autodates.
func (r *Record) Set(key string, value any) bool {
	r.own()
	_, _, ok := r.assign(key, value)
	return ok
}

// assign is [Record.Set] on values that are r's own; it returns which field got what.
func (r *Record) assign(key string, raw any) (field int, v schema.Value, ok bool) {
	name, modification, modified := splitKey(r.Collection, key)
	field = r.Collection.FieldIndex(name)
	if field < 0 {
		return field, nil, false
	}
	f := r.Collection.Fields[field]
	if f.Role() == schema.RoleComputed {
		return field, nil, false
	}
	if !modified {
		v = f.Cast(raw)
	} else {
		m, ok := f.(schema.Modifier)
		if ok {
			v, ok = m.Modify(r.Values[field], modification, raw)
		}
		if !ok {
			return field, nil, false
		}
	}
	r.Values[field] = v
	return field, v, true
}

// Identity returns the record as the one on whose behalf a request runs. r must be a record of an auth collection.
func (r *Record) Identity() *filter.Identity {
	return &filter.Identity{
		Collection:      r.Collection,
		ID:              r.ID(),
		Email:           r.Text("email"),
		EmailVisibility: r.Bool("emailVisibility"),
		Verified:        r.Bool("verified"),
		Superuser:       r.Collection.IsSuperusers(),
		Value: func(field string) (schema.Value, bool) {
			i := r.Collection.FieldIndex(field)
			if i < 0 {
				return nil, false
			}
			return r.Values[i], true
		},
	}
}

// Caller is on whose behalf something is read or written.
type Caller struct {
	// Request is what rules can see; Request.Auth is the identity.
	Request *filter.Request
	// Superuser tells that rules are not asked and hidden fields are shown.
	Superuser bool
	// Credential is what the identity rests on, nil for a guest and for the server itself.
	Credential *Credential
}

// Preparer is the connection that a statement runs on: a Reader, or the Writer's transaction, whose uncommitted state a
// read then sees.
type Preparer interface {
	Prepare(sql string) (*zsqlite.Stmt, error)
}

// scan reads all fields of the current row, beginning at column first.
func scan(c *schema.Collection, stmt *zsqlite.Stmt, first int) (*Record, error) {
	r := &Record{Collection: c, Values: make([]schema.Value, len(c.Fields))}
	r.settled()
	for i, f := range c.Fields {
		v, err := f.Scan(stmt, first+i)
		if err != nil {
			return nil, fmt.Errorf("read %s of a record of %s: %w", f.Base().Name, c.Name, err)
		}
		r.Values[i] = v
	}
	return r, nil
}

// Find returns the record with that id without asking any rule. It fails with [ErrNotFound].
func Find(p Preparer, c *schema.Collection, id string) (*Record, error) {
	return findWhere(p, c, "id", id)
}

// findWhere returns the first record whose column has that text. The column is a name from a definition.
func findWhere(p Preparer, c *schema.Collection, column, value string) (*Record, error) {
	stmt, err := p.Prepare("SELECT " + allColumns(c) + " FROM " + sqlite.QuoteName(c.Name) + " WHERE " + sqlite.QuoteName(c.Name) + "." + sqlite.QuoteName(column) + " = ? LIMIT 1")
	if err != nil {
		return nil, fmt.Errorf("find in %s: %w", c.Name, err)
	}
	stmt.BindText(1, value)
	found, err := stmt.Step()
	if err != nil {
		return nil, fmt.Errorf("find in %s: %w", c.Name, err)
	}
	if !found {
		return nil, ErrNotFound
	}
	r, err := scan(c, stmt, 0)
	if rerr := stmt.Reset(); err == nil && rerr != nil {
		err = rerr
	}
	return r, err
}

// allColumns lists the qualified columns of a collection in the order of its fields.
func allColumns(c *schema.Collection) string {
	var b []byte
	for i, f := range c.Fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, sqlite.QuoteName(c.Name)+"."+sqlite.QuoteName(f.Base().Name)...)
	}
	return string(b)
}

// scanAll reads all rows of a statement that selects allColumns.
func scanAll(c *schema.Collection, stmt *zsqlite.Stmt) ([]*Record, error) {
	var list []*Record
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.Name, err)
		}
		if !more {
			return list, nil
		}
		r, err := scan(c, stmt, 0)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
}
