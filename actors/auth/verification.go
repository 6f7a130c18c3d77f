package auth

import (
	"context"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// RequestVerification mails a link with which a record proves that its address is its own. Nobody is told whether there is
// such a record, whether it is verified, or whether it was asked for a moment ago. It fails with records.ErrNoCollection
// or the errors of the database.
func (f *Confirmations) RequestVerification(ctx context.Context, c *schema.Collection, email string, now time.Time) error {
	r, err := f.data.ByEmail(ctx, c.ID, email)
	if err != nil || r == nil || r.Bool("verified") {
		return err
	}
	key := pauseKey{VerificationToken, c.ID, r.ID()}
	if !f.pauses.begin(key, now) {
		return nil
	}
	f.mails.queueToken("verification", r.Collection.Auth.VerificationTemplate, r, Grant{Kind: VerificationToken},
		func(error) { f.pauses.end(key, time.Now(), true) })
	return nil
}

// ConfirmVerification marks the record of a token as verified. It fails with a [*FormError] or the errors of the write.
func (f *Confirmations) ConfirmVerification(ctx context.Context, c *schema.Collection, form *ConfirmForm) error {
	session, failure, err := f.verificationToken(ctx, c, form.Token)
	if err != nil {
		return err
	}
	if failure != nil {
		return &FormError{validation.Errors{"token": failure}}
	}
	r := session.Record
	if r.Bool("verified") {
		return nil
	}
	body := map[string]any{"verified": true}
	if !r.Collection.Auth.PasswordAuth.Enabled {
		if body["password"], err = f.data.RandomPassword(ctx, r.Collection); err != nil {
			return err
		}
	}
	return f.redeem(ctx, VerificationToken, r, body)
}

// verificationToken checks a token; failure is what is wrong with it, and there is no session then.
func (f *Confirmations) verificationToken(ctx context.Context, c *schema.Collection, token string) (s *Session, failure *validation.Error, err error) {
	if token == "" {
		return nil, validation.Required, nil
	}
	if textClaim(token, "email") == "" {
		return nil, invalidTokenClaims, nil
	}
	s, failure, err = f.tokenOf(ctx, c, token, VerificationToken)
	if err == nil && failure == nil && s.Record.Text("email") != s.Claims.Email {
		failure = invalidTokenEmail
	}
	return s, failure, err
}
