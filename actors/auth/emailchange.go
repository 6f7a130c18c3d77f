package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// maxConfirmedPassword is how many bytes of a password the confirmation of another address takes.
const maxConfirmedPassword = 100

// ErrMail says that a mail that somebody waits for could not be sent.
var ErrMail = errors.New("the mail was not sent")

// NewEmailForm is the body of the request for another address.
type NewEmailForm struct {
	NewEmail string `json:"newEmail"`
}

// RequestEmailChange mails a link to the address that a record wants to have, and waits until it was sent. It fails with a
// [*FormError], [ErrMail], or the errors of the database.
func (d *Desk) RequestEmailChange(ctx context.Context, r *records.Record, form *NewEmailForm) error {
	failure, err := d.newEmail(ctx, r, form.NewEmail)
	if err != nil {
		return err
	}
	if failure != nil {
		return &FormError{validation.Errors{"newEmail": failure}}
	}
	grant := Grant{Kind: EmailChangeToken, NewEmail: form.NewEmail}
	message, err := d.tokenMail(r.Collection.Auth.ConfirmEmailChangeTemplate, r, form.NewEmail, grant)
	if err != nil {
		return err
	}
	if err := d.Mail.Send(ctx, message); err != nil {
		return fmt.Errorf("%w: %w", ErrMail, err)
	}
	return nil
}

// newEmail checks the address that a record wants to have.
func (d *Desk) newEmail(ctx context.Context, r *records.Record, email string) (failure, err error) {
	if failure := requiredEmail(email); failure != nil {
		return failure, nil
	}
	if email == r.Text("email") {
		return leafCurrentEmail, nil
	}
	other, err := d.byEmail(ctx, r.Collection.ID, email)
	if err == nil && other != nil && other.ID() != r.ID() {
		failure = leafNewEmail
	}
	return failure, err
}

// ConfirmEmailChange gives the record of a token the address that the token names. The form holds the record's password.
// It fails with a [*FormError], with validation.Errors when the address does not meet the rules of its field, or with the
// errors of the write.
func (d *Desk) ConfirmEmailChange(ctx context.Context, c *schema.Collection, form *ConfirmForm) error {
	errs := validation.Errors{}
	session, failure, err := d.changeToken(ctx, c, form.Token)
	if err != nil {
		return err
	}
	errs.Set("token", failure)
	wrong := requiredWithin(form.Password, 1, maxConfirmedPassword)
	if wrong == nil {
		wrong = leafConfirmedPassword
		if session != nil {
			matches, err := d.isPassword(ctx, session.Record, form.Password)
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
		return formError(errs)
	}
	_, err = d.change(ctx, session.Record, map[string]any{"email": session.Claims.NewEmail, "verified": true})
	if errors.Is(stale(err), ErrToken) {
		return &FormError{validation.Errors{"token": leafToken, "password": leafConfirmedPassword}}
	}
	return err
}

// changeToken checks a token; failure is what is wrong with it. There is a session only when the token itself is good.
func (d *Desk) changeToken(ctx context.Context, c *schema.Collection, token string) (s *Session, failure error, err error) {
	if token == "" {
		return nil, validation.Required, nil
	}
	if textClaim(token, "newEmail") == "" {
		return nil, leafTokenPayload, nil
	}
	s, leaf, err := d.tokenOf(ctx, c, token, EmailChangeToken)
	if err != nil || leaf != nil {
		return s, leaf, err
	}
	taken, err := d.byEmail(ctx, c.ID, s.Claims.NewEmail)
	if err == nil && taken != nil {
		failure = leafTokenNewEmail
	}
	return s, failure, err
}

// isPassword tells whether a password is the record's.
func (d *Desk) isPassword(ctx context.Context, r *records.Record, plain string) (bool, error) {
	stored, _ := r.Get("password").(schema.Password)
	return d.Passwords.Matches(ctx, stored.Hash, plain)
}
