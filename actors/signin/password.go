package signin

import (
	"context"
	"errors"
	"slices"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

var (
	// ErrCredentials says that there is no such record or that the password is another one; nobody is told which.
	ErrCredentials = errors.New("wrong identity or password")
	// ErrPasswordOff says that the collection does not let anybody sign in with a password.
	ErrPasswordOff = errors.New("password authentication is not enabled")
)

// Password is an identity with its password. Make one with [Service.Password], and fill it.
type Password struct {
	Identity      string `json:"identity"`
	IdentityField string `json:"identityField"`
	Password      string `json:"password"`

	data *auth.Data
}

// Password returns a password to be filled.
func (s *Service) Password() *Password { return &Password{data: s.data} }

// Kind implements [Credential].
func (p *Password) Kind() Kind { return Kind{Method: "password"} }

// Enabled implements [Credential]. It fails with [ErrPasswordOff].
func (p *Password) Enabled(o *schema.AuthOptions) error {
	if !o.PasswordAuth.Enabled {
		return ErrPasswordOff
	}
	return nil
}

var invalidIdentityField = validation.New("validation_in_invalid", "Must be a valid value.")

// Validate implements [Credential].
func (p *Password) Validate(o *schema.AuthOptions) error {
	errs := validation.Errors{}
	errs.Set("identity", auth.RequiredText(p.Identity))
	errs.Set("password", auth.RequiredText(p.Password))
	if p.IdentityField != "" {
		if err := auth.RequiredText(p.IdentityField); err != nil {
			errs.Set("identityField", err)
		} else if !slices.Contains(o.PasswordAuth.IdentityFields, p.IdentityField) {
			errs.Set("identityField", invalidIdentityField)
		}
	}
	return auth.CheckForm(errs)
}

// Claim implements [Credential]: it finds the record with that identity. It fails with [ErrPasswordOff],
// auth.ErrIdentityField, records.ErrNoCollection, or the errors of the database.
func (p *Password) Claim(ctx context.Context, c *schema.Collection) (found *records.Record, err error) {
	err = p.data.ReadAuth(ctx, c.ID, func(r *sqlite.Reader, c *schema.Collection) (err error) {
		if err := p.Enabled(c.Auth); err != nil {
			return err
		}
		found, err = p.find(r, c)
		return err
	})
	return found, err
}

// find returns the first record that one of the identity fields finds, nil when there is none. Without a field in the form
// the email comes first, if the identity is one.
func (p *Password) find(r *sqlite.Reader, c *schema.Collection) (*records.Record, error) {
	fields := []string{p.IdentityField}
	if p.IdentityField == "" {
		fields = slices.Clone(c.Auth.PasswordAuth.IdentityFields)
		slices.SortStableFunc(fields, func(a, b string) int { return rank(a) - rank(b) })
	}
	for _, field := range fields {
		if field == "email" && p.IdentityField == "" && !govalidator.IsEmail(p.Identity) {
			continue
		}
		found, err := auth.FindUnique(r, c, field, p.Identity)
		if err != nil || found != nil {
			return found, err
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

// Verify implements [Credential]. It fails with [ErrCredentials] or auth.ErrBusy, for nobody after as much work as for
// somebody: nobody can tell a missing record from a wrong password.
func (p *Password) Verify(ctx context.Context, a *Attempt, claimed *records.Record) (*Proof, error) {
	if claimed == nil {
		if _, err := p.data.Hash(ctx, a.Collection, "nobody's password"); err != nil {
			return nil, err
		}
		return nil, ErrCredentials
	}
	matches, err := p.data.HasPassword(ctx, claimed, p.Password)
	if err != nil {
		return nil, err
	}
	if !matches {
		return nil, ErrCredentials
	}
	return &Proof{Record: claimed}, nil
}
