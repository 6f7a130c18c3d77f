package records

import (
	"slices"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// encoder writes the records of one collection as JSON, for callers who see the same fields. It is immutable.
type encoder struct {
	c     *schema.Collection
	parts []part
	// split is the index of the first part whose key sorts after "expand".
	split int
	// columns are the qualified columns that row needs, in the order of the SELECT.
	columns []string
	// conditional tells that the email is shown only to some.
	conditional bool
	layout
}

// layout is what the encoders of a collection differ by.
type layout struct {
	// hidden tells that hidden fields are shown.
	hidden bool
	// full tells that the columns are the id and then all fields: the rows are read into Records, which user code may
	// see before encoder.shown writes them.
	full bool
}

// mark tells layouts apart in the key of a plan.
func (l layout) mark() byte {
	m := byte('0')
	if l.hidden {
		m |= 1
	}
	if l.full {
		m |= 2
	}
	return m
}

// part is one key of the object.
type part struct {
	key      []byte // `"title":`
	field    schema.Field
	index    int    // of the field in the collection
	column   int    // of the value in the row
	constant []byte // instead of a field
	email    bool
}

// The columns that every row begins with; the second one only where emails are conditional. In a full row all fields
// follow the id.
const (
	idColumn         = 0
	visibilityColumn = 1
	fullColumn       = 1
)

// newEncoder lays the keys of a collection out. Hidden fields are left out unless the layout shows them; the secrets of
// auth records are never shown.
func newEncoder(c *schema.Collection, l layout) *encoder {
	e := &encoder{c: c, conditional: c.IsAuth() && !l.hidden, layout: l}
	e.add("id")
	if e.conditional && !e.full {
		e.add("emailVisibility")
	}
	for i, f := range c.Fields {
		name := f.Base().Name
		if e.full {
			e.add(name)
		}
		if isSecret(c, name) || f.Base().Hidden && !l.hidden && !e.full {
			continue
		}
		p := part{key: appendKey(name), field: f, index: i, email: (e.conditional || e.full && c.IsAuth()) && name == "email"}
		switch {
		case e.full: // what is read is not written from the row
		case name == "id":
			p.column = idColumn
		case name == "emailVisibility" && e.conditional:
			p.column = visibilityColumn
		default:
			p.column = e.add(name)
		}
		e.parts = append(e.parts, p)
	}
	e.parts = append(e.parts,
		part{key: appendKey("collectionId"), constant: schema.AppendJSONString(nil, c.ID)},
		part{key: appendKey("collectionName"), constant: schema.AppendJSONString(nil, c.Name)})
	slices.SortFunc(e.parts, func(a, b part) int { return strings.Compare(string(a.key), string(b.key)) })
	for e.split < len(e.parts) && string(e.parts[e.split].key) < `"expand":` {
		e.split++
	}
	return e
}

// isSecret tells whether a field is never shown to anybody.
func isSecret(c *schema.Collection, name string) bool {
	return c.IsAuth() && (name == "password" || name == "tokenKey")
}

func (e *encoder) add(name string) (column int) {
	e.columns = append(e.columns, sqlite.QuoteName(e.c.Name)+"."+sqlite.QuoteName(name))
	return len(e.columns) - 1
}

func appendKey(name string) []byte { return append(schema.AppendJSONString(nil, name), ':') }

// row appends the current row as an object, up to its closing bracket. split is the position in dst where the key
// "expand" belongs. When it fails dst is returned as it was.
func (e *encoder) row(dst []byte, stmt *zsqlite.Stmt, a *audience) (out []byte, split int, err error) {
	start := len(dst)
	showEmail := true
	if e.conditional {
		showEmail = stmt.ColumnBool(visibilityColumn) || a.all || a.sees(stmt.ColumnText(idColumn))
	}
	dst = append(dst, '{')
	for i := range e.parts {
		p := &e.parts[i]
		if i == e.split {
			split = len(dst)
		}
		if p.email && !showEmail {
			continue
		}
		dst = e.key(dst, p)
		if p.constant != nil {
			dst = append(dst, p.constant...)
			continue
		}
		if dst, err = p.field.AppendColumn(dst, stmt, p.column); err != nil {
			return dst[:start], 0, err
		}
	}
	if e.split == len(e.parts) {
		split = len(dst)
	}
	return append(dst, '}'), split, nil
}

func (e *encoder) key(dst []byte, p *part) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(dst, p.key...)
}

// record appends a record in memory like row.
func (e *encoder) record(dst []byte, r *Record, a *audience) (out []byte, split int) {
	showEmail := true
	if e.conditional {
		showEmail = r.Bool("emailVisibility") || a.sees(r.ID())
	}
	dst = append(dst, '{')
	for i := range e.parts {
		p := &e.parts[i]
		if i == e.split {
			split = len(dst)
		}
		if p.email && !showEmail {
			continue
		}
		dst = e.key(dst, p)
		if p.constant != nil {
			dst = append(dst, p.constant...)
			continue
		}
		dst = p.field.AppendValue(dst, r.Values[p.index])
	}
	if e.split == len(e.parts) {
		split = len(dst)
	}
	return append(dst, '}'), split
}
