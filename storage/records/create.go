package records

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// Create is the command that makes a record. After it was applied, Result is the record as it was stored.
type Create struct {
	in     WriteInput
	hashed hashes
	id     string      // generated once, so that uploads can be stored under it
	sub    *submission // the request as it was made; not changed
	draft  *draftState // nil without user code

	// Result is the record as it was stored, nil before.
	Result *Record
}

// PrepareCreate works out what needs no row: it hashes passwords and refuses what no state of the database could allow. With
// passwords or uploads the rule is judged, a first time.
// It fails with [ErrNoCollection], [ErrView], [ErrForbidden], [ErrRule], or the errors of the password functions.
func (s *Store) PrepareCreate(ctx context.Context, in WriteInput) (*Create, error) {
	in.detach()
	cmd := &Create{in: in}
	cat := s.catalogue()
	c, err := in.open(cat, createRule)
	if err != nil {
		return nil, err
	}
	sub := cmd.submission(c)
	cmd.id = sub.record.ID()
	if cmd.id == "" {
		cmd.id = generated(c.Field("id"))
	}
	if !hasPlainPassword(sub.record) && !in.bringsFiles() {
		return cmd, nil
	}
	if rule := in.rule(c.CreateRule); rule != "" && !in.Late {
		// A password is hashed and a file stored only for those whom the rule lets in: the work must cost a guest nothing to ask for.
		err := s.db.Read(ctx, func(r *sqlite.Reader) error {
			return cmd.judge(s, s.catalogue(), r, sub, rule)
		})
		if err != nil {
			return nil, err
		}
	}
	cmd.hashed, err = s.hash(ctx, &in, sub.record, false)
	return cmd, err
}

func createRule(c *schema.Collection) *string { return c.CreateRule }

func (cmd *Create) collectionID() string { return cmd.in.CollectionID }

// ID returns the id that the record will have.
func (cmd *Create) ID() string { return cmd.id }

func (cmd *Create) recordID() string { return cmd.id }

func (cmd *Create) storeFiles(store *files.Local) error { return cmd.in.storeFiles(store, cmd.id) }

func (cmd *Create) undone() { cmd.Result = nil }

func (cmd *Create) uploads() []string { return cmd.in.uploadKeys(cmd.id) }

func (cmd *Create) unneeded() []string { return cmd.in.unneeded(cmd.id, nil, cmd.Result) }

// apply implements [Command]. It fails with [ErrRule] or validation.Errors beside the errors of PrepareCreate.
func (cmd *Create) apply(x *execution) error {
	cmd.Result = nil
	if err := cmd.in.identify(x.s, x.cat, x.tx); err != nil {
		return err
	}
	c, err := cmd.in.open(x.cat, createRule)
	if err != nil {
		return err
	}
	sub := cmd.submission(c)
	if rule := cmd.in.rule(c.CreateRule); rule != "" {
		if err := cmd.judge(x.s, x.cat, x.tx, sub, rule); err != nil {
			return err
		}
	}
	if c.IsAuth() && !cmd.in.SkipRules && (cmd.draft == nil || cmd.draft.form) {
		if err := cmd.checkAuth(x.s, x.cat, x.tx, sub); err != nil {
			return err
		}
	}
	r, err := cmd.admit(x.cat, x.tx, sub)
	if err != nil {
		return err
	}
	setAutodates(r, schema.Create, cmd.in.now())
	return cmd.insert(x, r)
}

// submission is the request as it was made, under the current definition of the collection.
func (cmd *Create) submission(c *schema.Collection) *submission {
	given := cmd.draft != nil && cmd.draft.given != nil
	if cmd.sub == nil || cmd.sub.record.Collection != c && !given {
		cmd.sub = submit(NewRecord(c), cmd.in.Body, cmd.in.Files, cmd.in.Caller.Superuser || cmd.in.SkipRules)
	}
	return cmd.sub
}

// admit returns the complete record after its checks. What user code worked on was checked before; what only the database
// can tell is asked again.
func (cmd *Create) admit(cat *schema.Catalogue, tx *sqlite.Tx, sub *submission) (*Record, error) {
	if cmd.draft == nil {
		r := cmd.complete(sub.record.Clone())
		return r, cmd.checkAll(cat, tx, r)
	}
	c := cat.ByID(cmd.in.CollectionID)
	d := cmd.draft
	if d.checked != nil && (d.checked.Collection != c || asksData(d.checked)) {
		r := d.checked.on(c)
		errs := validation.Errors{}
		if d.checked.Collection != c {
			errs = checkValues(r, nil, cmd.in.Files)
		}
		if err := cmd.checkData(cat, tx, r, errs); err != nil {
			return nil, err
		}
	}
	if d.final.Collection != c {
		return d.final.on(c), nil
	}
	return d.final, nil // the command's own; a second run makes the same of it
}

func (cmd *Create) checkAll(cat *schema.Catalogue, p Preparer, r *Record) error {
	return cmd.checkData(cat, p, r, checkValues(r, nil, cmd.in.Files))
}

// checkData adds to errs what only the database can tell.
func (cmd *Create) checkData(cat *schema.Catalogue, p Preparer, r *Record, errs validation.Errors) error {
	if err := checkRelations(cat, p, r, nil, errs); err != nil {
		return err
	}
	if err := checkID(cat, p, r, errs); err != nil {
		return err
	}
	if err := checkOwner(cat, p, r, errs); err != nil {
		return err
	}
	return errs.Or()
}

// insert writes the record.
func (cmd *Create) insert(x *execution, r *Record) error {
	s, tx, c := x.s, x.tx, r.Collection
	cmd.hashed.apply(r)
	if hasPlainPassword(r) {
		return errUnprepared
	}
	if err := s.refuseReferences(r); err != nil {
		return err
	}
	if err := write(tx, s.compiled(x.cat).statementsOf(c).insert, r, ""); err != nil {
		return uniqueFailure(c, err)
	}
	r.settled()
	tx.Emit(&Change{Action: Created, Collection: c, Record: r})
	if err := s.dismissInstaller(x.cat, tx, r, cmd.in.now()); err != nil {
		return err
	}
	cmd.Result = r
	return nil
}

// complete fills in what the server decides beside autodates: id and generated texts.
func (cmd *Create) complete(r *Record) *Record {
	if r.ID() == "" {
		r.Set("id", cmd.id)
	}
	if p, ok := r.Get("password").(schema.Password); ok && p == (schema.Password{}) && cmd.in.PasswordHash != "" && r.Collection.IsAuth() {
		r.Set("password", schema.Password{Hash: cmd.in.PasswordHash})
	}
	for i, f := range r.Collection.Fields {
		if g, ok := f.(schema.Generator); ok && r.Values[i] == f.Zero() {
			if v, ok := g.Generate(); ok {
				r.Values[i] = v
			}
		}
	}
	if r.Collection.IsSuperusers() {
		r.Set("verified", true)
	}
	return r
}

// judge asks the create rule about the record as it was submitted.
func (cmd *Create) judge(s *Store, cat *schema.Catalogue, p Preparer, sub *submission, rule string) error {
	met, err := s.judgeVirtual(cat, p, cmd.virtual(sub), rule, sub.request(&cmd.in.Caller))
	if err != nil {
		return refused(err, ErrRule)
	}
	if !met {
		return ErrRule
	}
	return nil
}

// virtual is the record that rules see: it has an id, and nobody verified it yet.
func (cmd *Create) virtual(sub *submission) *Record {
	r := sub.record.Clone()
	if r.ID() == "" {
		r.Set("id", cmd.id)
	}
	if r.Collection.IsAuth() {
		r.Set("verified", false)
	}
	return r
}

// checkAuth checks what a new auth record must have beside valid values. If one of these checks fails, the others are
// not made.
func (cmd *Create) checkAuth(s *Store, cat *schema.Catalogue, p Preparer, sub *submission) error {
	errs := validation.Errors{}
	password := textOf(sub.body["password"])
	confirm := textOf(cmd.in.Body["passwordConfirm"])
	given := password == "" && cmd.in.PasswordHash != ""
	if password == "" && !given {
		errs["password"] = validation.Required
	}
	switch {
	case given:
	case confirm == "":
		errs["passwordConfirm"] = validation.Required
	case confirm != password:
		errs["passwordConfirm"] = validation.Mismatch
	}
	if sub.record.Bool("verified") && !cmd.in.Caller.Superuser {
		managed, err := cmd.managed(s, cat, p, sub)
		if err != nil {
			return err
		}
		if !managed {
			errs["verified"] = validation.Mismatch
		}
	}
	if failed(errs) {
		return errs
	}
	if len(password) > maxPasswordBytes && !cmd.in.Caller.Superuser {
		return ErrRule
	}
	return nil
}

// maxPasswordBytes is how many bytes of a password bcrypt takes.
const maxPasswordBytes = 72

func (cmd *Create) managed(s *Store, cat *schema.Catalogue, p Preparer, sub *submission) (bool, error) {
	c := sub.record.Collection
	if !needsManage(c, &cmd.in.Caller) {
		return false, nil
	}
	met, err := s.judgeVirtual(cat, p, cmd.virtual(sub), *c.Auth.ManageRule, sub.request(&cmd.in.Caller))
	if errors.Is(err, ErrQuery) {
		return false, nil
	}
	return met, err
}

// textOf is a submitted value as text: what a text field would make of it.
func textOf(v any) string {
	if p, ok := v.(schema.Password); ok {
		return p.Plain
	}
	s, _ := (&schema.TextField{}).Cast(v).(string)
	return s
}

func hasPlainPassword(r *Record) bool {
	for _, v := range r.Values {
		if p, _ := v.(schema.Password); p.Plain != "" {
			return true
		}
	}
	return false
}

// generated returns a generated value of a text field, "" when it generates none.
func generated(f schema.Field) string {
	if g, ok := f.(schema.Generator); ok {
		if v, ok := g.Generate(); ok {
			s, _ := v.(string)
			return s
		}
	}
	return ""
}
