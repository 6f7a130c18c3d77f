package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// The placeholders of templates beside those that every mail has.
const (
	tokenPlaceholder = "{TOKEN}"
	codePlaceholder  = "{OTP}"
	codeIDHolder     = "{OTP_ID}"
	alertPlaceholder = "{ALERT_INFO}"
)

// compose makes a mail of a template for a record.
func (d *Desk) compose(t schema.EmailTemplate, r *records.Record, to string, values map[string]string) *mailer.Message {
	return mailer.Compose(&d.Settings().Meta, t, r, to, values)
}

// tokenMail makes a mail with a token for a record.
func (d *Desk) tokenMail(t schema.EmailTemplate, r *records.Record, to string, g Grant) (*mailer.Message, error) {
	token, err := Issue(r, g, time.Now())
	if err != nil {
		return nil, err
	}
	return d.compose(t, r, to, map[string]string{tokenPlaceholder: token}), nil
}

// byEmail returns the record of a collection with that address, nil when there is none. The unique index decides whether
// the case of letters counts.
func (d *Desk) byEmail(ctx context.Context, collectionID, email string) (found *records.Record, err error) {
	err = d.DB.Read(ctx, func(r *sqlite.Reader) error {
		c := d.Catalogue().ByID(collectionID)
		if c == nil || !c.IsAuth() || c.Auth == nil {
			return records.ErrNoCollection
		}
		found, err = findBy(r, c, "email", email)
		return err
	})
	if errors.Is(err, records.ErrNotFound) {
		return nil, nil // deleted between the index and the row
	}
	return found, err
}

// change updates a record on behalf of somebody who showed a token or a code. It fails with records.ErrTokenKey when the
// record's tokens have ended since r was read.
func (d *Desk) change(ctx context.Context, r *records.Record, body map[string]any) (*records.Record, error) {
	in := records.WriteInput{CollectionID: r.Collection.ID, Body: body, SkipRules: true, TokenKey: r.Text("tokenKey")}
	cmd, err := d.Store.PrepareUpdate(ctx, r.ID(), in)
	if err == nil {
		err = d.Write(ctx, r.Collection, cmd)
	}
	if err != nil {
		return nil, err
	}
	if cmd.Result == nil {
		return r, nil // a hook kept it as it is
	}
	return cmd.Result, nil
}

// randomPassword is a password that nobody knows. It needs not meet the rules of the field: nobody chose it.
func (d *Desk) randomPassword(ctx context.Context, c *schema.Collection) (schema.Password, error) {
	cost := 0
	if f, ok := c.Field("password").(*schema.PasswordField); ok {
		cost = f.HashCost()
	}
	hash, err := d.Passwords.Hash(ctx, schema.NewSecret(), cost)
	if err != nil {
		return schema.Password{}, fmt.Errorf("replace the password: %w", err)
	}
	return schema.Password{Hash: hash}, nil
}

// stale turns the outcome of a write that came too late for its token into what is said of an invalid token.
func stale(err error) error {
	if errors.Is(err, records.ErrTokenKey) || errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	return err
}
