package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// Confirmations are the changes of a record that it asks for and then confirms with a token that was mailed to it: that its
// address is its own, another password, another address. It is safe for concurrent use; make one with [NewConfirmations].
type Confirmations struct {
	data   *Data
	mails  *Mails
	tokens *Verifier
	pauses pauses
}

// NewConfirmations returns the confirmations of an application's records. tokens checks what comes back from the mails.
func NewConfirmations(data *Data, mails *Mails, tokens *Verifier) *Confirmations {
	return &Confirmations{data: data, mails: mails, tokens: tokens}
}

// ConfirmForm is the body that comes back from a mail with a link.
type ConfirmForm struct {
	Token           string `json:"token"`
	Password        string `json:"password"`
	PasswordConfirm string `json:"passwordConfirm"`
}

// redeem makes the change of r that a mailed token of a kind stands for, and lets the record get another mail of that kind. It
// fails with a [*FormError] when the token was used meanwhile, or with the errors of the write.
func (f *Confirmations) redeem(ctx context.Context, kind Kind, r *records.Record, body map[string]any) error {
	if _, err := f.data.Change(ctx, r, body); err != nil {
		if errors.Is(stale(err), ErrToken) {
			return &FormError{validation.Errors{"token": invalidToken}}
		}
		return err
	}
	f.pauses.forget(pauseKey{kind, r.Collection.ID, r.ID()})
	return nil
}

// tokenOf checks a token of a kind that is used once for a record of c; failure is what is wrong with it.
func (f *Confirmations) tokenOf(ctx context.Context, c *schema.Collection, token string, kind Kind) (s *Session, failure *validation.Error, err error) {
	s, err = f.tokens.Verify(ctx, token, kind)
	switch {
	case errors.Is(err, ErrToken), errors.Is(err, records.ErrNotFound):
		return nil, invalidToken, nil
	case err != nil:
		return nil, nil, err
	case s.Record.Collection.ID != c.ID:
		return nil, invalidTokenCollection, nil // nothing of the foreign record is looked at any more
	}
	return s, nil, nil
}

// stale turns the outcome of a write that came too late for its token into what is said of an invalid token.
func stale(err error) error {
	if errors.Is(err, records.ErrTokenKey) || errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	return err
}
