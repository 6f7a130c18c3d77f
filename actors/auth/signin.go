package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// The reasons for which somebody is not signed in.
var (
	// ErrCredentials says that there is no such record or that the password is another one; nobody is told which.
	ErrCredentials = errors.New("wrong identity or password")
	// ErrPasswordAuthOff says that the collection does not let anybody sign in with a password.
	ErrPasswordAuthOff = errors.New("password authentication is not enabled")
	// ErrAuthRule says that the record does not meet the collection's auth rule.
	ErrAuthRule = errors.New("the auth rule is not met")
	// ErrIdentityField says that an identity field of the definition has lost its unique index.
	ErrIdentityField = errors.New("the identity field has no unique index")
)

// PasswordForm is the body of a sign-in with a password.
type PasswordForm struct {
	Identity      string `json:"identity"`
	IdentityField string `json:"identityField"`
	Password      string `json:"password"`
}

var leafNotIdentity = validation.New("validation_in_invalid", "Must be a valid value.")

// Validate checks the form against the collection's options.
func (f *PasswordForm) Validate(o *schema.AuthOptions) error {
	errs := validation.Errors{}
	errs.Set("identity", requiredText(f.Identity))
	errs.Set("password", requiredText(f.Password))
	if f.IdentityField != "" {
		if err := requiredText(f.IdentityField); err != nil {
			errs.Set("identityField", err)
		} else if !slices.Contains(o.PasswordAuth.IdentityFields, f.IdentityField) {
			errs.Set("identityField", leafNotIdentity)
		}
	}
	return errs.Or()
}

// Desk signs records in, and does what they ask for by mail. It is safe for concurrent use and must not be copied.
type Desk struct {
	// DB, Catalogue and Store are those of the application.
	DB        *sqlite.DB
	Catalogue func() *schema.Catalogue
	Store     *records.Store
	// Passwords does the work on passwords.
	Passwords records.Passwords
	// Write applies a command and waits for its outcome. Signing in with a password alone does not need it, unless origins
	// are noted.
	Write func(ctx context.Context, c *schema.Collection, cmd records.Command) error
	// Alert sends a record the mail about a sign-in from a place that it did not sign in from before; info says which. Nil
	// sends none. When it fails the place is not noted, so that the next sign-in tries again.
	Alert func(ctx context.Context, r *records.Record, info string) error
	// Tokens checks the tokens that come back from mails, Mail delivers those, Settings returns the current settings. Only
	// what goes by mail needs them.
	Tokens   *Verifier
	Mail     *mailer.Mailer
	Settings func() *settings.Settings
	// Log gets what happens after the answer; nil discards it.
	Log *slog.Logger

	pauses   pauses
	attempts attempts
	codes    turns
}

// WithPassword returns the record that the form's identity and password belong to. The form must be valid. It fails with
// [ErrPasswordAuthOff], [ErrCredentials], [ErrIdentityField], records.ErrNoCollection, [ErrBusy], or the errors of
// sqlite.DB.Read. The auth rule is not asked, see [Desk.Judge].
func (d *Desk) WithPassword(ctx context.Context, collectionID string, form *PasswordForm) (*records.Record, error) {
	var found *records.Record
	cost := 0
	err := d.DB.Read(ctx, func(r *sqlite.Reader) error {
		found = nil
		c := d.Catalogue().ByID(collectionID)
		if c == nil || !c.IsAuth() || c.Auth == nil {
			return records.ErrNoCollection
		}
		if !c.Auth.PasswordAuth.Enabled {
			return ErrPasswordAuthOff
		}
		if f, ok := c.Field("password").(*schema.PasswordField); ok {
			cost = f.HashCost()
		}
		var err error
		found, err = findIdentity(r, c, form)
		return err
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, d.nobody(ctx, cost)
	}
	stored, _ := found.Get("password").(schema.Password)
	matches, err := d.Passwords.Matches(ctx, stored.Hash, form.Password)
	if err != nil {
		return nil, err
	}
	if !matches {
		return nil, ErrCredentials
	}
	return found, nil
}

// nobody takes as long as a comparison, so that nobody can tell a missing record from a wrong password.
func (d *Desk) nobody(ctx context.Context, cost int) error {
	if _, err := d.Passwords.Hash(ctx, "nobody's password", cost); err != nil {
		return err
	}
	return ErrCredentials
}

// findIdentity returns the first record that one of the identity fields finds, nil when there is none. Without a field in
// the form the email comes first, if the identity is one.
func findIdentity(r *sqlite.Reader, c *schema.Collection, form *PasswordForm) (*records.Record, error) {
	fields := []string{form.IdentityField}
	if form.IdentityField == "" {
		fields = slices.Clone(c.Auth.PasswordAuth.IdentityFields)
		slices.SortStableFunc(fields, func(a, b string) int { return rank(a) - rank(b) })
	}
	for _, field := range fields {
		if field == "email" && form.IdentityField == "" && !govalidator.IsEmail(form.Identity) {
			continue
		}
		found, err := findBy(r, c, field, form.Identity)
		if err != nil {
			return nil, err
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, nil
}

// rank puts the email before all other identity fields.
func rank(field string) int {
	if field == "email" {
		return 0
	}
	return 1
}

// findBy looks a record up by a field with a unique index; the index decides whether the case of letters counts.
func findBy(r records.Preparer, c *schema.Collection, field, value string) (*records.Record, error) {
	index, ok := c.UniqueIndex(field)
	if !ok || c.FieldIndex(field) < 0 {
		return nil, fmt.Errorf("%w: %s of %s", ErrIdentityField, field, c.Name)
	}
	sql := "SELECT `id` FROM `" + c.Name + "` WHERE `" + field + "` = ?"
	if strings.EqualFold(index.Columns[0].Collate, "nocase") {
		sql += " COLLATE NOCASE"
	}
	if field == "email" {
		// The index leaves empty emails out, and SQLite only uses it for queries that do the same.
		sql += " AND `email` != ''"
	}
	stmt, err := r.Prepare(sql + " LIMIT 1")
	if err != nil {
		return nil, fmt.Errorf("look for %s in %s: %w", field, c.Name, err)
	}
	stmt.BindText(1, value)
	found, err := stmt.Step()
	if err != nil {
		return nil, fmt.Errorf("look for %s in %s: %w", field, c.Name, err)
	}
	if !found {
		return nil, nil
	}
	id := stmt.ColumnText(0)
	if err := stmt.Reset(); err != nil {
		return nil, fmt.Errorf("look for %s in %s: %w", field, c.Name, err)
	}
	return records.Find(r, c, id)
}

// Judge asks the auth rule of the record's collection about a record that is about to sign in. req is the request of the
// one who asks; a superuser's is not judged. It fails with [ErrAuthRule], also when the rule cannot be evaluated.
func (d *Desk) Judge(ctx context.Context, r *records.Record, req *filter.Request) error {
	if req.Auth != nil && req.Auth.Superuser {
		return nil
	}
	if r.Collection.Auth.AuthRule != nil && *r.Collection.Auth.AuthRule == "" {
		return nil
	}
	return d.DB.Read(ctx, func(reader *sqlite.Reader) error {
		cat := d.Catalogue()
		c := cat.ByID(r.Collection.ID)
		if c == nil || c.Auth == nil || c.Auth.AuthRule == nil {
			return ErrAuthRule
		}
		met, err := d.Store.Matches(cat, reader, c, r.ID(), records.Condition{Text: *c.Auth.AuthRule, Trust: filter.Rule}, req)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAuthRule, err)
		}
		if !met {
			return ErrAuthRule
		}
		return nil
	})
}
