package records

// repeats tells whether the steps of an expand lead to some collection more than once.
func repeats(steps []*expandStep, met map[string]bool) bool {
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
func (x *expander) reuse(a *ask, wanted []string) (known []*node, unknown []string) {
	if x.seen == nil {
		return nil, wanted
	}
	m := x.memory()
	for _, id := range wanted {
		n, met := x.seen[recordKey{a.c.ID, id}]
		switch {
		case !met || n != nil && !n.carries(a):
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
func (n *node) carries(a *ask) bool {
	if n.pending != nil {
		return false
	}
	for _, f := range a.relations {
		has := false
		for i := range n.related {
			has = has || n.related[i].field == f.Name
		}
		if !has {
			return false
		}
	}
	return true
}

// remember keeps what a step has found for later ones; those of the wanted that were not found are not looked for again.
func (x *expander) remember(a *ask, wanted []string, found []*node) {
	if x.seen == nil {
		return
	}
	for _, id := range wanted {
		x.seen[recordKey{a.c.ID, id}] = nil
	}
	for _, n := range found {
		x.seen[n.key()] = n
	}
}
