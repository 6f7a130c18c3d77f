package records

import (
	"fmt"
	"strings"
	"sync/atomic"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// plan is a compiled read of one collection. It is safe for concurrent use and fits every request of the same shape.
type plan struct {
	query   *filter.Query
	encoder *encoder
	// sql selects the encoder's columns and, after them, the relation columns that an expand needs.
	sql string
	// tolerant takes the place of sql when columns are missing, see plan.prepare.
	tolerant atomic.Pointer[string]
	// count counts what sql finds without its limit.
	count string
	// start counts like count and gives the last rowid, too; growth goes on above that rowid and gives the group of its
	// snapshot as well. They are "" when what is found depends on other rows.
	start, growth string
	// whole tells that it finds all rows of the collection's own table.
	whole bool
	// idsFirst tells that a statement that asks by a list of ids has it before all other parameters.
	idsFirst bool
	// relations are the fields behind the encoder's columns.
	relations []relationColumn
}

type relationColumn struct {
	field  *schema.RelationField
	column int
}

// ask is what a read asks for; together with the shape of the request it is the key of a plan.
type ask struct {
	kind   byte // what the statement looks like: list, one record, records by ids, by a back relation
	c      *schema.Collection
	rule   *filter.Expr
	filter *filter.Expr
	sort   string
	trust  filter.Trust
	hidden bool
	// full asks for all columns, to be read into Records.
	full bool
	// relations are the fields whose ids the rows carry for an expand.
	relations []*schema.RelationField
	via       *schema.RelationField
}

const (
	askList   = 'l'
	askOne    = 'v'
	askByID   = 'i'
	askByBack = 'b'

	// Conditions on a record that is no row: one in memory, and one that a request is about to create.
	askInMemory = 'n'
	askCreated  = 'c'
)

func (a *ask) key(dst []byte, req *filter.Request) []byte {
	dst = append(dst, a.kind, byte('0'+a.trust), layout{a.hidden, a.full}.mark())
	dst = append(dst, a.c.ID...)
	for _, e := range []*filter.Expr{a.rule, a.filter} {
		dst = append(dst, 0)
		if e != nil {
			dst = append(dst, e.String()...)
			dst = append(dst, 0)
			dst = filter.Shape(dst, e, req)
		}
	}
	dst = append(dst, 0)
	dst = append(dst, a.sort...)
	dst = append(dst, 0)
	for _, f := range a.relations {
		dst = append(dst, f.Name...)
		dst = append(dst, ',')
	}
	if a.via != nil {
		dst = append(dst, 0)
		dst = append(dst, a.via.ID...)
	}
	return dst
}

// plan returns the compiled form of what is asked.
func (s *Store) plan(cat *schema.Catalogue, a *ask, req *filter.Request) (*plan, error) {
	pc := s.compiled(cat)
	var buf [256]byte
	key := a.key(buf[:0], req)
	make := func() (*plan, error) { return compile(cat, pc, a, req) }
	p, err := pc.plan(key, make)
	if err != nil || !p.query.Demanding() {
		return p, err
	}
	// Only the plan itself tells which list rules of joined collections are in it; they have shapes of their own.
	return pc.plan(p.query.Shape(append(key, 0), req), make)
}

func compile(cat *schema.Catalogue, pc *planCache, a *ask, req *filter.Request) (*plan, error) {
	b := filter.NewBuilder(cat, a.c, req)
	if a.rule != nil {
		if err := b.Where(a.rule, filter.Rule); err != nil {
			return nil, fmt.Errorf("%w: rule of %s: %w", ErrQuery, a.c.Name, err)
		}
	}
	if a.filter != nil {
		if err := b.Where(a.filter, a.trust); err != nil {
			return nil, fmt.Errorf("%w: filter: %w", ErrQuery, err)
		}
	}
	if a.sort != "" {
		if err := b.OrderBy(a.sort, a.trust); err != nil {
			return nil, fmt.Errorf("%w: sort: %w", ErrQuery, err)
		}
	}
	p := &plan{query: b.Build(), encoder: pc.encoder(a.c, layout{a.hidden, a.full})}
	p.write(a)
	return p, nil
}

// write makes the statements of a plan.
func (p *plan) write(a *ask) {
	columns := p.encoder.columns
	for _, f := range a.relations {
		columns = append(columns[:len(columns):len(columns)], sqlite.QuoteName(a.c.Name)+"."+sqlite.QuoteName(f.Name))
		p.relations = append(p.relations, relationColumn{f, len(columns) - 1})
	}
	id := sqlite.QuoteName(a.c.Name) + ".`id`"
	var sql strings.Builder
	sql.WriteString("SELECT ")
	if p.query.Distinct {
		sql.WriteString("DISTINCT ")
	}
	sql.WriteString(strings.Join(columns, ", ") + " FROM ")
	var where []string
	if a.kind == askByID && !a.c.IsView() {
		// One look into the table for each id. IN would sort the list into a table first; a view may have to be read as a
		// whole for each look, so it gets that.
		p.idsFirst = true
		sql.WriteString("json_each(?) AS `_troupe_ids` CROSS JOIN ")
		where = append(where, id+" = `_troupe_ids`.`value`")
	}
	sql.WriteString(p.query.From)
	if p.query.Where != "" {
		where = append(where, p.query.Where)
	}
	switch a.kind {
	case askOne:
		where = append(where, id+" = ?")
	case askByID:
		if !p.idsFirst {
			where = append(where, id+" IN (SELECT value FROM json_each(?))")
		}
	case askByBack:
		where = append(where, viaCondition(a.c, a.via))
	}
	if len(where) > 0 {
		sql.WriteString(" WHERE " + strings.Join(where, " AND "))
	}
	if p.query.Order != "" {
		sql.WriteString(" ORDER BY " + p.query.Order)
	}
	switch a.kind {
	case askList:
		// The plus signs keep SQLite from taking the numbers into account when it plans: it would compile the statement
		// again for each new binding.
		sql.WriteString(" LIMIT +? OFFSET +?")
		p.writeCount(id)
		p.writeGrowth(a.c)
	case askOne:
		sql.WriteString(" LIMIT 1")
	case askByBack:
		if !a.c.IsView() {
			sql.WriteString(" ORDER BY " + sqlite.QuoteName(a.c.Name) + "._rowid_")
		}
	}
	p.sql = sql.String()
}

// bindIDs binds a statement that asks by a list of ids.
func (p *plan) bindIDs(stmt *zsqlite.Stmt, req *filter.Request, ids []string) error {
	list := jsonList(ids)
	if p.idsFirst {
		stmt.BindText(1, list)
		_, err := p.query.Bind(stmt, 2, req, nil)
		return err
	}
	next, err := p.query.Bind(stmt, 1, req, nil)
	if err == nil {
		stmt.BindText(next, list)
	}
	return err
}

// viaCondition is met by the records whose relation field holds one of the ids in a JSON list.
func viaCondition(c *schema.Collection, via *schema.RelationField) string {
	column := sqlite.QuoteName(c.Name) + "." + sqlite.QuoteName(via.Name)
	if !via.Multiple() {
		return column + " IN (SELECT value FROM json_each(?))"
	}
	return "EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(" + column + ") THEN " + column + " ELSE '[]' END) WHERE value IN (SELECT value FROM json_each(?)))"
}

func (p *plan) writeCount(id string) {
	if p.query.Distinct {
		p.count = "SELECT COUNT(DISTINCT " + id + ") FROM " + p.query.From
	} else {
		p.count = "SELECT COUNT(*) FROM " + p.query.From
	}
	if p.query.Where != "" {
		p.count += " WHERE " + p.query.Where
	}
}

// table is the collection's own table.
func (p *plan) table() string { return p.encoder.c.Name }

// writeGrowth makes out whether each row of the collection's own table speaks for itself.
func (p *plan) writeGrowth(c *schema.Collection) {
	q := p.query
	if c.IsView() || q.Distinct || q.From != sqlite.QuoteName(c.Name) {
		return
	}
	if q.Where == "" {
		p.whole = true
		return
	}
	if q.Volatile || len(q.Tables) != 1 || q.Tables[0] != c.Name || strings.Contains(strings.ToUpper(q.Where), "SELECT") {
		return
	}
	p.start = "SELECT COUNT(*), " + sqlite.LastRow(c.Name) + " FROM " + q.From + " WHERE " + q.Where
	// NOT INDEXED keeps SQLite from going through an index of all rows instead of the new ones.
	p.growth = "SELECT COUNT(*), " + sqlite.LastRow(c.Name) + ", " + sqlite.LastGroup + " FROM " + q.From + " NOT INDEXED WHERE " +
		q.Where + " AND " + q.From + "._rowid_ > ?"
}
