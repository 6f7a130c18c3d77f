package records

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// AnswerInput is how a record that is already in memory is shown.
type AnswerInput struct {
	Caller Caller
	Expand string
	// OwnEmail shows the email whatever emailVisibility says: the answers to those who just signed in.
	OwnEmail bool
	// Plain leaves the [Enricher] out.
	Plain bool
}

// Answer appends a record as a JSON object to dst: the answer to a write or a sign-in. The database is asked only when
// something is to be expanded or a manage rule decides. With [Options.ExpandAll] relations are expanded like those of
// [Store.View]. An expand that goes beyond a limit is left out; who can refuse it beforehand asks [expand.Check].
func (s *Store) Answer(ctx context.Context, dst []byte, r *Record, in *AnswerInput) ([]byte, error) {
	all := s.opts.ExpandAll
	if in.Expand == "" && !(all && hasRelations(r.Collection)) && !needsManage(r.Collection, &in.Caller) {
		return s.answerOn(ctx, s.catalogue(), nil, dst, r, in, false)
	}
	start := len(dst)
	var draft *AnswerDraft
	err := s.db.Read(ctx, func(reader *sqlite.Reader) error {
		var err error
		dst, draft, err = s.answer(ctx, s.catalogue(), reader, dst[:start], r, in, all)
		return err
	})
	if err == nil && draft != nil {
		dst, err = draft.Append(ctx, dst)
	}
	return dst, err
}

// AnswerOn is [Store.Answer] on a connection that the caller holds, with the catalogue that goes with its state: in the Writer's
// open transaction it shows what that has written so far. It expands nothing but what in.Expand asks for, and user code runs before
// it returns. p may be nil where nothing is to be expanded and no manage rule decides.
func (s *Store) AnswerOn(ctx context.Context, cat *schema.Catalogue, p Preparer, dst []byte, r *Record, in *AnswerInput) ([]byte, error) {
	return s.answerOn(ctx, cat, p, dst, r, in, false)
}

func (s *Store) answerOn(ctx context.Context, cat *schema.Catalogue, p Preparer, dst []byte, r *Record, in *AnswerInput, all bool) ([]byte, error) {
	out, draft, err := s.answer(ctx, cat, p, dst, r, in, all)
	if err == nil && draft != nil {
		return draft.Append(ctx, out)
	}
	return out, err
}

// DraftAnswer does what [Store.AnswerOn] does up to where user code begins, so that the caller can give the connection back
// before that runs.
func (s *Store) DraftAnswer(cat *schema.Catalogue, p Preparer, r *Record, in *AnswerInput) (*AnswerDraft, error) {
	out, draft, err := s.answer(context.Background(), cat, p, nil, r, in, false)
	if err == nil && draft == nil {
		draft = &AnswerDraft{nodes: []*expand.Node{expand.NewNode(r.Collection, r.ID(), out, 0)}}
	}
	return draft, err
}

// answer appends the record, or leaves a draft of it when user code has to see it first.
func (s *Store) answer(ctx context.Context, cat *schema.Catalogue, p Preparer, dst []byte, r *Record, in *AnswerInput, all bool) (out []byte, d *AnswerDraft, err error) {
	full := !in.Plain && s.enriches(r.Collection)
	e := s.encoderFor(cat, r.Collection, layout{in.Caller.Superuser, full})
	who := newAudience(&in.Caller, r.Collection)
	who.all = who.all || in.OwnEmail
	if p != nil && e.conditional && !who.all && needsManage(r.Collection, &in.Caller) {
		if who.managed, err = s.managed(cat, p, r.Collection, []string{r.ID()}, in.Caller.Request); err != nil {
			return dst, nil, err
		}
	}
	expanding := p != nil && (in.Expand != "" || all)
	if !expanding && !full {
		dst, _ = e.record(dst, r, who)
		return dst, nil, nil
	}
	x := s.answering(ctx, cat, p, &in.Caller, all, in.Caller.Superuser)
	defer x.Release()
	x.plain = in.Plain
	var n *expand.Node
	var own *pending
	if full {
		own = x.wait(r.Clone(), e, who, &in.Caller)
		n = expand.NewLateNode(r.Collection, r.ID(), own)
	} else {
		json, split := e.record(nil, r, who)
		n = expand.NewNode(r.Collection, r.ID(), json, split)
	}
	if expanding {
		if err := x.expandRecord(n, own, r, in.Expand); err != nil {
			return dst, nil, err
		}
	}
	nodes := []*expand.Node{n}
	if d := x.draft(nodes); d != nil {
		return dst, d, nil
	}
	return expand.AppendNodes(dst, nodes), nil, nil
}

// expandRecord expands a record that is in memory. What was written or happened is told whatever there is to expand: where the
// expand goes beyond a limit it is left out as a whole. own is what waits for user code of the record itself.
func (x *answer) expandRecord(n *expand.Node, own *pending, r *Record, param string) error {
	err := expand.Check(param)
	if err == nil {
		steps := x.Steps(r.Collection, param)
		var related []expand.Related
		for _, f := range x.Relations(r.Collection, steps) {
			related = append(related, expand.Related{Field: f.Name, IDs: idsOf(r.Get(f.Name))})
		}
		n.Carry(related)
		err = x.Expand([]*expand.Node{n}, r.Collection, steps)
	}
	if limit, full := (*expand.LimitError)(nil), (*budget.FullError)(nil); !errors.As(err, &limit) && !errors.As(err, &full) {
		return err
	}
	n.Forget()
	if x.late != nil {
		x.late.waiting = slices.DeleteFunc(x.late.waiting, func(p *pending) bool { return p != own })
	}
	return nil
}

func hasRelations(c *schema.Collection) bool {
	return slices.ContainsFunc(c.Fields, func(f schema.Field) bool { return f.Role() == schema.RoleRelation })
}

// encoderFor returns the cached encoder of a collection in the current catalogue; for a definition of another moment
// it makes one.
func (s *Store) encoderFor(cat *schema.Catalogue, c *schema.Collection, l layout) *encoder {
	if cat.ByID(c.ID) == c {
		return s.compiled(cat).encoder(c, l)
	}
	return newEncoder(c, l)
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
