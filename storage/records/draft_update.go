package records

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/storage/schema"
)

func (cmd *Update) action() Action { return Updated }

func (cmd *Update) begin(s *Store, read ReadFunc) (*Record, error) {
	d := cmd.draft
	if d.given != nil {
		return d.given, nil
	}
	err := read(func(p Preparer) error {
		cat := s.catalogue()
		if err := cmd.in.identify(s, cat, p); err != nil {
			return err
		}
		c, err := cmd.in.open(cat, updateRule)
		if err != nil {
			return err
		}
		before, err := s.load(p, s.compiled(cat), c, cmd.id)
		if err != nil {
			return err
		}
		cmd.sub = submit(before.Clone(), cmd.in.Body, cmd.in.Files, cmd.in.Caller.Superuser || cmd.in.SkipRules)
		return cmd.judge(s, cat, p, cmd.sub, before)
	})
	if err != nil {
		return nil, err
	}
	d.base = cmd.sub.record
	return d.base.Clone(), nil
}

func (cmd *Update) checkForm(ctx context.Context, s *Store, read ReadFunc) (err error) {
	d := cmd.draft
	d.form = true
	before := d.base.Original()
	if !d.base.Collection.IsAuth() || cmd.in.SkipRules {
		return nil
	}
	stored, _ := before.Get("password").(schema.Password)
	if old := textOf(cmd.in.Body["oldPassword"]); old != "" && stored.Hash != "" {
		cmd.compared = stored.Hash
		if cmd.matched, err = s.matches(ctx, cmd.in.Ahead, stored, old); err != nil {
			return fmt.Errorf("compare old password: %w", err)
		}
	}
	return read(func(p Preparer) error { return cmd.checkAuth(s, s.catalogue(), p, cmd.sub, before) })
}

// fill implements drafted: an update has nothing to fill in.
func (cmd *Update) fill(r *Record) error { return cmd.draft.accept(r) }

func (cmd *Update) checkDraft(s *Store, r *Record, read ReadFunc) error {
	d := cmd.draft
	if err := d.accept(r); err != nil {
		return err
	}
	before := d.base.Original()
	if !hasRelations(r.Collection) && !hasOwner(r.Collection) {
		return d.check(r, checkValues(r, before, cmd.in.Files).Or())
	}
	return d.check(r, read(func(p Preparer) error { return cmd.checkAll(s.catalogue(), p, r, before) }))
}

func (cmd *Update) seal(ctx context.Context, s *Store, r *Record) (err error) {
	if err := cmd.draft.accept(r); err != nil {
		return err
	}
	cmd.draft.final = r.Clone()
	cmd.hashed, err = s.hash(ctx, &cmd.in, r, true)
	return err
}
