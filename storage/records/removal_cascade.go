package records

import (
	"fmt"
	"slices"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

const (
	// maxRemoval is how many records one deletion may delete or change: some 150 bytes each are kept while it lasts.
	maxRemoval = 500_000
	// maxRemovalEdges bounds the references between them, for lists.
	maxRemovalEdges = 4 * maxRemoval
	// scanFrom is from how many ids on a table is read from end to end, even if an index finds the records of each.
	scanFrom = 1000
)

// cascade is what a deletion does, worked out on one snapshot: which records will be gone and which are changed because they
// lose a reference. Like the plain deletion it goes from the records to those that refer to them, one look for each referencing
// field of a level.
type cascade struct {
	cat     *schema.Catalogue
	p       Preparer
	nodes   []removalNode
	index   map[string]map[string]int32 // nodes by collection and record id
	edges   []removalEdge
	tables  map[string]bool // that were read
	pending []*schema.Collection
}

// removalNode is one record of a cascade.
type removalNode struct {
	c     *schema.Collection
	id    string
	gone  bool // rather than changed
	fresh bool // who refers to it was not looked for yet
}

// removalEdge says that one record refers to another.
type removalEdge struct{ from, to int32 }

func newCascade(cat *schema.Catalogue, p Preparer) *cascade {
	return &cascade{cat: cat, p: p, index: make(map[string]map[string]int32), tables: make(map[string]bool)}
}

// add takes a record in, or finds it.
func (cs *cascade) add(c *schema.Collection, id string) (int32, error) {
	ids := cs.index[c.ID]
	if ids == nil {
		ids = make(map[string]int32)
		cs.index[c.ID] = ids
	}
	if n, ok := ids[id]; ok {
		return n, nil
	}
	if len(cs.nodes) == maxRemoval {
		return 0, fmt.Errorf("%w: more than %d", ErrTooBig, maxRemoval)
	}
	n := int32(len(cs.nodes))
	ids[id] = n
	cs.nodes = append(cs.nodes, removalNode{c: c, id: id})
	return n, nil
}

// deletes notes that a record will be gone.
func (cs *cascade) deletes(n int32) {
	node := &cs.nodes[n]
	if node.gone {
		return
	}
	node.gone, node.fresh = true, true
	if !slices.Contains(cs.pending, node.c) {
		cs.pending = append(cs.pending, node.c)
	}
}

// gone tells whether a record will be gone.
func (cs *cascade) gone(collectionID, id string) (int32, bool) {
	n, ok := cs.index[collectionID][id]
	return n, ok && cs.nodes[n].gone
}

// close takes in everything that refers to what will be gone. It fails with [ErrReferenced] or [ErrTooBig].
func (cs *cascade) close() error {
	for len(cs.pending) > 0 {
		c := cs.pending[0]
		cs.pending = cs.pending[1:]
		cs.tables[c.Name] = true
		fresh := make(map[string]bool)
		for id, n := range cs.index[c.ID] {
			if cs.nodes[n].fresh {
				cs.nodes[n].fresh = false
				fresh[id] = true
			}
		}
		for _, ref := range referencesTo(cs.cat, c) {
			if err := cs.follow(c, ref, fresh); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow takes in the records whose relation field holds one of the ids of target.
func (cs *cascade) follow(target *schema.Collection, ref schema.Reference, ids map[string]bool) error {
	c, field := ref.Collection, ref.Field
	cs.tables[c.Name] = true
	stmt, err := cs.referring(ref, ids)
	if err != nil {
		return err
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			return fmt.Errorf("look for references in %s: %w", c.Name, err)
		}
		if !more {
			return nil
		}
		v, err := field.Scan(stmt, 1)
		if err != nil {
			return fmt.Errorf("read %s of a record of %s: %w", field.Name, c.Name, err)
		}
		values := idsOf(v)
		if !slices.ContainsFunc(values, func(id string) bool { return ids[id] }) {
			continue
		}
		if err := cs.take(target, ref, stmt.ColumnText(0), values); err != nil {
			return err
		}
	}
}

// referring selects id and relation field of the records that may hold one of ids.
func (cs *cascade) referring(ref schema.Reference, ids map[string]bool) (*zsqlite.Stmt, error) {
	table, column := sqlite.QuoteName(ref.Collection.Name), sqlite.QuoteName(ref.Field.Name)
	sql := "SELECT `id`, " + column + " FROM " + table
	if len(ids) > scanFrom || !indexed(ref) {
		stmt, err := cs.p.Prepare(sql + " WHERE " + column + " NOT IN ('', '[]')")
		if err != nil {
			return nil, fmt.Errorf("look for references in %s: %w", ref.Collection.Name, err)
		}
		return stmt, nil
	}
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	stmt, err := cs.p.Prepare(sql + " WHERE " + viaCondition(ref.Collection, ref.Field))
	if err != nil {
		return nil, fmt.Errorf("look for references in %s: %w", ref.Collection.Name, err)
	}
	stmt.BindText(1, jsonList(list))
	return stmt, nil
}

// take decides what becomes of a record that refers to some that will be gone: one that loses its last reference goes along, or
// refuses the deletion, or stays with nothing.
func (cs *cascade) take(target *schema.Collection, ref schema.Reference, id string, values []string) error {
	n, err := cs.add(ref.Collection, id)
	if err != nil {
		return err
	}
	left := 0
	for _, value := range values {
		to, gone := cs.gone(target.ID, value)
		if !gone {
			left++
			continue
		}
		if to != n {
			cs.edges = append(cs.edges, removalEdge{n, to})
		}
	}
	if len(cs.edges) > maxRemovalEdges {
		return fmt.Errorf("%w: more than %d references", ErrTooBig, maxRemovalEdges)
	}
	switch {
	case left > 0 || cs.nodes[n].gone:
	case ref.Field.CascadeDelete:
		cs.deletes(n)
	case ref.Field.Required:
		return ErrReferenced
	}
	return nil
}

// order returns the records that will be gone, each after those that refer to it, records of one collection beside one another as
// far as that goes. Where records refer to one another in a circle, those that were found last come first.
func (cs *cascade) order() []int32 {
	waiting := make([]int32, len(cs.nodes)) // how many that refer to a record are still there
	refers := make([][]int32, len(cs.nodes))
	for _, e := range cs.edges {
		if cs.nodes[e.from].gone && cs.nodes[e.to].gone {
			waiting[e.to]++
			refers[e.from] = append(refers[e.from], e.to)
		}
	}
	order := make([]int32, 0, len(cs.nodes))
	listed := make([]bool, len(cs.nodes))
	list := func(level []int32) {
		for len(level) > 0 {
			slices.SortStableFunc(level, func(a, b int32) int { return strings.Compare(cs.nodes[a].c.ID, cs.nodes[b].c.ID) })
			order = append(order, level...)
			var next []int32
			for _, n := range level {
				listed[n] = true
				for _, to := range refers[n] {
					if waiting[to]--; waiting[to] == 0 && !listed[to] {
						next = append(next, to)
					}
				}
			}
			level = next
		}
	}
	var leaves []int32
	for n := range cs.nodes {
		if cs.nodes[n].gone && waiting[n] == 0 {
			leaves = append(leaves, int32(n))
		}
	}
	list(leaves)
	for n := len(cs.nodes) - 1; n >= 0; n-- {
		if cs.nodes[n].gone && !listed[n] {
			list([]int32{int32(n)})
		}
	}
	return order
}

// members are the records of the cascade as other units see them.
func (cs *cascade) members() map[string]map[string]bool {
	members := make(map[string]map[string]bool, len(cs.index))
	for c, ids := range cs.index {
		of := make(map[string]bool, len(ids))
		for id, n := range ids {
			of[id] = cs.nodes[n].gone
		}
		members[c] = of
	}
	return members
}

// within tells whether all records of the cascade belong to g already, those that will be gone as such.
func (cs *cascade) within(g *runningDeletion) bool {
	for i := range cs.nodes {
		n := &cs.nodes[i]
		gone, member := g.has(n.c.ID, n.id)
		if !member || n.gone && !gone {
			return false
		}
	}
	return true
}

// versions notes the versions of all tables; what another process writes moves the one of the table without a name.
func (s *Store) versions(cat *schema.Catalogue) sqlite.Versions {
	names := []string{""}
	for _, c := range cat.Collections {
		if !c.IsView() {
			names = append(names, c.Name)
		}
	}
	return s.db.Note(names)
}
