package auth

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// maxConfirmedPassword is how many bytes of a password the confirmation of another address takes.
const maxConfirmedPassword = 100

// NewEmailForm is the body of the request for another address.
type NewEmailForm struct {
	NewEmail string `json:"newEmail"`
}

// RequestEmailChange mails a link to the address that a record wants to have, and waits until it was sent. It fails with a
// [*FormError], [ErrMail], or the errors of the database.
func (f *Confirmations) RequestEmailChange(ctx context.Context, r *records.Record, form *NewEmailForm) error {
	failure, err := f.newEmail(ctx, r, form.NewEmail)
	if err != nil {
		return err
	}
	if failure != nil {
		return &FormError{validation.Errors{"newEmail": failure}}
	}
	grant := Grant{Kind: EmailChangeToken, NewEmail: form.NewEmail}
	return f.mails.sendToken(ctx, r.Collection.Auth.ConfirmEmailChangeTemplate, r, form.NewEmail, grant)
}

// newEmail checks the address that a record wants to have.
func (f *Confirmations) newEmail(ctx context.Context, r *records.Record, email string) (failure, err error) {
	if failure := requiredEmail(email); failure != nil {
		return failure, nil
	}
	if email == r.Text("email") {
		return invalidCurrentEmail, nil
	}
	other, err := f.data.ByEmail(ctx, r.Collection.ID, email)
	if err == nil && other != nil && other.ID() != r.ID() {
		failure = invalidNewEmail
	}
	return failure, err
}

// ConfirmEmailChange gives the record of a token the address that the token names. The form holds the record's password.
// It fails with a [*FormError], with validation.Errors when the address does not meet the rules of its field, or with the
// errors of the write.
func (f *Confirmations) ConfirmEmailChange(ctx context.Context, c *schema.Collection, form *ConfirmForm) error {
	errs := validation.Errors{}
	session, failure, err := f.changeToken(ctx, c, form.Token)
	if err != nil {
		return err
	}
	errs.Set("token", failure)
	wrong := RequiredWithin(form.Password, 1, maxConfirmedPassword)
	if wrong == nil {
		wrong = invalidConfirmedPassword
		if session != nil {
			matches, err := f.data.HasPassword(ctx, session.Record, form.Password)
			if err != nil {
				return err
			}
			if matches {
				wrong = nil
			}
		}
	}
	errs.Set("password", wrong)
	if len(errs) > 0 {
		return CheckForm(errs)
	}
	_, err = f.data.Change(ctx, session.Record, map[string]any{"email": session.Claims.NewEmail, "verified": true})
	if errors.Is(stale(err), ErrToken) {
		return &FormError{validation.Errors{"token": invalidToken, "password": invalidConfirmedPassword}}
	}
	return err
}

// changeToken checks a token; failure is what is wrong with it. There is a session only when the token itself is good.
func (f *Confirmations) changeToken(ctx context.Context, c *schema.Collection, token string) (s *Session, failure *validation.Error, err error) {
	if token == "" {
		return nil, validation.Required, nil
	}
	if textClaim(token, "newEmail") == "" {
		return nil, invalidTokenPayload, nil
	}
	s, failure, err = f.tokenOf(ctx, c, token, EmailChangeToken)
	if err != nil || failure != nil {
		return s, failure, err
	}
	taken, err := f.data.ByEmail(ctx, c.ID, s.Claims.NewEmail)
	if err == nil && taken != nil {
		failure = invalidTokenNewEmail
	}
	return s, failure, err
}
