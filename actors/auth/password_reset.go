package auth

import (
	"context"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// RequestPasswordReset mails a link with which a record chooses a new password. Nobody is told whether there is such a
// record, or whether it was asked for a moment ago. It fails like [Confirmations.RequestVerification].
func (f *Confirmations) RequestPasswordReset(ctx context.Context, c *schema.Collection, email string, now time.Time) error {
	r, err := f.data.ByEmail(ctx, c.ID, email)
	if err != nil || r == nil {
		return err
	}
	if c.IsSuperusers() && r.Text("email") == records.InstallerEmail {
		return nil
	}
	key := pauseKey{PasswordResetToken, c.ID, r.ID()}
	if !f.pauses.begin(key, now) {
		return nil
	}
	f.mails.queueToken("password reset", r.Collection.Auth.ResetPasswordTemplate, r, Grant{Kind: PasswordResetToken},
		func(err error) { f.pauses.end(key, time.Now(), err == nil) })
	return nil
}

// ConfirmPasswordReset gives the record of a token the password of the form. It fails with a [*FormError], with
// validation.Errors when the password does not meet the rules of its field, or with the errors of the write.
func (f *Confirmations) ConfirmPasswordReset(ctx context.Context, c *schema.Collection, form *ConfirmForm) error {
	errs := validation.Errors{}
	session, failure, err := f.resetToken(ctx, c, form.Token)
	if err != nil {
		return err
	}
	errs.Set("token", failure)
	errs.Set("password", RequiredWithin(form.Password, minPassword(c), maxFormText))
	switch {
	case form.PasswordConfirm == "":
		errs.Set("passwordConfirm", validation.Required)
	case form.PasswordConfirm != form.Password:
		errs.Set("passwordConfirm", validation.Mismatch)
	}
	if len(errs) > 0 {
		return CheckForm(errs)
	}
	r := session.Record
	body := map[string]any{"password": form.Password}
	if mailed := session.Claims.Email; mailed != "" && mailed == r.Text("email") && !r.Bool("verified") {
		body["verified"] = true // the link was read where it had been sent
	}
	return f.redeem(ctx, PasswordResetToken, r, body)
}

func (f *Confirmations) resetToken(ctx context.Context, c *schema.Collection, token string) (s *Session, failure *validation.Error, err error) {
	if token == "" {
		return nil, validation.Required, nil
	}
	return f.tokenOf(ctx, c, token, PasswordResetToken)
}

// minPassword is how short a password may be.
func minPassword(c *schema.Collection) int {
	if f, ok := c.Field("password").(*schema.PasswordField); ok && f.Min > 0 {
		return f.Min
	}
	return 1
}
