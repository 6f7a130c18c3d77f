package records

import (
	"context"
	"strings"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Bounds that tests fill up. No answer names them.
const (
	MaxShort      = maxShort
	MaxShortRows  = maxShortRows
	MaxBounded    = maxBounded
	MaxPieceParts = maxPieceParts
	PartSize      = partSize
	MaxCustomKeys = maxCustomKeys
	ViewSample    = viewSample
)

// ErrUnprepared is answered as an internal failure, so it has no name outside.
var ErrUnprepared = errUnprepared

// Target is what BeginRemoval takes.
type Target = target

// InPieces makes every deletion of the store one in pieces, of so many records each: those of a server are too big to build in each test.
func (s *Store) InPieces(records int) { s.sizes = pieceSizes{short: 0, part: records} }

// WithoutUserCode makes the command of a draft that no user code came to, which nothing but a race between binding and running makes.
func (d *Draft) WithoutUserCode() Command {
	switch cmd := d.cmd.(type) {
	case *Create:
		cmd.draft = nil
	case *Update:
		cmd.draft = nil
	}
	return d.Command()
}

// Plan is how a question is answered: tests read the statements and tell whether two questions share it.
type Plan struct {
	plan                *plan
	Page, Count, Growth string
}

// Kinds of questions.
const AskList, AskOne, AskByID = askList, askOne, askByID

// PlanOf returns the plan of a question, from the cache where the store has it.
func (s *Store) PlanOf(kind byte, collection, filterText, sort string, caller Caller) (Plan, error) {
	cat := s.catalogue()
	e, err := s.parse(filterText)
	if err != nil {
		return Plan{}, err
	}
	trust := filter.Client
	if caller.Superuser {
		trust = filter.Superuser
	}
	p, err := s.plan(cat, &ask{kind: kind, c: cat.Find(collection), filter: e, sort: sort, hidden: caller.Superuser, trust: trust}, caller.Request)
	if err != nil {
		return Plan{}, err
	}
	return Plan{plan: p, Page: p.sql, Count: p.count, Growth: p.growth}, nil
}

// PlansKept is how many plans are kept for the current collections.
func (s *Store) PlansKept() int {
	n, _ := s.compiled(s.catalogue()).plans.Size()
	return n
}

// TotalsKept is how many totals are remembered.
func (s *Store) TotalsKept() int {
	n, _ := s.totals.known.Size()
	return n
}

// Encoded is a record as JSON, and where its expand belongs.
type Encoded struct {
	JSON  string
	Split int
}

// EncodeBoth encodes a stored record from its row and from memory: one answer shows only one of them.
func (s *Store) EncodeBoth(ctx context.Context, r *Record, hidden bool) (row, memory Encoded, err error) {
	e := newEncoder(r.Collection, layout{hidden: hidden})
	err = s.on(ctx, nil, func(p Preparer) error {
		stmt, err := p.Prepare("SELECT " + strings.Join(e.columns, ", ") + " FROM " + sqlite.QuoteName(r.Collection.Name) + " WHERE id = ?")
		if err != nil {
			return err
		}
		stmt.BindText(1, r.ID())
		if _, err := stmt.Step(); err != nil {
			return err
		}
		out, split, err := e.row(nil, stmt, &audience{})
		row = Encoded{string(out), split}
		return err
	})
	out, split := e.record(nil, r, &audience{})
	return row, Encoded{string(out), split}, err
}
