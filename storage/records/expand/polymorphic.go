package expand

import (
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
)

// maxPolymorphicSteps is how many steps the polymorphic relations in an expand may fan out to: each may be a query, and
// those of a path multiply. What is beyond is left out, the deepest first.
const maxPolymorphicSteps = 1000

// targets resolves the name of a step that may be a polymorphic relation of c: "field", which leads to all its
// collections, or "field@collection", which leads to one.
func (x *Answer) targets(c *schema.Collection, name string) (f *schema.RelationField, targets []*schema.Collection) {
	name, only, restricted := strings.Cut(name, "@")
	f, ok := c.Field(name).(*schema.RelationField)
	if !ok || !f.Polymorphic() || !x.follows(f) {
		return nil, nil
	}
	if restricted {
		target := x.o.Catalogue.Find(only)
		if target == nil || !slices.Contains(f.CollectionIDs, target.ID) {
			return f, nil
		}
		return f, []*schema.Collection{target}
	}
	for _, id := range f.CollectionIDs {
		if target := x.o.Catalogue.ByID(id); target != nil {
			targets = append(targets, target)
		}
	}
	return f, targets
}

// branchOut resolves a path that begins with a polymorphic relation: a step for each collection that the caller may
// view. Where the path goes on below some of them only, the records of the others appear without it.
func (x *Answer) branchOut(f *schema.RelationField, targets []*schema.Collection, rest []string) []*Step {
	var steps []*Step
	for _, target := range targets {
		if x.mayView(target) && x.fanned < maxPolymorphicSteps {
			x.fanned++
			steps = append(steps, &Step{name: f.Name, field: f, target: target, many: f.Multiple()})
		}
	}
	if len(rest) == 0 {
		return steps
	}
	further := false
	for _, s := range steps {
		s.children = x.follow(s.target, rest)
		further = further || s.children != nil
	}
	if !further {
		return nil
	}
	return steps
}

// fillPolymorphic expands a polymorphic relation of nodes. steps are the first of those that are left, one for each
// collection; it returns how many these are.
func (x *Answer) fillPolymorphic(nodes []*Node, steps []*Step) (int, error) {
	field, count := steps[0].field, 1
	for count < len(steps) && steps[count].name == field.Name {
		count++
	}
	steps = steps[:count]
	found := make(map[recordKey]*Node)
	records := make([][]*Node, count)
	for i, s := range steps {
		var err error
		records[i], err = x.read(Query{Collection: s.target, Relations: x.Relations(s.target, s.children), IDs: named(nodes, s)})
		if err != nil {
			return 0, err
		}
		for _, n := range records[i] {
			found[n.key()] = n
		}
	}
	for _, n := range nodes {
		list := namedBy(n, field, found)
		if err := x.add(n, field.Name, field.Multiple(), list); err != nil {
			return 0, err
		}
		if len(list) == 0 {
			// A path to one collection keeps the others out, also where everything is expanded.
			n.forget(field.Name)
		}
	}
	for i, s := range steps {
		if err := x.fill(records[i], s.target, s.children); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// namedBy lists those of the found records that a field of n names, in its order.
func namedBy(n *Node, field *schema.RelationField, found map[recordKey]*Node) []*Node {
	var list []*Node
	for _, value := range n.ids(field.Name) {
		if collectionID, id, ok := field.Target(value); ok {
			if r := found[recordKey{collectionID, id}]; r != nil {
				list = append(list, r)
			}
		}
	}
	return list
}

// named lists the records of a step's collection that nodes name, each once.
func named(nodes []*Node, s *Step) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, n := range nodes {
		for _, value := range n.ids(s.field.Name) {
			collectionID, id, ok := s.field.Target(value)
			if ok && collectionID == s.target.ID && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// forget takes away what a relation field holds, so that it is not expanded.
func (n *Node) forget(field string) {
	for i := range n.related {
		if n.related[i].Field == field {
			n.related[i].IDs = nil
		}
	}
}
