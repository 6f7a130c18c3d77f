package records

import (
	"context"
	"errors"
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
)

// answer is one answer on its way, with its expand: it implements expand.Source.
type answer struct {
	expand.Answer
	s      *Store
	cat    *schema.Catalogue
	p      Preparer
	caller *Caller
	below  *Caller // the caller, with the context that rules see while records are expanded; set with the first of them
	plain  bool    // user code is left out
	// late is what has to be finished after the read, nil when user code has nothing to see.
	late *AnswerDraft
	// grows is asked about the bytes of the rows that collect reads, nil for nobody.
	grows func(bytes int) error
}

// answering begins an answer to caller. all tells that everything is expanded, hidden that hidden relations are followed.
func (s *Store) answering(ctx context.Context, cat *schema.Catalogue, p Preparer, caller *Caller, all, hidden bool) *answer {
	x := &answer{s: s, cat: cat, p: p, caller: caller}
	x.Begin(ctx, expand.Options{Catalogue: cat, Source: x, Superuser: caller.Superuser, Hidden: hidden, All: all, Share: s.opts.Rows})
	return x
}

// collect steps through a statement and keeps its records as nodes. Those of full rows wait to be shown to caller. keep, where
// it is not nil, tells by what a record names whether there is a place for it.
func (x *answer) collect(stmt *zsqlite.Stmt, p *plan, who *audience, caller *Caller, keep func([]expand.Related) bool) ([]*expand.Node, error) {
	rows := x.Rows()
	c := p.encoder.c
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, failure(err)
		}
		if !more {
			return rows.Nodes(), nil
		}
		if err := rows.Next(); err != nil {
			return nil, errors.Join(err, stmt.Reset())
		}
		related, err := relatedIDs(&rows, stmt, p)
		if err != nil {
			return nil, err
		}
		if keep != nil && !keep(related) {
			continue
		}
		id := stmt.ColumnText(idColumn)
		if p.encoder.full {
			r, err := scan(c, stmt, fullColumn)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			late := x.wait(r, p.encoder, who, caller)
			late.guess = bytesOfRow(stmt) + bytesOfKey*len(c.Fields)
			rows.AddLate(c, id, related, late, late.guess)
		} else {
			text, split, err := p.encoder.row(rows.Buffer(), stmt, who)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			rows.Add(c, id, related, text, split)
		}
		if x.grows != nil {
			if err := x.grows(rows.Size()); err != nil {
				return nil, errors.Join(err, stmt.Reset())
			}
		}
	}
}

// bytesOfKey is about what the key of a field and the signs around it take.
const bytesOfKey = 16

// bytesOfRow is how many bytes the current row has.
func bytesOfRow(stmt *zsqlite.Stmt) int {
	n := 0
	for i := range stmt.ColumnCount() {
		n += stmt.ColumnLen(i)
	}
	return n
}

// relatedIDs are what the relation columns of the current row hold.
func relatedIDs(rows *expand.Rows, stmt *zsqlite.Stmt, p *plan) ([]expand.Related, error) {
	list := rows.Related(len(p.relations))
	for i, rel := range p.relations {
		list[i].Field = rel.field.Name
		if rel.field.Multiple() {
			v, err := rel.field.Scan(stmt, rel.column)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrQuery, err)
			}
			list[i].IDs = idsOf(v)
		} else if id := rel.field.One(stmt, rel.column); id != "" {
			list[i].IDs = rows.One(id)
		}
	}
	return list, nil
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

// Related implements expand.Source: it reads under the view rule.
func (x *answer) Related(q expand.Query) ([]*expand.Node, error) {
	a := &ask{kind: askByID, c: q.Collection, relations: q.Relations, via: q.Via, hidden: x.caller.Superuser, full: x.enriches(q.Collection)}
	if q.Via != nil {
		a.kind = askByBack
	}
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
	x.descend()
	p, err := x.s.plan(x.cat, a, x.below.Request)
	if err != nil {
		return nil, nil
	}
	nodes, err := x.related(q, a, p)
	if q.Optional && errors.Is(err, ErrQuery) && zsqlite.ErrCode(err) == zsqlite.ResultError {
		return nil, nil
	}
	return nodes, err
}

// descend sets x.below.
func (x *answer) descend() {
	if x.below != nil {
		return
	}
	below := &struct {
		Caller
		req filter.Request
	}{Caller{Superuser: x.caller.Superuser}, *x.caller.Request}
	below.req.Context = "expand"
	below.Request = &below.req
	x.below = &below.Caller
}

func (x *answer) related(q expand.Query, a *ask, p *plan) ([]*expand.Node, error) {
	who := newAudience(x.caller, a.c)
	if p.encoder.conditional && needsManage(a.c, x.caller) {
		var err error
		if who.managed, err = x.managed(a, p, q.IDs); err != nil {
			return nil, err
		}
	}
	stmt, err := x.bound(p, q.IDs)
	if err != nil {
		return nil, err
	}
	return x.collect(stmt, p, who, x.below, q.Limit())
}

// managed returns the ids of those records of a query that the caller manages. ids are what is asked for: of a back
// relation they are not the records' own, so the query is made once for these.
func (x *answer) managed(a *ask, p *plan, ids []string) (map[string]bool, error) {
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
func (x *answer) bound(p *plan, ids []string) (*zsqlite.Stmt, error) {
	stmt, err := p.prepare(x.p)
	if err != nil {
		return nil, failure(err)
	}
	return stmt, p.bindIDs(stmt, x.below.Request, ids)
}
