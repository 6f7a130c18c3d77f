package expand

import "github.com/troupebase/troupe/storage/schema"

// repeats tells whether the steps of an expand lead to some collection more than once.
func repeats(steps []*Step, met map[string]bool) bool {
	for _, s := range steps {
		if met[s.target.ID] {
			return true
		}
		met[s.target.ID] = true
		if repeats(s.children, met) {
			return true
		}
	}
	return false
}

// reuse returns nodes for those of the wanted records that another step has read, and the ids of the others. What may be seen of
// a record is the same wherever an answer has it, so it is read, judged and encoded once.
func (x *Answer) reuse(q *Query, wanted []string) (known []*Node, unknown []string) {
	if x.seen == nil {
		return nil, wanted
	}
	m := x.memory()
	for _, id := range wanted {
		n, met := x.seen[recordKey{q.Collection.ID, id}]
		switch {
		case !met || n != nil && !n.carries(q):
			unknown = append(unknown, id)
		case n != nil:
			again := &m.nodes.take(1)[0]
			again.c, again.id, again.json, again.split, again.related = n.c, n.id, n.json, n.split, n.related
			known = append(known, again)
		}
	}
	return known, unknown
}

// carries tells whether n can stand for what is asked for. A record that user code has yet to see is shown to it at each place.
func (n *Node) carries(q *Query) bool {
	if n.late != nil {
		return false
	}
	for _, f := range q.Relations {
		has := false
		for i := range n.related {
			has = has || n.related[i].Field == f.Name
		}
		if !has {
			return false
		}
	}
	return true
}

// remember keeps what a step has found for later ones; those of the wanted that were not found are not looked for again.
func (x *Answer) remember(c *schema.Collection, wanted []string, found []*Node) {
	if x.seen == nil {
		return
	}
	for _, id := range wanted {
		x.seen[recordKey{c.ID, id}] = nil
	}
	for _, n := range found {
		x.seen[n.key()] = n
	}
}
