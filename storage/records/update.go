package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// Update is the command that changes a record. After it was applied, Result is the record as it was stored.
type Update struct {
	in     WriteInput
	id     string
	hashed hashes
	sub    *submission // the request on the row that user code was shown
	draft  *draftState // nil without user code
	// compared is the stored password that the old one in the body was compared with, matched the outcome.
	compared string
	matched  bool

	// Result is the record as it was stored, Old what it was before; nil before.
	Result, Old *Record
}

// PrepareUpdate hashes and compares the passwords of a body, for those whom the rule lets in; uploads make it judge the rule too. It fails with
// [ErrNoCollection], [ErrView], [ErrForbidden], [ErrNotFound], or the errors of the password functions.
func (s *Store) PrepareUpdate(ctx context.Context, id string, in WriteInput) (*Update, error) {
	in.detach()
	cmd := &Update{in: in, id: id}
	c, err := in.open(s.catalogue(), updateRule)
	if err != nil {
		return nil, err
	}
	if !sendsPassword(c, in.Body) && !in.bringsFiles() {
		return cmd, nil
	}
	var sub *submission
	var stored schema.Password
	err = s.db.Read(ctx, func(r *sqlite.Reader) error {
		cat := s.catalogue()
		if c = cat.ByID(in.CollectionID); c == nil {
			return ErrNoCollection
		}
		before, err := s.load(r, s.compiled(cat), c, id)
		if in.Late && errors.Is(err, ErrNotFound) {
			sub = submit(NewRecord(c), in.Body, in.Files, true)
			return nil
		}
		if err != nil {
			return err
		}
		stored, _ = before.Get("password").(schema.Password)
		sub = submit(before.Clone(), in.Body, in.Files, in.Caller.Superuser || in.SkipRules)
		if in.Late {
			return nil
		}
		return cmd.judge(s, cat, r, sub, before)
	})
	if err != nil {
		return nil, err
	}
	if cmd.hashed, err = s.hash(ctx, &in, sub.record, false); err != nil {
		return nil, err
	}
	if old := textOf(in.Body["oldPassword"]); c.IsAuth() && old != "" && stored.Hash != "" {
		cmd.compared = stored.Hash
		if cmd.matched, err = s.matches(ctx, in.Ahead, stored, old); err != nil {
			return nil, fmt.Errorf("compare old password: %w", err)
		}
	}
	return cmd, nil
}

func updateRule(c *schema.Collection) *string { return c.UpdateRule }

// sendsPassword tells whether a body holds a value for a password field, or one to compare with it.
func sendsPassword(c *schema.Collection, body map[string]any) bool {
	if c.IsAuth() && textOf(body["oldPassword"]) != "" {
		return true
	}
	for _, f := range c.Fields {
		if f.Role() == schema.RoleSecret && textOf(body[f.Base().Name]) != "" {
			return true
		}
	}
	return false
}

func (cmd *Update) collectionID() string { return cmd.in.CollectionID }

// ID returns the id of the record that is updated.
func (cmd *Update) ID() string { return cmd.id }

func (cmd *Update) recordID() string { return cmd.id }

func (cmd *Update) storeFiles(store *files.Local) error { return cmd.in.storeFiles(store, cmd.id) }

func (cmd *Update) undone() { cmd.Result, cmd.Old = nil, nil }

func (cmd *Update) uploads() []string { return cmd.in.uploadKeys(cmd.id) }

func (cmd *Update) unneeded() []string { return cmd.in.unneeded(cmd.id, cmd.Old, cmd.Result) }

// apply implements [Command]. It fails with [ErrNotFound] (also when the rule is not met) or validation.Errors beside
// the errors of PrepareUpdate.
func (cmd *Update) apply(x *execution) error {
	cmd.Result, cmd.Old = nil, nil
	s, cat, tx := x.s, x.cat, x.tx
	if err := cmd.in.identify(s, cat, tx); err != nil {
		return err
	}
	c, err := cmd.in.open(cat, updateRule)
	if err != nil {
		return err
	}
	before, err := s.load(tx, s.compiled(cat), c, cmd.id)
	if err != nil {
		return err
	}
	if err := s.refuseWrite(c, cmd.id); err != nil {
		return err
	}
	if cmd.in.TokenKey != "" && before.Text("tokenKey") != cmd.in.TokenKey {
		return ErrTokenKey
	}
	sub := submit(before.Clone(), cmd.in.Body, cmd.in.Files, cmd.in.Caller.Superuser || cmd.in.SkipRules)
	if err := cmd.judge(s, cat, tx, sub, before); err != nil {
		return err
	}
	if c.IsAuth() && !cmd.in.SkipRules && (cmd.draft == nil || cmd.draft.form) {
		if err := cmd.checkAuth(s, cat, tx, sub, before); err != nil {
			return err
		}
	}
	r, err := cmd.admit(cat, tx, sub.record, before)
	if err != nil {
		return err
	}
	if err := cmd.finish(r, before); err != nil {
		return err
	}
	if err := s.refuseReferences(r); err != nil {
		return err
	}
	if err := s.endSessions(cat, tx, r, before, cmd.in.now()); err != nil {
		return err
	}
	if err := write(tx, s.compiled(cat).statementsOf(c).update, r, before.ID()); err != nil {
		return uniqueFailure(c, err)
	}
	r.settled()
	if err := noteDropped(tx, []*Record{before}, r); err != nil {
		return err
	}
	tx.Emit(&Change{Action: Updated, Collection: c, Record: r, Old: before})
	cmd.Result, cmd.Old = r, before
	return nil
}

// admit returns the record to be written after its checks: what the request makes of the row and, over it, what user code
// changed. Like the request, user code is checked on the row as it is now.
func (cmd *Update) admit(cat *schema.Catalogue, p Preparer, r, before *Record) (*Record, error) {
	d := cmd.draft
	if d == nil {
		return r, cmd.checkAll(cat, p, r, before)
	}
	base := d.base
	if renamed(base.Collection, r.Collection) {
		// The names in the body mean other fields than they did: what the request made of them is laid over the row by id.
		r, base = before.Clone(), base.Original()
	}
	if d.checked != nil {
		if err := cmd.checkAll(cat, p, r.overlay(base, d.checked), before); err != nil {
			return nil, err
		}
	}
	return r.overlay(base, d.final), nil
}

func (cmd *Update) checkAll(cat *schema.Catalogue, p Preparer, r, before *Record) error {
	errs := checkValues(r, before, cmd.in.Files)
	if err := checkRelations(cat, p, r, before, errs); err != nil {
		return err
	}
	if err := checkOwner(cat, p, r, errs); err != nil {
		return err
	}
	return errs.Or()
}

// judge asks the update rule about the stored record.
func (cmd *Update) judge(s *Store, cat *schema.Catalogue, p Preparer, sub *submission, before *Record) error {
	rule := cmd.in.rule(before.Collection.UpdateRule)
	if rule == "" {
		return nil
	}
	met, err := s.judgeRow(cat, p, before.Collection, before.ID(), rule, sub.request(&cmd.in.Caller))
	if err != nil {
		return refused(err, ErrNotFound)
	}
	if !met {
		return ErrNotFound
	}
	return nil
}

// errUnprepared says that a plain password reached the Writer without its hash: the collection changed between.
var errUnprepared = errors.New("the password was not prepared for this collection")

// finish fills in what the server decides, and puts hashes in the place of plain passwords. An empty one that was not
// sent keeps what is stored.
func (cmd *Update) finish(r, before *Record) error {
	cmd.hashed.apply(r)
	if hasPlainPassword(r) {
		return errUnprepared
	}
	setAutodates(r, schema.Update, cmd.in.now())
	if !r.Collection.IsAuth() {
		return nil
	}
	if r.Collection.IsSuperusers() {
		r.Set("verified", true)
	}
	changed := r.Get("password") != before.Get("password") || r.Text("email") != before.Text("email")
	if changed && r.Text("tokenKey") == before.Text("tokenKey") {
		if key := generated(r.Collection.Field("tokenKey")); key != "" {
			r.Set("tokenKey", key)
		}
	}
	return nil
}

// checkAuth checks what may not change in an auth record, and the passwords. If one of these checks fails, the others
// are not made.
func (cmd *Update) checkAuth(s *Store, cat *schema.Catalogue, p Preparer, sub *submission, before *Record) error {
	manager := cmd.in.Caller.Superuser
	if !manager && needsManage(before.Collection, &cmd.in.Caller) {
		met, err := s.judgeRow(cat, p, before.Collection, before.ID(), *before.Collection.Auth.ManageRule, sub.request(&cmd.in.Caller))
		if err != nil && !errors.Is(err, ErrQuery) {
			return err
		}
		manager = met
	}
	errs := validation.Errors{}
	if !manager {
		if sub.record.Text("email") != before.Text("email") {
			errs["email"] = validation.Mismatch
		}
		if sub.record.Bool("verified") != before.Bool("verified") {
			errs["verified"] = validation.Mismatch
		}
	}
	cmd.checkPasswords(sub, before, manager, errs)
	return errs.Or()
}

var failureOldPassword = validation.New("validation_invalid_old_password", "Missing or invalid old password.")

func (cmd *Update) checkPasswords(sub *submission, before *Record, manager bool, errs validation.Errors) {
	password := textOf(sub.body["password"])
	confirm := textOf(cmd.in.Body["passwordConfirm"])
	old := textOf(cmd.in.Body["oldPassword"])
	if password == "" && (sub.changes("password") || confirm != "" || old != "") {
		errs["password"] = validation.Required
	}
	if password != "" || old != "" {
		switch {
		case confirm == "":
			errs["passwordConfirm"] = validation.Required
		case confirm != password:
			errs["passwordConfirm"] = validation.Mismatch
		}
	} else if confirm != "" && confirm != password {
		errs["passwordConfirm"] = validation.Mismatch
	}
	if manager || password == "" && confirm == "" {
		return
	}
	stored, _ := before.Get("password").(schema.Password)
	switch {
	case old == "":
		errs["oldPassword"] = validation.Required
	case !cmd.matched || cmd.compared != stored.Hash:
		errs["oldPassword"] = failureOldPassword
	}
}
