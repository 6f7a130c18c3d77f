package records

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/sqlite"
)

// ViewInput is what the view of one record asks for.
type ViewInput struct {
	CollectionID string
	ID           string
	Caller       Caller
	Expand       string
}

// View appends one record as a JSON object to dst. It fails with [ErrNoCollection], [ErrForbidden], [ErrNotFound] (also
// when the rule is not met or cannot be evaluated), an *expand.LimitError, or the errors of sqlite.DB.Read; dst is returned as it was then.
func (s *Store) View(ctx context.Context, dst []byte, in *ViewInput) ([]byte, error) {
	start := len(dst)
	var draft *AnswerDraft
	err := s.db.Read(ctx, func(r *sqlite.Reader) error {
		cat := s.catalogue()
		c := cat.ByID(in.CollectionID)
		if c == nil {
			return ErrNoCollection
		}
		who, err := s.Current(cat, r, in.Caller)
		if err != nil {
			return err
		}
		in := in
		if who != in.Caller {
			fresh := *in
			fresh.Caller, in = who, &fresh
		}
		a, err := s.ask(askOne, c, c.ViewRule, &in.Caller)
		if err != nil {
			return refused(err, ErrNotFound)
		}
		if err := expand.Check(in.Expand); err != nil {
			return err
		}
		x := s.answering(ctx, cat, r, &in.Caller, s.opts.ExpandAll, in.Caller.Superuser)
		defer x.Release()
		steps := x.Steps(c, in.Expand)
		a.relations = x.Relations(c, steps)
		dst, draft, err = s.view(dst[:start], a, x, steps, r, in)
		return err
	})
	if err == nil && draft != nil {
		dst, err = draft.Append(ctx, dst)
	}
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// view appends the record, or leaves a draft of it when user code has to see it first.
func (s *Store) view(dst []byte, a *ask, x *answer, steps []*expand.Step, r *sqlite.Reader, in *ViewInput) (out []byte, d *AnswerDraft, err error) {
	p, err := s.plan(x.cat, a, in.Caller.Request)
	if err != nil {
		return dst, nil, refused(err, ErrNotFound)
	}
	who := newAudience(&in.Caller, a.c)
	if p.encoder.conditional && needsManage(a.c, &in.Caller) {
		if who.managed, err = s.managed(x.cat, r, a.c, []string{in.ID}, in.Caller.Request); err != nil {
			return dst, nil, err
		}
	}
	stmt, err := p.prepare(r)
	if err != nil {
		return dst, nil, refused(failure(err), ErrNotFound)
	}
	next, err := p.query.Bind(stmt, 1, in.Caller.Request, nil)
	if err != nil {
		return dst, nil, err
	}
	stmt.BindText(next, in.ID)
	if p.encoder.full || x.Wants(a.c, steps) {
		nodes, err := x.collect(stmt, p, who, &in.Caller, nil)
		if err != nil {
			return dst, nil, refused(err, ErrNotFound)
		}
		if len(nodes) == 0 {
			return dst, nil, ErrNotFound
		}
		if err := x.Expand(nodes, a.c, steps); err != nil {
			return dst, nil, err
		}
		if d := x.draft(nodes); d != nil {
			return dst, d, nil
		}
		return expand.AppendNodes(dst, nodes), nil, nil
	}
	found, err := stmt.Step()
	if err != nil {
		return dst, nil, refused(failure(err), ErrNotFound)
	}
	if !found {
		return dst, nil, ErrNotFound
	}
	out, _, err = p.encoder.row(dst, stmt, who)
	if err != nil {
		return dst, nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return out, nil, nil
}
