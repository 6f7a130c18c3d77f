package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// AnswerInput is how a record that is already in memory is shown.
type AnswerInput struct {
	Caller Caller
	Expand string
	// OwnEmail shows the email whatever emailVisibility says: the answers to those who just signed in.
	OwnEmail bool
	// NoHidden hides hidden fields from superusers too.
	NoHidden bool
}

// Answer appends a record as a JSON object to dst: the answer to a write or a sign-in. The database is asked only when
// something is to be expanded or a manage rule decides. With [Options.ExpandAll] relations are expanded like those of
// [Store.View].
func (s *Store) Answer(ctx context.Context, dst []byte, r *Record, in *AnswerInput) ([]byte, error) {
	all := s.opts.ExpandAll
	if in.Expand == "" && !(all && hasRelations(r.Collection)) && !needsManage(r.Collection, &in.Caller) {
		return s.answer(s.catalogue(), nil, dst, r, in, false)
	}
	start := len(dst)
	err := s.db.Read(ctx, func(reader *sqlite.Reader) error {
		var err error
		dst, err = s.answer(s.catalogue(), reader, dst[:start], r, in, all)
		return err
	})
	return dst, err
}

// AnswerOn is [Store.Answer] on a Reader that the caller holds, with the catalogue that goes with its snapshot. It expands
// nothing but what in.Expand asks for: it is for messages, and [Options.ExpandAll] is for answers.
func (s *Store) AnswerOn(cat *schema.Catalogue, reader *sqlite.Reader, dst []byte, r *Record, in *AnswerInput) ([]byte, error) {
	return s.answer(cat, reader, dst, r, in, false)
}

func (s *Store) answer(cat *schema.Catalogue, reader *sqlite.Reader, dst []byte, r *Record, in *AnswerInput, all bool) ([]byte, error) {
	e := s.encoderFor(cat, r.Collection, in.Caller.Superuser && !in.NoHidden)
	who := newAudience(&in.Caller, r.Collection)
	who.all = who.all || in.OwnEmail
	if reader != nil && e.conditional && !who.all && needsManage(r.Collection, &in.Caller) {
		var err error
		if who.managed, err = s.managed(cat, reader, r.Collection, []string{r.ID()}, in.Caller.Request); err != nil {
			return dst, err
		}
	}
	if in.Expand == "" && !all || reader == nil {
		dst, _ = e.record(dst, r, who)
		return dst, nil
	}
	x := newExpander(s, cat, reader, &in.Caller)
	x.all, x.hidden = all, x.hidden && !in.NoHidden
	steps := x.steps(r.Collection, in.Expand)
	n := &node{c: r.Collection, id: r.ID()}
	n.json, n.split = e.record(nil, r, who)
	for _, f := range x.relations(r.Collection, steps) {
		n.related = append(n.related, related{f.Name, idsOf(r.Get(f.Name))})
	}
	if err := x.expand([]*node{n}, r.Collection, steps); err != nil {
		return dst, err
	}
	return n.appendTo(dst), nil
}

func hasRelations(c *schema.Collection) bool {
	for _, f := range c.Fields {
		if _, ok := f.(*schema.RelationField); ok {
			return true
		}
	}
	return false
}

// encoderFor returns the cached encoder of a collection in the current catalogue; for a definition of another moment
// it makes one.
func (s *Store) encoderFor(cat *schema.Catalogue, c *schema.Collection, hidden bool) *encoder {
	if cat.ByID(c.ID) == c {
		return s.compiled(cat).encoder(c, hidden)
	}
	return newEncoder(c, hidden)
}

// Load returns the record with that id of a collection without asking any rule. It fails with [ErrNoCollection] or
// [ErrNotFound].
func (s *Store) Load(ctx context.Context, collectionID, id string) (*Record, error) {
	return s.LoadBy(ctx, collectionID, "id", id)
}

// LoadBy is [Store.Load] by the value of another text field, which should have an index.
func (s *Store) LoadBy(ctx context.Context, collectionID, field, value string) (*Record, error) {
	var found *Record
	err := s.db.Read(ctx, func(r *sqlite.Reader) error {
		c := s.catalogue().ByID(collectionID)
		if c == nil || c.FieldIndex(field) < 0 {
			return ErrNoCollection
		}
		var err error
		found, err = findWhere(r, c, field, value)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoCollection) {
		err = fmt.Errorf("load record: %w", err)
	}
	return found, err
}
