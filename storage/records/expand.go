package records

import (
	"encoding/json"
	"fmt"

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
	p      preparer
	caller *Caller
	req    *filter.Request // the caller's, with the context that rules see while records are expanded
}

// node is an encoded record that waits for its expand.
type node struct {
	id string
	// json is the object without its expand, which belongs at split.
	json  []byte
	split int
	// related are the ids in the relation columns of the plan.
	related [][]string
	// expand is the object of the expanded relations, nil when the record has no such key.
	expand []byte
}

func newExpander(s *Store, cat *schema.Catalogue, p preparer, caller *Caller) *expander {
	return &expander{s: s, cat: cat, p: p, caller: caller}
}

// collect steps through a statement and keeps its records as nodes.
func (x *expander) collect(stmt *sqlite.Stmt, p *plan, who *audience) ([]*node, error) {
	var nodes []*node
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		if !more {
			return nodes, nil
		}
		n := &node{id: stmt.ColumnText(idColumn)}
		if n.json, n.split, err = p.encoder.row(nil, stmt, who); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		for _, rel := range p.relations {
			ids, err := relationIDs(rel.field, stmt, rel.column)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			n.related = append(n.related, ids)
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

// fill expands the steps of nodes, which are records of c and carry the ids of the direct steps in order.
func (x *expander) fill(nodes []*node, c *schema.Collection, steps []*expandStep) error {
	if len(steps) == 0 || len(nodes) == 0 {
		return nil
	}
	if x.req == nil {
		req := *x.caller.Request
		req.Context = "expand"
		x.req = &req
	}
	for _, n := range nodes {
		n.expand = append(n.expand, '{')
	}
	direct := 0
	for _, s := range steps {
		var err error
		if s.back {
			err = x.fillBack(nodes, s)
		} else {
			err = x.fillDirect(nodes, s, direct)
			direct++
		}
		if err != nil {
			return fmt.Errorf("expand %s of %s: %w", s.name, c.Name, err)
		}
	}
	for _, n := range nodes {
		n.expand = append(n.expand, '}')
	}
	return nil
}

func (x *expander) fillDirect(nodes []*node, s *expandStep, column int) error {
	var ids []string
	seen := make(map[string]bool)
	for _, n := range nodes {
		for _, id := range n.related[column] {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	found, err := x.fetch(&ask{kind: askByID, c: s.target}, ids, s.children)
	if err != nil {
		return err
	}
	byID := make(map[string]*node, len(found))
	for _, n := range found {
		byID[n.id] = n
	}
	for _, n := range nodes {
		var related []*node
		for _, id := range n.related[column] {
			if r := byID[id]; r != nil {
				related = append(related, r)
			}
		}
		n.add(s, related)
	}
	return nil
}

func (x *expander) fillBack(nodes []*node, s *expandStep) error {
	ids := make([]string, 0, len(nodes))
	for _, n := range nodes {
		ids = append(ids, n.id)
	}
	found, err := x.fetch(&ask{kind: askByBack, c: s.target, via: s.field}, ids, s.children)
	if err != nil {
		return err
	}
	byTarget := make(map[string][]*node)
	for _, n := range found {
		for _, id := range n.related[len(n.related)-1] {
			if len(byTarget[id]) < maxBackRelated {
				byTarget[id] = append(byTarget[id], n)
			}
		}
	}
	for _, n := range nodes {
		n.add(s, byTarget[n.id])
	}
	return nil
}

// fetch reads the records that are asked for by a list of ids, under the view rule, with their own expands.
func (x *expander) fetch(a *ask, ids []string, children []*expandStep) ([]*node, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	a.hidden, a.steps = x.caller.Superuser, children
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
	p, err := x.s.plan(x.cat, a, x.req)
	if err != nil {
		return nil, nil
	}
	who := newAudience(x.caller, a.c)
	if p.encoder.conditional && needsManage(a.c, x.caller) && a.kind == askByID {
		if who.managed, err = x.s.managed(x.cat, x.p, a.c, ids, x.req); err != nil {
			return nil, err
		}
	}
	nodes, err := x.query(p, ids, who)
	if err != nil {
		return nil, err
	}
	return nodes, x.fill(nodes, a.c, children)
}

func (x *expander) query(p *plan, ids []string, who *audience) ([]*node, error) {
	stmt, err := p.prepare(x.p)
	if err != nil {
		return nil, err
	}
	next, err := p.query.Bind(stmt, 1, x.req, nil)
	if err != nil {
		return nil, err
	}
	stmt.BindText(next, jsonList(ids))
	return x.collect(stmt, p, who)
}

// add writes one step into the expand of a node. A step without records leaves no key.
func (n *node) add(s *expandStep, related []*node) {
	if len(related) == 0 {
		return
	}
	if len(n.expand) > 1 {
		n.expand = append(n.expand, ',')
	}
	n.expand = append(n.expand, appendKey(s.name)...)
	if !s.many {
		n.expand = related[0].appendTo(n.expand)
		return
	}
	n.expand = append(n.expand, '[')
	for i, r := range related {
		if i > 0 {
			n.expand = append(n.expand, ',')
		}
		n.expand = r.appendTo(n.expand)
	}
	n.expand = append(n.expand, ']')
}

// appendTo writes the object with its expand in its place.
func (n *node) appendTo(dst []byte) []byte {
	if n.expand == nil {
		return append(dst, n.json...)
	}
	dst = append(dst, n.json[:n.split]...)
	if n.split > 1 {
		dst = append(dst, ',')
	}
	dst = append(dst, `"expand":`...)
	dst = append(dst, n.expand...)
	if rest := n.json[n.split:]; n.split == 1 && len(rest) > 1 {
		dst = append(dst, ',')
	}
	return append(dst, n.json[n.split:]...)
}

func appendNodes(dst []byte, nodes []*node) []byte {
	for i, n := range nodes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = n.appendTo(dst)
	}
	return dst
}

// jsonList writes ids as a JSON list, the form in which a statement takes any number of them.
func jsonList(ids []string) string {
	b, err := json.Marshal(ids)
	if err != nil {
		return "[]" // texts always encode
	}
	return string(b)
}
