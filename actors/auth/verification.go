package auth

import (
	"context"
	"errors"
	"time"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// ErrSuperusers says that superusers do not do this by mail.
var ErrSuperusers = errors.New("not for superusers")

// RequestVerification mails a link with which a record proves that its address is its own. Nobody is told whether there is
// such a record, whether it is verified, or whether it was asked for a moment ago. It fails with records.ErrNoCollection
// or the errors of the database.
func (d *Desk) RequestVerification(ctx context.Context, c *schema.Collection, email string, now time.Time) error {
	r, err := d.byEmail(ctx, c.ID, email)
	if err != nil || r == nil || r.Bool("verified") {
		return err
	}
	key := pauseKey{VerificationToken, c.ID, r.ID()}
	if !d.pauses.begin(key, now) {
		return nil
	}
	d.Mail.Queue(mailer.Mail{
		What: "verification",
		Make: func() (*mailer.Message, error) {
			return d.tokenMail(r.Collection.Auth.VerificationTemplate, r, r.Text("email"), Grant{Kind: VerificationToken})
		},
		Done: func(*mailer.Message, error) { d.pauses.end(key, time.Now(), true) },
	})
	return nil
}

// ConfirmForm is the body that comes back from a mail with a link.
type ConfirmForm struct {
	Token           string `json:"token"`
	Password        string `json:"password"`
	PasswordConfirm string `json:"passwordConfirm"`
}

// ConfirmVerification marks the record of a token as verified. It fails with a [*FormError] or the errors of the write.
func (d *Desk) ConfirmVerification(ctx context.Context, c *schema.Collection, form *ConfirmForm) error {
	session, failure, err := d.verificationToken(ctx, c, form.Token)
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
		if body["password"], err = d.randomPassword(ctx, r.Collection); err != nil {
			return err
		}
	}
	return d.redeem(ctx, VerificationToken, r, body)
}

// verificationToken checks a token; failure is what is wrong with it, and there is no session then.
func (d *Desk) verificationToken(ctx context.Context, c *schema.Collection, token string) (s *Session, failure *validation.Error, err error) {
	if token == "" {
		return nil, validation.Required, nil
	}
	if textClaim(token, "email") == "" {
		return nil, leafTokenClaims, nil
	}
	s, failure, err = d.tokenOf(ctx, c, token, VerificationToken)
	if err == nil && failure == nil && s.Record.Text("email") != s.Claims.Email {
		failure = leafTokenEmail
	}
	return s, failure, err
}

// redeem makes the change of r that a mailed token of a kind stands for, and lets the record get another mail of that kind. It
// fails with a [*FormError] when the token was used meanwhile, or with the errors of the write.
func (d *Desk) redeem(ctx context.Context, kind Kind, r *records.Record, body map[string]any) error {
	if _, err := d.change(ctx, r, body); err != nil {
		if errors.Is(stale(err), ErrToken) {
			return &FormError{validation.Errors{"token": leafToken}}
		}
		return err
	}
	d.pauses.forget(pauseKey{kind, r.Collection.ID, r.ID()})
	return nil
}

// tokenOf checks a token of a kind that is used once for a record of c; failure is what is wrong with it.
func (d *Desk) tokenOf(ctx context.Context, c *schema.Collection, token string, kind Kind) (s *Session, failure *validation.Error, err error) {
	s, err = d.Tokens.Verify(ctx, token, kind)
	switch {
	case errors.Is(err, ErrToken), errors.Is(err, records.ErrNotFound):
		return nil, leafToken, nil
	case err != nil:
		return nil, nil, err
	case s.Record.Collection.ID != c.ID:
		return nil, leafTokenCollection, nil // nothing of the foreign record is looked at any more
	}
	return s, nil, nil
}
