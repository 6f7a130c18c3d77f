package records

import (
	"context"
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// search is one read under a rule: of a list, a page, a count, or a single record. It is begun, may be narrowed, and is compiled
// before it is asked for anything. One goroutine uses it.
type search struct {
	s      *Store
	cat    *schema.Catalogue
	on     Preparer
	c      *schema.Collection
	caller *Caller         // as they are in the state that is read
	req    *filter.Request // the caller's, with the values of parameters
	ask    *ask
	plan   *plan
}

// begin fails with [ErrNoCollection] or [ErrForbidden], and with [ErrQuery] for a rule that cannot be read.
func (q *search) begin(kind byte, collectionID string, rule func(*schema.Collection) *string, who *Caller) error {
	if q.c = q.cat.ByID(collectionID); q.c == nil {
		return ErrNoCollection
	}
	now, err := q.s.Current(q.cat, q.on, *who)
	if err != nil {
		return err
	}
	q.caller = who
	if now != *who {
		fresh := now
		q.caller = &fresh
	}
	q.req = q.caller.Request
	q.ask, err = q.s.ask(kind, q.c, rule(q.c), q.caller)
	return err
}

func listRule(c *schema.Collection) *string { return c.ListRule }
func viewRule(c *schema.Collection) *string { return c.ViewRule }

// narrow adds a filter and a sort; parse reads the filter. What a client may not ask for is refused.
func (q *search) narrow(filterText, sort string, parse func(string) (*filter.Expr, error)) error {
	if !q.caller.Superuser {
		if err := filter.CheckClient(filterText, sort); err != nil {
			return err
		}
	}
	e, err := parse(filterText)
	if err != nil {
		return err
	}
	q.ask.filter, q.ask.sort = e, sort
	return nil
}

// parseClient reads a filter of the length that clients may send.
func (s *Store) parseClient(text string) (*filter.Expr, error) {
	if len(text) > filter.MaxClientFilter {
		return nil, fmt.Errorf("%w: filter is too long", ErrQuery)
	}
	return s.parse(text)
}

// compile makes the plan.
func (q *search) compile() (err error) {
	q.plan, err = q.s.plan(q.cat, q.ask, q.req)
	return err
}

// total is how many records the search finds. On a Reader that has no snapshot yet it is remembered; in a transaction, whose changes
// are nobody else's yet, and on a snapshot it is counted.
func (q *search) total(ctx context.Context, remembered bool) (int, error) {
	if r, ok := q.on.(*sqlite.Reader); ok && remembered {
		return q.s.total(ctx, r, q.plan, q.req)
	}
	return count(q.on, q.plan, q.req)
}

// page returns the statement of so many records from an offset on.
func (q *search) page(limit, offset int64) (*zsqlite.Stmt, error) {
	stmt, next, err := q.bound()
	if err == nil {
		stmt.BindInt64(next, limit)
		stmt.BindInt64(next+1, offset)
	}
	return stmt, err
}

// one returns the statement of the record with that id.
func (q *search) one(id string) (*zsqlite.Stmt, error) {
	stmt, next, err := q.bound()
	if err == nil {
		stmt.BindText(next, id)
	}
	return stmt, err
}

// bound returns the statement with the values of rule, filter and sort, and the parameter that comes after them.
func (q *search) bound() (stmt *zsqlite.Stmt, next int, err error) {
	if stmt, err = q.plan.prepare(q.on); err != nil {
		return nil, 0, failure(err)
	}
	next, err = q.plan.query.Bind(stmt, 1, q.req, nil)
	return stmt, next, err
}

// offset is where a page begins; one that no table can have is as good as the largest number.
func offset(page, perPage int) int64 {
	const most = 1<<63 - 1
	if int64(page-1) > most/int64(perPage) {
		return most
	}
	return int64(page-1) * int64(perPage)
}

// ask begins a read under a rule. It fails with [ErrForbidden] when the rule is null and the caller no superuser.
func (s *Store) ask(kind byte, c *schema.Collection, rule *string, caller *Caller) (*ask, error) {
	a := &ask{kind: kind, c: c, hidden: caller.Superuser, full: s.enriches(c), trust: filter.Client}
	if caller.Superuser {
		a.trust = filter.Superuser
		return a, nil
	}
	if rule == nil {
		return nil, ErrForbidden
	}
	var err error
	a.rule, err = s.parse(*rule)
	return a, err
}
