package filter

import (
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/schema"
	engine "github.com/troupebase/troupe/storage/sqlite"
)

// Query is what a [Builder] made: the parts of a SELECT over the base collection, whose alias is its quoted name. It is
// immutable and safe for concurrent use.
type Query struct {
	// From is what follows FROM: the base and its joins.
	From string
	// Where and Order are what follows WHERE and ORDER BY, "" when there is nothing.
	Where, Order string
	// Distinct tells that joins may repeat a base row: the select needs DISTINCT, a count COUNT(DISTINCT id).
	Distinct bool
	// Tables are the names of the collections whose rows the query reads, sorted.
	Tables []string
	// Volatile tells that the same query may give something else although no table changed: results must not be cached.
	Volatile bool

	params    []param
	unordered int // how many of params belong to From and Where
	demanded  []*Expr
}

// Build returns the query of everything that was added.
func (b *Builder) Build() *Query {
	q := &Query{Distinct: b.many, Volatile: b.now || b.random, demanded: b.demanded}
	base := b.from()
	from, params := base.sql, base.params
	for _, j := range b.joins {
		from += " " + j.sql.sql
		params = append(params, j.sql.params...)
	}
	q.From = from
	conditions := slices.Concat(b.where, b.demands)
	texts := make([]string, len(conditions))
	for i, c := range conditions {
		texts[i] = c.sql
		params = append(params, c.params...)
	}
	q.Where = strings.Join(texts, " AND ")
	q.unordered = len(params)
	texts = nil
	for _, o := range b.order {
		texts = append(texts, o.sql)
		params = append(params, o.params...)
	}
	q.Order = strings.Join(texts, ", ")
	q.params = params
	for t := range b.tables {
		q.Tables = append(q.Tables, t)
	}
	slices.Sort(q.Tables)
	return q
}

// from is the base: the collection's table, or one row of submitted values. Casts give the values of that row the
// affinity of the columns;
// those that hold JSON text go without, because a cast would make numbers of them.
func (b *Builder) from() frag {
	if !b.virtual {
		return raw(engine.QuoteName(b.base.collection.Name))
	}
	parts := make([]frag, len(b.base.collection.Fields))
	texts := make([]string, len(parts))
	for i, f := range b.base.collection.Fields {
		parts[i] = placeholder(param{kind: paramVirtual, field: f, index: i})
		texts[i] = "%s AS " + engine.QuoteName(f.Base().Name)
		switch {
		case affinityOf(f) == textAffinity:
			texts[i] = "CAST(%s AS TEXT) AS " + engine.QuoteName(f.Base().Name)
		case isScalar(f):
			texts[i] = "CAST(%s AS NUMERIC) AS " + engine.QuoteName(f.Base().Name)
		}
	}
	return join("(SELECT "+strings.Join(texts, ", ")+") AS "+b.base.alias, parts...)
}

// Bind sets the parameters of From, Where and Order, beginning with the parameter number first, and returns the number
// after the last. values are those of the virtual row by field position, nil without one. Bind allocates only for
// request values that are lists and for LIKE patterns.
func (q *Query) Bind(stmt *sqlite.Stmt, first int, req *Request, values []schema.Value) (next int, err error) {
	return bindAll(stmt, first, q.params, req, values)
}

// BindUnordered is Bind without the parameters of Order, for a statement that has only From and Where.
func (q *Query) BindUnordered(stmt *sqlite.Stmt, first int, req *Request, values []schema.Value) (next int, err error) {
	return bindAll(stmt, first, q.params[:q.unordered], req, values)
}

// Demanding tells that the query holds list rules of joined collections (see [Client]). Two requests can share such a
// query only when [Query.Shape] is the same for both, too. Which rules they are depends only on the definitions and on
// what the client wrote, so that a query of any request tells it for all.
func (q *Query) Demanding() bool { return len(q.demanded) > 0 }

// Shape is [Shape] for the list rules in the query.
func (q *Query) Shape(dst []byte, req *Request) []byte {
	for _, e := range q.demanded {
		dst = Shape(dst, e, req)
	}
	return dst
}

// AppendKey appends the bound values of From and Where to dst in a form that is equal only for equal values: with the
// query itself it identifies a result that can be cached.
func (q *Query) AppendKey(dst []byte, req *Request) []byte {
	for i := range q.params[:q.unordered] {
		dst = appendValueKey(dst, q.params[i].value(req))
	}
	return dst
}

func bindAll(stmt *sqlite.Stmt, at int, params []param, req *Request, values []schema.Value) (int, error) {
	for i := range params {
		p := &params[i]
		if p.kind == paramVirtual {
			p.field.Bind(stmt, at, values[p.index])
		} else if err := bind(stmt, at, p.value(req)); err != nil {
			return at, err
		}
		at++
	}
	return at, nil
}
