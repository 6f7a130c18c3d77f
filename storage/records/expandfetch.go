package records

import (
	"slices"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

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
	if err := x.left.look(); err != nil {
		return nil, err
	}
	stmt, err := x.bound(p, ids)
	if err != nil {
		return nil, err
	}
	return x.collect(stmt, p, who, x.below, roomFor(a))
}

// roomFor tells of the rows of a back relation whether any of the records that they name has still a place for one.
func roomFor(a *ask) func([]related) bool {
	if a.kind != askByBack {
		return nil
	}
	at := slices.Index(a.relations, a.via)
	taken := make(map[string]int)
	return func(list []related) bool {
		room := false
		for _, id := range list[at].ids {
			taken[id]++
			room = room || taken[id] <= maxBackRelated
		}
		return room
	}
}

// managed returns the ids of those records of a fetch that the caller manages. ids are what is asked for: of a back
// relation they are not the records' own, so the fetch is made once for these.
func (x *expander) managed(a *ask, p *plan, ids []string) (map[string]bool, error) {
	if a.kind == askByBack {
		stmt, err := x.bound(p, ids)
		if err != nil {
			return nil, err
		}
		if ids, err = readIDs(stmt); err != nil {
			return nil, err
		}
	}
	return x.s.managed(x.cat, x.p, a.c, ids, x.below.Request)
}

// bound prepares and binds the statement of a plan that asks by a list of ids.
func (x *expander) bound(p *plan, ids []string) (*zsqlite.Stmt, error) {
	stmt, err := p.prepare(x.p)
	if err != nil {
		return nil, failure(err)
	}
	return stmt, p.bindIDs(stmt, x.below.Request, ids)
}

// jsonList writes ids as a JSON list, the form in which a statement takes any number of them.
func jsonList(ids []string) string {
	list := make([]byte, 0, 20*len(ids)+2) // ids are usually 15 characters
	list = append(list, '[')
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = schema.AppendJSONString(list, id)
	}
	return string(append(list, ']'))
}

// readIDs steps a statement to its end and returns the ids of its rows.
func readIDs(stmt *zsqlite.Stmt) (ids []string, err error) {
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, failure(err)
		}
		if !more {
			return ids, nil
		}
		ids = append(ids, stmt.ColumnText(idColumn))
	}
}
