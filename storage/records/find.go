package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// MaxFound is how many records a search may give: about a hundred megabytes of usual ones.
const MaxFound = 100_000

// ErrTooMany says that a search without a smaller limit found more than [MaxFound] records.
var ErrTooMany = errors.New("too many records")

// FindInput is what a program searches for.
type FindInput struct {
	CollectionID string
	// Filter may hold parameters, written {:name}; Params has their values (see [filter.NewParams]).
	Filter string
	Params map[string]any
	Sort   string
	// Limit is how many records are wanted, zero or less for all: then more than MaxFound are an error.
	Limit, Offset int
	// Caller is on whose behalf the search runs: the list rule is asked, and the filter may use what a client may. Nil means
	// the program itself, for which there are no rules.
	Caller *Caller
	// Extension tells that an extension wrote filter and sort: secrets and the request cannot be asked for, on nobody's behalf.
	Extension bool
	// Permits limits what filter and sort may lead to: it is asked for each collection that they read, by its name, and those it
	// refuses are [ErrForbidden]. Nil permits all.
	Permits func(collection string) bool
}

// FindAll returns the records that a search finds, with all their fields. p is the connection it runs on, the Writer's
// transaction for instance; nil means a Reader of its own. It fails with [ErrNoCollection], [ErrForbidden], [ErrTooMany],
// [ErrQuery] (also when a parameter has no value), filter.ErrCollectionFilter, filter.ErrRequestFilter, or the errors of
// sqlite.DB.Read.
func (s *Store) FindAll(ctx context.Context, p Preparer, in *FindInput) (list []*Record, err error) {
	err = s.on(ctx, p, func(p Preparer) error {
		list, err = s.findAll(p, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Count returns how many records [Store.FindAll] would find without limit and offset; in.Sort has no meaning. Where p is nil the
// number is remembered like the totals of lists, as long as nothing moves that it rests on.
func (s *Store) Count(ctx context.Context, p Preparer, in *FindInput) (n int, err error) {
	unsorted := *in
	unsorted.Sort = ""
	err = s.on(ctx, p, func(on Preparer) error {
		q, err := s.find(on, &unsorted)
		if err != nil {
			return err
		}
		n, err = q.total(ctx, p == nil)
		return err
	})
	return n, err
}

// FindByID returns the record with that id. p is as for [Store.FindAll]. A caller must be let by the view rule; nil asks no
// rule. It fails like [Store.View].
func (s *Store) FindByID(ctx context.Context, p Preparer, collectionID, id string, caller *Caller) (r *Record, err error) {
	err = s.on(ctx, p, func(p Preparer) error {
		r, err = s.findByID(p, collectionID, id, caller)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// on runs fn on p or, where that is nil, on a Reader.
func (s *Store) on(ctx context.Context, p Preparer, fn func(p Preparer) error) error {
	if p != nil {
		return fn(p)
	}
	return s.db.Read(ctx, func(r *sqlite.Reader) error { return fn(r) })
}

// program is the caller where there is none.
func program() *Caller {
	return &Caller{Request: &filter.Request{Context: "default", Method: "GET", Now: time.Now()}, Superuser: true}
}

// find compiles a search of a program.
func (s *Store) find(on Preparer, in *FindInput) (*search, error) {
	q := &search{s: s, cat: s.catalogue(), on: on}
	caller := in.Caller
	if caller == nil {
		caller = program()
	}
	if err := q.begin(askList, in.CollectionID, listRule, caller); err != nil {
		return nil, err
	}
	q.ask.full = true
	if in.Extension && q.caller.Superuser {
		q.ask.trust = filter.Extension
	}
	parse := s.parseNamed
	if !q.caller.Superuser {
		parse = s.parseClientNamed
	}
	if err := q.narrow(in.Filter, in.Sort, parse); err != nil {
		return nil, err
	}
	if err := q.fill(in.Params); err != nil {
		return nil, err
	}
	if err := q.compile(); err != nil {
		return nil, err
	}
	if in.Permits != nil {
		for _, name := range q.plan.query.Tables {
			if !in.Permits(name) {
				return nil, fmt.Errorf("%w: the filter or sort reads %s", ErrForbidden, name)
			}
		}
	}
	return q, nil
}

// parseNamed reads a filter with parameters.
func (s *Store) parseNamed(text string) (*filter.Expr, error) {
	if text == "" {
		return nil, nil
	}
	e, err := s.parsed.ParseNamed(text)
	if err != nil {
		return nil, fmt.Errorf("%w: filter: %w", ErrQuery, err)
	}
	return e, nil
}

// parseClientNamed is parseNamed for a filter that is asked for on a client's behalf.
func (s *Store) parseClientNamed(text string) (*filter.Expr, error) {
	if len(text) > filter.MaxClientFilter {
		return nil, fmt.Errorf("%w: filter is too long", ErrQuery)
	}
	return s.parseNamed(text)
}

// fill gives the parameters of the filter their values.
func (q *search) fill(values map[string]any) (err error) {
	req := *q.req
	if req.Params, err = filter.NewParams(values); err != nil {
		return fmt.Errorf("%w: %w", ErrQuery, err)
	}
	q.req = &req
	if q.ask.filter == nil {
		return nil
	}
	for _, name := range q.ask.filter.Named() {
		if _, ok := req.Params[name]; !ok {
			return fmt.Errorf("%w: parameter %q has no value", ErrQuery, name)
		}
	}
	return nil
}

func (s *Store) findAll(on Preparer, in *FindInput) ([]*Record, error) {
	q, err := s.find(on, in)
	if err != nil {
		return nil, err
	}
	limit := in.Limit
	if limit <= 0 || limit > MaxFound {
		limit = MaxFound + 1
	}
	stmt, err := q.page(int64(limit), int64(max(in.Offset, 0)))
	if err != nil {
		return nil, err
	}
	list, err := scanFull(q.c, stmt)
	if err == nil && len(list) > MaxFound {
		err = ErrTooMany
	}
	return list, err
}

func (s *Store) findByID(on Preparer, collectionID, id string, caller *Caller) (*Record, error) {
	if caller == nil {
		caller = program()
	}
	q := &search{s: s, cat: s.catalogue(), on: on}
	if err := q.begin(askOne, collectionID, viewRule, caller); err != nil {
		return nil, refused(err, ErrNotFound)
	}
	q.ask.full = true
	if err := q.compile(); err != nil {
		return nil, refused(err, ErrNotFound)
	}
	stmt, err := q.one(id)
	if err != nil {
		return nil, refused(err, ErrNotFound)
	}
	list, err := scanFull(q.c, stmt)
	if err != nil {
		return nil, refused(err, ErrNotFound)
	}
	if len(list) == 0 {
		return nil, ErrNotFound
	}
	return list[0], nil
}

// scanFull reads all rows of a statement that selects full rows.
func scanFull(c *schema.Collection, stmt *zsqlite.Stmt) ([]*Record, error) {
	var list []*Record
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, failure(err)
		}
		if !more {
			return list, nil
		}
		r, err := scan(c, stmt, fullColumn)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrQuery, err), stmt.Reset())
		}
		list = append(list, r)
	}
}
