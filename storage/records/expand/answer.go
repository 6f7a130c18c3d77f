package expand

import (
	"context"
	"fmt"
	"slices"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/schema"
)

// MaxBackRelated is how many back-related records an answer holds per record and step.
const MaxBackRelated = 1000

// Options say how an answer is expanded.
type Options struct {
	Catalogue *schema.Catalogue
	Source    Source
	// Superuser tells that the caller views collections whose view rule is null.
	Superuser bool
	// Hidden tells that hidden relation fields are followed, too.
	Hidden bool
	// All expands every relation, asked for or not.
	All bool
	// Share is charged for large expands; nil has no limits.
	Share *budget.Share
}

// Answer adds related records to an answer, level by level: one read for all records of a level and step. It is made with
// [Answer.Begin], used by one goroutine, for one answer.
type Answer struct {
	o      Options
	fanned int     // how many steps the polymorphic relations of explicit paths led to
	mem    *memory // see memory
	left   limits
	seen   map[recordKey]*Node // see reuse; nil when no collection is met twice
}

// Begin begins an answer. What it takes of o.Share is given back by [Answer.Release].
func (x *Answer) Begin(ctx context.Context, o Options) {
	x.o, x.left = o, newLimits(ctx, o.Share)
}

// Release gives back what the answer has taken of the share, once it is made.
func (x *Answer) Release() { x.left.release() }

// memory is where the answer is made: what [Pool.Lend] has put into x.mem, or some of its own.
func (x *Answer) memory() *memory {
	if x.mem == nil {
		x.mem = &memory{}
	}
	return x.mem
}

// Expand adds to nodes, the answered records of c, what steps say and, where everything is expanded, the rest. nodes
// carry the ids of [Answer.Relations]. It fails with a *[LimitError], a *budget.FullError, sqlite.ErrInterrupted, or the errors of the source.
func (x *Answer) Expand(nodes []*Node, c *schema.Collection, steps []*Step) error {
	x.left.start()
	for _, n := range nodes {
		n.times = 1
	}
	if err := x.fill(nodes, c, steps); err != nil || !x.o.All {
		return err
	}
	return x.expandAll(nodes)
}

// Relations are the fields whose ids are needed to expand records of c: those of the direct steps and, where
// everything is expanded, all that the caller may see.
func (x *Answer) Relations(c *schema.Collection, steps []*Step) []*schema.RelationField {
	var fields []*schema.RelationField
	for _, s := range steps {
		if !s.back && !slices.Contains(fields, s.field) {
			fields = append(fields, s.field)
		}
	}
	if !x.o.All {
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
func (x *Answer) fill(nodes []*Node, c *schema.Collection, steps []*Step) error {
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

func (x *Answer) fillStep(nodes []*Node, s *Step) error {
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

func (x *Answer) fillDirect(nodes []*Node, s *Step) ([]*Node, error) {
	m := x.memory()
	if m.byID == nil {
		m.byID = make(map[string]*Node)
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
	q := Query{Collection: s.target, Relations: x.Relations(s.target, s.children)}
	known, unknown := x.reuse(&q, m.wanted)
	q.IDs = unknown
	found, err := x.read(q)
	if err != nil {
		return nil, err
	}
	x.remember(s.target, unknown, found)
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

func (x *Answer) fillBack(nodes []*Node, s *Step) ([]*Node, error) {
	ids := make([]string, 0, len(nodes))
	for _, n := range nodes {
		ids = append(ids, n.id)
	}
	q := Query{Collection: s.target, Relations: x.Relations(s.target, s.children), Via: s.field, IDs: ids}
	if !slices.Contains(q.Relations, s.field) {
		q.Relations = append(q.Relations, s.field)
	}
	found, err := x.read(q)
	if err != nil {
		return nil, err
	}
	x.remember(s.target, nil, found)
	byTarget := make(map[string][]*Node)
	for _, n := range found {
		for _, id := range n.ids(s.field.Name) {
			if len(byTarget[id]) < MaxBackRelated {
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
func (x *Answer) add(n *Node, name string, many bool, nodes []*Node) error {
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

// read asks the source, if there is anything to ask for.
func (x *Answer) read(q Query) ([]*Node, error) {
	if len(q.IDs) == 0 {
		return nil, nil
	}
	if err := x.left.check(); err != nil {
		return nil, err
	}
	return x.o.Source.Related(q)
}
