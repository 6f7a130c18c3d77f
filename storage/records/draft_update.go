package records

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/storage/schema"
)

// Action implements [WriteDraft].
func (cmd *Update) Action() Action { return Updated }

// Begin implements [WriteDraft].
func (cmd *Update) Begin(look Look) (*Record, error) {
	d := cmd.draft
	if d.given != nil {
		return d.given, nil
	}
	err := look(func(p Preparer) error {
		cat := cmd.store.catalogue()
		if err := cmd.in.identify(cmd.store, cat, p); err != nil {
			return err
		}
		c, err := cmd.in.open(cat, updateRule)
		if err != nil {
			return err
		}
		before, err := cmd.store.load(p, cmd.store.compiled(cat), c, cmd.id)
		if err != nil {
			return err
		}
		cmd.sub = submit(before, cmd.in.Body, cmd.in.Files, cmd.in.Caller.Superuser || cmd.in.SkipRules)
		return cmd.judge(cat, p, cmd.sub, before)
	})
	if err != nil {
		return nil, err
	}
	d.base = cmd.sub.record
	return d.base.Clone(), nil
}

// CheckForm implements [WriteDraft].
func (cmd *Update) CheckForm(ctx context.Context, look Look) (err error) {
	d := cmd.draft
	d.form = true
	before := d.base.Original()
	if !d.base.Collection.IsAuth() || cmd.in.SkipRules {
		return nil
	}
	stored, _ := before.Get("password").(schema.Password)
	if old := textOf(cmd.in.Body["oldPassword"]); old != "" && stored.Hash != "" {
		cmd.compared = stored.Hash
		if cmd.matched, err = cmd.in.Passwords.Matches(ctx, stored.Hash, old); err != nil {
			return fmt.Errorf("compare old password: %w", err)
		}
	}
	return look(func(p Preparer) error { return cmd.checkAuth(cmd.store.catalogue(), p, cmd.sub, before) })
}

// Complete implements [WriteDraft]: an update has nothing to fill in.
func (cmd *Update) Complete(r *Record) error { return cmd.draft.accept(r) }

// Check implements [WriteDraft].
func (cmd *Update) Check(r *Record, look Look) error {
	d := cmd.draft
	if err := d.accept(r); err != nil {
		return err
	}
	before := d.base.Original()
	if !hasRelations(r.Collection) && !hasOwner(r.Collection) {
		return d.check(r, checkValues(r, before, cmd.in.Files).Or())
	}
	return d.check(r, look(func(p Preparer) error { return cmd.checkAll(cmd.store.catalogue(), p, r, before) }))
}

// Seal implements [WriteDraft].
func (cmd *Update) Seal(ctx context.Context, r *Record) (err error) {
	if err := cmd.draft.accept(r); err != nil {
		return err
	}
	cmd.draft.final = r.Clone()
	cmd.hashed, err = cmd.in.hash(ctx, r, true)
	return err
}
