package records

import (
	"context"

	"github.com/troupebase/troupe/storage/schema"
)

func (cmd *Create) action() Action { return Created }

// begin implements drafted. The database is asked only where a rule must be judged.
func (cmd *Create) begin(s *Store, read ReadFunc) (*Record, error) {
	d := cmd.draft
	if d.given != nil {
		return d.given, nil
	}
	c, err := cmd.in.open(s.catalogue(), createRule)
	if err != nil {
		return nil, err
	}
	if cmd.id == "" {
		cmd.id = generated(c.Field("id"))
	}
	sub := cmd.submission(c)
	d.base = sub.record
	if rule := cmd.in.rule(c.CreateRule); rule != "" {
		err := read(func(p Preparer) error {
			cat := s.catalogue()
			if err := cmd.in.identify(s, cat, p); err != nil {
				return err
			}
			return cmd.judge(s, cat, p, sub, rule)
		})
		if err != nil {
			return nil, err
		}
	}
	return d.base.Clone(), nil
}

func (cmd *Create) checkForm(_ context.Context, s *Store, read ReadFunc) error {
	d := cmd.draft
	d.form = true
	if !d.base.Collection.IsAuth() || cmd.in.SkipRules {
		return nil
	}
	return read(func(p Preparer) error { return cmd.checkAuth(s, s.catalogue(), p, cmd.sub) })
}

func (cmd *Create) fill(r *Record) error {
	if err := cmd.draft.accept(r); err != nil {
		return err
	}
	if cmd.id == "" {
		cmd.id = generated(r.Collection.Field("id"))
	}
	r.own()
	cmd.complete(r)
	cmd.id = r.ID()
	return nil
}

func (cmd *Create) checkDraft(s *Store, r *Record, read ReadFunc) error {
	if err := cmd.draft.accept(r); err != nil {
		return err
	}
	if !asksData(r) {
		cmd.draft.checked = r // looked at again only if the collection changes
		return checkValues(r, nil, cmd.in.Files).Or()
	}
	err := read(func(p Preparer) error {
		return cmd.checkData(s.catalogue(), p, r, checkValues(r, nil, cmd.in.Files))
	})
	return cmd.draft.check(r, err)
}

// asksData tells whether the check of a new record has to look at others.
func asksData(r *Record) bool {
	c := r.Collection
	id, ok := c.Field("id").(*schema.TextField)
	return c.IsAuth() || hasRelations(c) || hasOwner(c) || ok && !id.UsualID()
}

func (cmd *Create) seal(ctx context.Context, s *Store, r *Record) (err error) {
	if err := cmd.draft.accept(r); err != nil {
		return err
	}
	cmd.draft.final = r.Clone()
	cmd.id = r.ID()
	cmd.hashed, err = s.hash(ctx, &cmd.in, r, true)
	return err
}
