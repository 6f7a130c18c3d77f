package records

import (
	"context"
	"errors"
	"fmt"
	"slices"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/schema"
)

// maxBackRelated is how many back-related records an answer holds per record and step.
const maxBackRelated = 1000

// expander adds related records to an answer, level by level: one query for all records of a level and step.
type expander struct {
	s      *Store
	cat    *schema.Catalogue
	p      Preparer
	caller *Caller
	below  *Caller // the caller, with the context that rules see while records are expanded; set with the first of them
	all    bool    // every relation is expanded, asked for or not
	hidden bool    // hidden relation fields count among them
	plain  bool    // user code is left out
	fanned int     // how many steps the polymorphic relations of explicit paths led to
	room   *room   // see memory
	left   expandBudget
	seen   map[recordKey]*node // see reuse; nil when no collection is met twice
	// late is what has to be finished after the read, nil when user code has nothing to see.
	late *AnswerDraft
	// grows is asked about the bytes of the rows that collect reads, nil for nobody.
	grows func(bytes int) error
}

func newExpander(ctx context.Context, s *Store, cat *schema.Catalogue, p Preparer, caller *Caller) *expander {
	return &expander{s: s, cat: cat, p: p, caller: caller, all: s.opts.ExpandAll, hidden: caller.Superuser, left: newExpandBudget(ctx, s.opts.Rows)}
}

// memory is where the answer is made: what the caller has put into x.room, or some of its own.
func (x *expander) memory() *room {
	if x.room == nil {
		x.room = &room{}
	}
	return x.room
}

// collect steps through a statement and keeps its records as nodes. Those of full rows wait to be shown to caller. keep, where
// it is not nil, tells by what a record names whether there is a place for it.
func (x *expander) collect(stmt *zsqlite.Stmt, p *plan, who *audience, caller *Caller, keep func([]related) bool) ([]*node, error) {
	m := x.memory()
	m.rows = m.rows[:0]
	size, counted := 0, 0
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, failure(err)
		}
		if !more {
			nodes := m.lists.take(len(m.rows))
			copy(nodes, m.rows)
			return nodes, nil
		}
		if x.left.begun() {
			err := x.left.fits(len(m.rows), size)
			if err == nil {
				err = x.left.keep(size - counted)
			}
			if counted = size; err != nil {
				return nil, errors.Join(err, stmt.Reset())
			}
		}
		related, err := x.relatedIDs(stmt, p)
		if err != nil {
			return nil, err
		}
		if keep != nil && !keep(related) {
			continue
		}
		n := &m.nodes.take(1)[0]
		n.c, n.id, n.related = p.encoder.c, stmt.ColumnText(idColumn), related
		if p.encoder.full {
			r, err := scan(p.encoder.c, stmt, fullColumn)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			n.pending = x.wait(r, p.encoder, who, caller)
			n.pending.guess = bytesOfRow(stmt) + bytesOfKey*len(p.encoder.c.Fields)
			size += n.pending.guess
		} else {
			begin := len(m.text)
			if m.text, n.split, err = p.encoder.row(m.text, stmt, who); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			n.json, n.split = m.text[begin:len(m.text):len(m.text)], n.split-begin
			size += len(n.json)
		}
		m.rows = append(m.rows, n)
		if x.grows != nil {
			if err := x.grows(size); err != nil {
				return nil, errors.Join(err, stmt.Reset())
			}
		}
	}
}

// bytesOfRow is how many bytes the current row has.
func bytesOfRow(stmt *zsqlite.Stmt) int {
	n := 0
	for i := range stmt.ColumnCount() {
		n += stmt.ColumnLen(i)
	}
	return n
}

// relatedIDs are what the relation columns of the current row hold.
func (x *expander) relatedIDs(stmt *zsqlite.Stmt, p *plan) ([]related, error) {
	list := x.memory().related.take(len(p.relations))
	for i, rel := range p.relations {
		ids, err := x.relationIDs(rel.field, stmt, rel.column)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		list[i] = related{rel.field.Name, ids}
	}
	return list, nil
}

func (x *expander) relationIDs(f *schema.RelationField, stmt *zsqlite.Stmt, column int) ([]string, error) {
	if f.Multiple() {
		v, err := f.Scan(stmt, column)
		return idsOf(v), err
	}
	id := f.One(stmt, column)
	if id == "" {
		return nil, nil
	}
	ids := x.memory().ids.take(1)
	ids[0] = id
	return ids, nil
}

// idsOf lists the ids in the value of a relation field.
func idsOf(v schema.Value) []string {
	switch v := v.(type) {
	case []string:
		return v
	case string:
		if v != "" {
			return []string{v}
		}
	}
	return nil
}

// expand adds to nodes, the answered records of c, what steps say and, where everything is expanded, the rest. nodes
// carry the ids of x.relations.
func (x *expander) expand(nodes []*node, c *schema.Collection, steps []*expandStep) error {
	x.left.start()
	for _, n := range nodes {
		n.times = 1
	}
	if err := x.fill(nodes, c, steps); err != nil || !x.all {
		return err
	}
	return x.expandAll(nodes)
}

// relations are the fields whose ids are needed to expand records of c: those of the direct steps and, where
// everything is expanded, all that the caller may see.
func (x *expander) relations(c *schema.Collection, steps []*expandStep) []*schema.RelationField {
	var fields []*schema.RelationField
	for _, s := range steps {
		if !s.back && !slices.Contains(fields, s.field) {
			fields = append(fields, s.field)
		}
	}
	if !x.all {
		return fields
	}
	for _, f := range x.autoFields(c) {
		if !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields
}

// fill expands the steps of nodes, which are records of c and carry the ids of the direct ones.
func (x *expander) fill(nodes []*node, c *schema.Collection, steps []*expandStep) error {
	if len(steps) == 0 || len(nodes) == 0 {
		return nil
	}
	for _, n := range nodes {
		n.expands = true
		n.branches = x.memory().branches.take(len(steps))[:0]
	}
	for len(steps) > 0 {
		s, done := steps[0], 1
		var err error
		if !s.back && s.field.Polymorphic() {
			done, err = x.fillPolymorphic(nodes, steps)
		} else {
			err = x.fillStep(nodes, s)
		}
		if err != nil {
			return fmt.Errorf("expand %s of %s: %w", s.name, c.Name, err)
		}
		steps = steps[done:]
	}
	return nil
}

func (x *expander) fillStep(nodes []*node, s *expandStep) error {
	read := x.fillDirect
	if s.back {
		read = x.fillBack
	}
	found, err := read(nodes, s)
	if err != nil {
		return err
	}
	return x.fill(found, s.target, s.children)
}

func (x *expander) fillDirect(nodes []*node, s *expandStep) ([]*node, error) {
	m := x.memory()
	if m.byID == nil {
		m.byID = make(map[string]*node)
	}
	clear(m.byID)
	m.wanted = m.wanted[:0]
	named := 0
	for _, n := range nodes {
		for _, id := range n.ids(s.field.Name) {
			named++
			if _, seen := m.byID[id]; !seen {
				m.byID[id] = nil
				m.wanted = append(m.wanted, id)
			}
		}
	}
	a := &ask{kind: askByID, c: s.target, relations: x.relations(s.target, s.children)}
	known, unknown := x.reuse(a, m.wanted)
	found, err := x.fetch(a, unknown)
	if err != nil {
		return nil, err
	}
	x.remember(a, unknown, found)
	found = append(known, found...)
	for _, n := range found {
		m.byID[n.id] = n
	}
	list := m.lists.take(named)[:0] // the lists of all nodes, one after the other
	for _, n := range nodes {
		begin := len(list)
		for _, id := range n.ids(s.field.Name) {
			if r := m.byID[id]; r != nil {
				list = append(list, r)
			}
		}
		if err := x.add(n, s.name, s.many, list[begin:len(list):len(list)]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (x *expander) fillBack(nodes []*node, s *expandStep) ([]*node, error) {
	ids := make([]string, 0, len(nodes))
	for _, n := range nodes {
		ids = append(ids, n.id)
	}
	a := &ask{kind: askByBack, c: s.target, relations: x.relations(s.target, s.children), via: s.field}
	if !slices.Contains(a.relations, s.field) {
		a.relations = append(a.relations, s.field)
	}
	found, err := x.fetch(a, ids)
	if err != nil {
		return nil, err
	}
	x.remember(a, nil, found)
	byTarget := make(map[string][]*node)
	for _, n := range found {
		for _, id := range n.ids(s.field.Name) {
			if len(byTarget[id]) < maxBackRelated {
				byTarget[id] = append(byTarget[id], n)
			}
		}
	}
	for _, n := range nodes {
		if err := x.add(n, s.name, s.many, byTarget[n.id]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// add puts records below n, as far as the answer may grow.
func (x *expander) add(n *node, name string, many bool, nodes []*node) error {
	if len(nodes) == 0 {
		return nil
	}
	if !many {
		nodes = nodes[:1]
	}
	if err := x.left.place(int(n.times), nodes); err != nil {
		return err
	}
	n.add(name, many, nodes)
	return nil
}
