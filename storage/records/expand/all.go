package expand

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/schema"
)

// Expanding everything is bounded, because nobody asked for it: records that name one another in many ways would make
// an answer that grows with the power of its depth. What goes beyond a bound is left out like a record that the caller
// may not see.
const (
	// MaxAutoRecords is how many records are added to an answer: twenty for each of the largest page.
	MaxAutoRecords = 20 * largestPage
	// MaxAutoBytes is how many bytes of records are added, so that large records fill no memory: what a browser still
	// takes in.
	MaxAutoBytes = 32 << 20
	// MaxAutoLevels is how deep records are added. A level nests three brackets, and PHP reads 512, the fewest among
	// the languages with a widely used client.
	MaxAutoLevels = 150
)

// autoFields are the relation fields of c that are expanded without being asked for: all that the caller may see.
func (x *Answer) autoFields(c *schema.Collection) []*schema.RelationField {
	var fields []*schema.RelationField
	for _, f := range c.Fields {
		if rel, ok := f.(*schema.RelationField); ok && x.follows(rel) {
			fields = append(fields, rel)
		}
	}
	return fields
}

// Wants tells whether records of c have the key "expand".
func (x *Answer) Wants(c *schema.Collection, steps []*Step) bool {
	return len(steps) > 0 || x.o.All && len(x.autoFields(c)) > 0
}

// growth is one run of expanding everything, breadth first. A record is expanded only where it is met first.
type growth struct {
	x      *Answer
	fields map[string][]*schema.RelationField // by collection id
	met    map[recordKey]bool
	// found are the records that were looked for so far, nil for those that are not to be seen. The nodes in it stand
	// nowhere; each place gets a copy.
	found       map[recordKey]*Node
	records     int // that may still be added
	bytes       int
	placed      map[place]*Node // of the current level
	beyondLevel []*Node         // what the current level leads to
}

type recordKey struct{ collection, id string }

// place is where records of a level name another one: those that name it in the same field share its node.
type place struct{ collection, field, value string }

// expandAll expands the relations of nodes, the answered records, then those of the records found, and so on. Explicit
// expands are there already and stay.
func (x *Answer) expandAll(nodes []*Node) error {
	g := &growth{
		x:       x,
		fields:  make(map[string][]*schema.RelationField),
		met:     make(map[recordKey]bool),
		found:   make(map[recordKey]*Node),
		records: min(MaxAutoRecords, x.left.records),
		bytes:   min(MaxAutoBytes, x.left.bytes),
	}
	for _, n := range nodes {
		g.met[n.key()] = true
	}
	for depth := 0; depth < MaxAutoLevels && len(nodes) > 0; depth++ {
		err := g.read(nodes)
		if limit, full := (*LimitError)(nil), (*budget.FullError)(nil); errors.As(err, &limit) || errors.As(err, &full) {
			return nil // nobody asked for more
		}
		if err != nil {
			return fmt.Errorf("expand all: %w", err)
		}
		g.placed, g.beyondLevel = make(map[place]*Node), nil
		for _, n := range nodes {
			g.grow(n)
		}
		nodes = g.beyondLevel
	}
	return nil
}

func (n *Node) key() recordKey { return recordKey{n.c.ID, n.id} }

func (g *growth) fieldsOf(c *schema.Collection) []*schema.RelationField {
	fields, ok := g.fields[c.ID]
	if !ok {
		fields = g.x.autoFields(c)
		g.fields[c.ID] = fields
	}
	return fields
}

// read looks for the records that a level names: one query for each collection.
func (g *growth) read(level []*Node) error {
	var targets []string
	wanted := make(map[string][]string) // ids by collection id
	left := g.records
	for _, n := range level {
		for _, f := range g.fieldsOf(n.c) {
			if n.branch(f.Name) != nil {
				continue
			}
			for _, value := range n.ids(f.Name) {
				collectionID, id, ok := f.Target(value)
				key := recordKey{collectionID, id}
				if _, met := g.found[key]; met || !ok || left == 0 {
					continue
				}
				left--
				g.found[key] = nil
				if wanted[key.collection] == nil {
					targets = append(targets, key.collection)
				}
				wanted[key.collection] = append(wanted[key.collection], id)
			}
		}
	}
	for _, target := range targets {
		if err := g.readFrom(target, wanted[target]); err != nil {
			return err
		}
	}
	return nil
}

func (g *growth) readFrom(collectionID string, ids []string) error {
	c := g.x.o.Catalogue.ByID(collectionID)
	if c == nil {
		return nil
	}
	nodes, err := g.x.read(Query{Collection: c, Relations: g.fieldsOf(c), IDs: ids, Optional: true})
	if err != nil {
		return fmt.Errorf("read %s: %w", c.Name, err)
	}
	for _, n := range nodes {
		g.found[n.key()] = n
	}
	return nil
}

// grow puts the records that n names below it.
func (g *growth) grow(n *Node) {
	fields := g.fieldsOf(n.c)
	if len(fields) == 0 {
		return
	}
	n.expands = true
	for _, f := range fields {
		list := n.branch(f.Name)
		if list == nil {
			list = g.place(n, f)
			n.add(f.Name, f.Multiple(), list)
		}
		for _, child := range list {
			if !g.met[child.key()] {
				g.met[child.key()] = true
				g.beyondLevel = append(g.beyondLevel, child)
			}
		}
	}
	slices.SortFunc(n.branches, func(a, b branch) int { return strings.Compare(a.name, b.name) })
}

// place returns nodes for the records that field f of n names, as far as they are found and there is room.
func (g *growth) place(n *Node, f *schema.RelationField) []*Node {
	var list []*Node
	for _, value := range n.ids(f.Name) {
		collectionID, id, ok := f.Target(value)
		base := g.found[recordKey{collectionID, id}]
		if base == nil || !ok {
			continue
		}
		times, size := int(n.times), base.size()
		if times > g.records || times*size > g.bytes {
			continue
		}
		g.records -= times
		g.bytes -= times * size
		at := place{n.c.ID, f.Name, value}
		child := g.placed[at]
		if child == nil {
			copied := *base
			child = &copied
			g.placed[at] = child
		}
		list = append(list, child)
		if !f.Multiple() {
			break
		}
	}
	return list
}
