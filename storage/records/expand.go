package records

import (
	"encoding/json"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
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
	// late is what has to be finished after the read, nil when user code has nothing to see.
	late *AnswerDraft
}

func newExpander(s *Store, cat *schema.Catalogue, p Preparer, caller *Caller) *expander {
	return &expander{s: s, cat: cat, p: p, caller: caller, all: s.opts.ExpandAll, hidden: caller.Superuser}
}

// firstText is the room that collect begins with: about what thirty usual records need.
const firstText = 8 << 10

// collect steps through a statement and keeps its records as nodes. Those of full rows wait to be shown to caller.
func (x *expander) collect(stmt *sqlite.Stmt, p *plan, who *audience, caller *Caller) ([]*node, error) {
	var nodes []*node
	var slab []node                    // nodes are allocated many at a time
	text := make([]byte, 0, firstText) // all rows one after the other; where it moves, the older ones keep the memory they are in
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, failure(err)
		}
		if !more {
			return nodes, nil
		}
		if len(slab) == cap(slab) {
			slab = make([]node, 0, min(2*cap(slab)+1, 64))
		}
		slab = append(slab, node{c: p.encoder.c, id: stmt.ColumnText(idColumn)})
		n := &slab[len(slab)-1]
		if p.encoder.full {
			r, err := scan(p.encoder.c, stmt, fullColumn)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			n.pending = x.wait(r, p.encoder, who, caller)
		} else {
			begin := len(text)
			if text, n.split, err = p.encoder.row(text, stmt, who); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			n.json, n.split = text[begin:len(text):len(text)], n.split-begin
		}
		if len(p.relations) > 0 {
			n.related = make([]related, 0, len(p.relations))
		}
		for _, rel := range p.relations {
			ids, err := relationIDs(rel.field, stmt, rel.column)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			n.related = append(n.related, related{rel.field.Name, ids})
		}
		nodes = append(nodes, n)
	}
}

func relationIDs(f *schema.RelationField, stmt *sqlite.Stmt, column int) ([]string, error) {
	v, err := f.Scan(stmt, column)
	if err != nil {
		return nil, err
	}
	return idsOf(v), nil
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
		if !s.back {
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
	}
	for _, s := range steps {
		read := x.fillDirect
		if s.back {
			read = x.fillBack
		}
		found, err := read(nodes, s)
		if err == nil {
			err = x.fill(found, s.target, s.children)
		}
		if err != nil {
			return fmt.Errorf("expand %s of %s: %w", s.name, c.Name, err)
		}
	}
	return nil
}

func (x *expander) fillDirect(nodes []*node, s *expandStep) ([]*node, error) {
	var ids []string
	seen := make(map[string]bool)
	for _, n := range nodes {
		for _, id := range n.ids(s.field.Name) {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	found, err := x.fetch(&ask{kind: askByID, c: s.target, relations: x.relations(s.target, s.children)}, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*node, len(found))
	for _, n := range found {
		byID[n.id] = n
	}
	room := make([]*node, 0, len(nodes)) // the lists of all nodes, one after the other
	for _, n := range nodes {
		begin := len(room)
		for _, id := range n.ids(s.field.Name) {
			if r := byID[id]; r != nil {
				room = append(room, r)
			}
		}
		n.add(s.name, s.many, room[begin:len(room):len(room)])
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
	byTarget := make(map[string][]*node)
	for _, n := range found {
		for _, id := range n.ids(s.field.Name) {
			if len(byTarget[id]) < maxBackRelated {
				byTarget[id] = append(byTarget[id], n)
			}
		}
	}
	for _, n := range nodes {
		n.add(s.name, s.many, byTarget[n.id])
	}
	return found, nil
}

// fetch reads the records that are asked for by a list of ids, under the view rule.
func (x *expander) fetch(a *ask, ids []string) ([]*node, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if x.below == nil {
		below := &struct {
			Caller
			req filter.Request
		}{Caller{Superuser: x.caller.Superuser}, *x.caller.Request}
		below.req.Context = "expand"
		below.Request = &below.req
		x.below = &below.Caller
	}
	a.hidden, a.full = x.caller.Superuser, x.enriches(a.c)
	if !x.caller.Superuser {
		if a.c.ViewRule == nil {
			return nil, nil
		}
		rule, err := x.s.parse(*a.c.ViewRule)
		if err != nil {
			return nil, nil // a rule that cannot be evaluated hides the record
		}
		a.rule = rule
	}
	p, err := x.s.plan(x.cat, a, x.below.Request)
	if err != nil {
		return nil, nil
	}
	who := newAudience(x.caller, a.c)
	if p.encoder.conditional && needsManage(a.c, x.caller) {
		if who.managed, err = x.managed(a, p, ids); err != nil {
			return nil, err
		}
	}
	stmt, err := x.bound(p, ids)
	if err != nil {
		return nil, err
	}
	return x.collect(stmt, p, who, x.below)
}

// managed returns the ids of those records of a fetch that the caller manages. ids are what is asked for: of a back
// relation they are not the records' own, so the fetch is made once for these.
func (x *expander) managed(a *ask, p *plan, ids []string) (map[string]bool, error) {
	if a.kind == askByBack {
		stmt, err := x.bound(p, ids)
		if err != nil {
			return nil, err
		}
		ids = nil
		for {
			more, err := stmt.Step()
			if err != nil {
				return nil, failure(err)
			}
			if !more {
				break
			}
			ids = append(ids, stmt.ColumnText(idColumn))
		}
	}
	return x.s.managed(x.cat, x.p, a.c, ids, x.below.Request)
}

// bound prepares and binds the statement of a plan that asks by a list of ids.
func (x *expander) bound(p *plan, ids []string) (*sqlite.Stmt, error) {
	stmt, err := p.prepare(x.p)
	if err != nil {
		return nil, failure(err)
	}
	next, err := p.query.Bind(stmt, 1, x.below.Request, nil)
	if err != nil {
		return nil, err
	}
	stmt.BindText(next, jsonList(ids))
	return stmt, nil
}

// jsonList writes ids as a JSON list, the form in which a statement takes any number of them.
func jsonList(ids []string) string {
	b, err := json.Marshal(ids)
	if err != nil {
		return "[]" // texts always encode
	}
	return string(b)
}
