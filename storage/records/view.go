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
		q := &search{s: s, cat: s.catalogue(), on: r}
		if err := q.begin(askOne, in.CollectionID, viewRule, &in.Caller); err != nil {
			return refused(err, ErrNotFound)
		}
		if err := expand.Check(in.Expand); err != nil {
			return err
		}
		x := s.answering(ctx, q.cat, r, q.caller, s.opts.ExpandAll, q.caller.Superuser)
		defer x.Release()
		steps := x.Steps(q.c, in.Expand)
		q.ask.relations = x.Relations(q.c, steps)
		if err := q.compile(); err != nil {
			return refused(err, ErrNotFound)
		}
		var err error
		dst, draft, err = q.view(dst[:start], in.ID, x, steps)
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
func (q *search) view(dst []byte, id string, x *answer, steps []*expand.Step) (out []byte, d *AnswerDraft, err error) {
	p := q.plan
	who := newAudience(q.caller, q.c)
	if p.encoder.conditional && needsManage(q.c, q.caller) {
		if who.managed, err = q.s.managed(q.cat, q.on, q.c, []string{id}, q.req); err != nil {
			return dst, nil, err
		}
	}
	stmt, err := q.one(id)
	if err != nil {
		return dst, nil, refused(err, ErrNotFound)
	}
	if p.encoder.full || x.Wants(q.c, steps) {
		nodes, err := x.collect(stmt, p, who, q.caller, nil)
		if err != nil {
			return dst, nil, refused(err, ErrNotFound)
		}
		if len(nodes) == 0 {
			return dst, nil, ErrNotFound
		}
		if err := x.Expand(nodes, q.c, steps); err != nil {
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
