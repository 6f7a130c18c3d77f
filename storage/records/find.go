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

// FindOne is [Store.FindAll] for the first record; in.Limit has no meaning. It fails with [ErrNotFound], too.
func (s *Store) FindOne(ctx context.Context, p Preparer, in *FindInput) (*Record, error) {
	one := *in
	one.Limit = 1
	list, err := s.FindAll(ctx, p, &one)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, ErrNotFound
	}
	return list[0], nil
}

// Count returns how many records [Store.FindAll] would find without limit and offset; in.Sort has no meaning.
func (s *Store) Count(ctx context.Context, p Preparer, in *FindInput) (n int, err error) {
	unsorted := *in
	unsorted.Sort = ""
	err = s.on(ctx, p, func(p Preparer) error {
		plan, req, err := s.search(p, &unsorted)
		if err != nil {
			return err
		}
		n, err = count(p, plan, req)
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

// finder is on whose behalf a search runs.
func (s *Store) finder(cat *schema.Catalogue, on Preparer, caller *Caller) (*Caller, error) {
	if caller == nil {
		return program(), nil
	}
	who, err := s.Current(cat, on, *caller)
	return &who, err
}

// search compiles a search.
func (s *Store) search(on Preparer, in *FindInput) (*plan, *filter.Request, error) {
	cat := s.catalogue()
	caller, err := s.finder(cat, on, in.Caller)
	if err != nil {
		return nil, nil, err
	}
	c := cat.ByID(in.CollectionID)
	if c == nil {
		return nil, nil, ErrNoCollection
	}
	a, err := s.ask(askList, c, c.ListRule, caller)
	if err != nil {
		return nil, nil, err
	}
	a.full, a.sort = true, in.Sort
	if in.Extension && caller.Superuser {
		a.trust = filter.Extension
	}
	if !caller.Superuser {
		if err := filter.CheckClient(in.Filter, in.Sort); err != nil {
			return nil, nil, err
		}
		if len(in.Filter) > filter.MaxClientFilter {
			return nil, nil, fmt.Errorf("%w: filter is too long", ErrQuery)
		}
	}
	if in.Filter != "" {
		if a.filter, err = s.parsed.ParseNamed(in.Filter); err != nil {
			return nil, nil, fmt.Errorf("%w: filter: %w", ErrQuery, err)
		}
	}
	req := *caller.Request
	if req.Params, err = filter.NewParams(in.Params); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if a.filter != nil {
		for _, name := range a.filter.Named() {
			if _, ok := req.Params[name]; !ok {
				return nil, nil, fmt.Errorf("%w: parameter %q has no value", ErrQuery, name)
			}
		}
	}
	p, err := s.plan(cat, a, &req)
	if err != nil || in.Permits == nil {
		return p, &req, err
	}
	for _, name := range p.query.Tables {
		if !in.Permits(name) {
			return nil, nil, fmt.Errorf("%w: the filter or sort reads %s", ErrForbidden, name)
		}
	}
	return p, &req, nil
}

func (s *Store) findAll(on Preparer, in *FindInput) ([]*Record, error) {
	p, req, err := s.search(on, in)
	if err != nil {
		return nil, err
	}
	stmt, err := p.prepare(on)
	if err != nil {
		return nil, failure(err)
	}
	next, err := p.query.Bind(stmt, 1, req, nil)
	if err != nil {
		return nil, err
	}
	limit := in.Limit
	if limit <= 0 || limit > MaxFound {
		limit = MaxFound + 1
	}
	stmt.BindInt64(next, int64(limit))
	stmt.BindInt64(next+1, int64(max(in.Offset, 0)))
	list, err := scanFull(p.encoder.c, stmt)
	if err == nil && len(list) > MaxFound {
		err = ErrTooMany
	}
	return list, err
}

func (s *Store) findByID(on Preparer, collectionID, id string, caller *Caller) (*Record, error) {
	cat := s.catalogue()
	caller, err := s.finder(cat, on, caller)
	if err != nil {
		return nil, err
	}
	c := cat.ByID(collectionID)
	if c == nil {
		return nil, ErrNoCollection
	}
	a, err := s.ask(askOne, c, c.ViewRule, caller)
	if err != nil {
		return nil, refused(err, ErrNotFound)
	}
	a.full = true
	p, err := s.plan(cat, a, caller.Request)
	if err != nil {
		return nil, refused(err, ErrNotFound)
	}
	stmt, err := p.prepare(on)
	if err != nil {
		return nil, refused(failure(err), ErrNotFound)
	}
	next, err := p.query.Bind(stmt, 1, caller.Request, nil)
	if err != nil {
		return nil, err
	}
	stmt.BindText(next, id)
	list, err := scanFull(c, stmt)
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
