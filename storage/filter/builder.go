package filter

import (
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	engine "github.com/troupebase/troupe/storage/sqlite"
)

// Trust says who wrote an expression, and so what it may use.
type Trust int

const (
	// Rule is an API rule, or whatever else the operator wrote: everything is allowed.
	Rule Trust = iota
	// Superuser is the filter or sort of a superuser.
	Superuser
	// Client is the filter or sort of anybody else: hidden fields and collections that the client may not list cannot be
	// used (filters.md 10).
	Client
	// Extension is the filter or sort of an extension that no rule stands in the way of: everything but secrets and what the
	// request holds.
	Extension
)

// Builder makes one query over one base collection. Rule, client filter and sort of a request go into one Builder,
// because they share their joins. A Builder is used by one goroutine and for one query.
type Builder struct {
	cat      *schema.Catalogue
	base     scope
	req      *Request
	joins    []*tableJoin
	byKey    map[string]*tableJoin
	demands  []frag  // conditions that hold for the whole query, see Client
	demanded []*Expr // the list rules that demands were made of
	where    []frag
	order    []frag
	tables   map[string]struct{}
	virtual  bool
	created  bool // the virtual row is a record to be created
	plain    bool
	many     bool
	now      bool
	random   bool
	copies   int // how many copies of joins were made for match-all conditions
}

// scope is a collection under an alias: what bare field names refer to.
type scope struct {
	collection *schema.Collection
	alias      string // quoted
	key        string // distinguishes the joins made from here
	nullable   bool   // every column may be NULL: the row may be missing, or a view makes it
}

// NewBuilder begins a query over base. The request decides which of its values are missing; the query then fits every
// request of the same [Shape].
func NewBuilder(cat *schema.Catalogue, base *schema.Collection, req *Request) *Builder {
	b := &Builder{
		cat:    cat,
		base:   scope{collection: base, alias: engine.QuoteName(base.Name), nullable: base.IsView()},
		req:    req,
		byKey:  make(map[string]*tableJoin),
		tables: make(map[string]struct{}),
	}
	b.reads(base)
	return b
}

// Virtual makes the base one row of values in place of the collection's table: a record in memory. Its values are given to
// [Query.Bind]. They compare as they would in the table.
func (b *Builder) Virtual() { b.virtual = true }

// Created is [Builder.Virtual] for the record that a request is about to create: its values must meet a condition as the
// table will hold them and as they were sent, so that no number passes for a text, or a text for a number.
func (b *Builder) Created() { b.virtual, b.created = true, true }

// Plain switches everything off that needs other collections or the request: relations, @collection, @request and
// modifiers. It serves lists of things that are no records.
func (b *Builder) Plain() { b.plain = true }

// Where adds a condition; several are joined by AND. It fails with an *[Error].
func (b *Builder) Where(e *Expr, t Trust) error {
	f, err := b.group(e.items, &resolver{b: b, scope: b.base, trust: t})
	if err != nil {
		return err
	}
	b.where = append(b.where, f)
	return nil
}

// CheckClient refuses what nobody but a superuser may write into filter and sort: it fails with [ErrCollectionFilter]
// or [ErrRequestFilter]. The test is one of substrings, also inside quotes.
func CheckClient(filter, sort string) error {
	for _, s := range []string{filter, sort} {
		if strings.Contains(s, "@collection.") {
			return ErrCollectionFilter
		}
		if strings.Contains(s, "@request.") {
			return ErrRequestFilter
		}
	}
	return nil
}

func (b *Builder) group(items []item, r *resolver) (frag, error) {
	parts := make([]frag, 0, len(items))
	var sql strings.Builder
	for i, it := range items {
		var f frag
		var err error
		if it.comparison != nil {
			f, err = b.comparison(it.comparison, r)
		} else {
			f, err = b.group(it.group, r)
		}
		if err != nil {
			return frag{}, err
		}
		if i > 0 {
			if it.or {
				sql.WriteString(" OR ")
			} else {
				sql.WriteString(" AND ")
			}
		}
		sql.WriteString("%s")
		parts = append(parts, f)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return join("("+sql.String()+")", parts...), nil
}

// reads notes that the query depends on the rows of a collection.
func (b *Builder) reads(c *schema.Collection) {
	b.tables[c.Name] = struct{}{}
	if c.IsView() {
		// What a view reads is known to SQLite only.
		b.random = true
	}
}
