package auth

import (
	"context"
	"errors"
	"fmt"
	"html"
	"time"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

// ErrMail says that a mail that somebody waits for could not be sent.
var ErrMail = errors.New("the mail was not sent")

// The placeholders of templates beside those that every mail has.
const (
	tokenPlaceholder = "{TOKEN}"
	codePlaceholder  = "{OTP}"
	codeIDHolder     = "{OTP_ID}"
	alertPlaceholder = "{ALERT_INFO}"
)

// codeMailAttempts is how often the mail with a code is tried: a code is waited for, and does not live long.
const codeMailAttempts = 3

// Mails are the mails to auth records, made of the templates of their collections. It is safe for concurrent use; make one
// with [NewMails].
type Mails struct {
	data     *Data
	mailer   *mailer.Mailer
	settings func() *settings.Settings
}

// NewMails returns the mails that a mailer delivers. current returns the current settings.
func NewMails(data *Data, m *mailer.Mailer, current func() *settings.Settings) *Mails {
	return &Mails{data: data, mailer: m, settings: current}
}

// Alert mails a record that somebody signed in as it from a new place, and waits until the mail was sent. It fails with
// [ErrMail].
func (m *Mails) Alert(ctx context.Context, r *records.Record, info string) error {
	values := map[string]string{alertPlaceholder: html.EscapeString(info)}
	message := m.compose(r.Collection.Auth.AuthAlert.EmailTemplate, r, r.Text("email"), values)
	if err := m.mailer.Send(ctx, message); err != nil {
		return fmt.Errorf("auth alert: %w: %w", ErrMail, err)
	}
	return nil
}

// QueueCode mails a one-time password to a record, without waiting for that. done is called once with the address that the
// mail went to, or with the reason for which it was given up, on a goroutine of the mailer.
func (m *Mails) QueueCode(r *records.Record, id, code string, done func(address string, err error)) {
	m.mailer.Queue(mailer.Mail{
		What:     "one-time password",
		Attempts: codeMailAttempts,
		Make: func() (*mailer.Message, error) {
			values := map[string]string{codePlaceholder: code, codeIDHolder: id}
			return m.compose(r.Collection.Auth.OTP.EmailTemplate, r, r.Text("email"), values), nil
		},
		Done: func(delivered *mailer.Message, err error) {
			if err != nil {
				done("", err)
				return
			}
			done(delivered.To.Address, nil)
		},
	})
}

// queueToken mails a token to a record, without waiting for that. done is called once with the outcome.
func (m *Mails) queueToken(what string, t schema.EmailTemplate, r *records.Record, g Grant, done func(error)) {
	m.mailer.Queue(mailer.Mail{
		What: what,
		Make: func() (*mailer.Message, error) { return m.withToken(t, r, r.Text("email"), g) },
		Done: func(_ *mailer.Message, err error) { done(err) },
	})
}

// sendToken mails a token to an address and waits until it was sent. It fails with [ErrMail].
func (m *Mails) sendToken(ctx context.Context, t schema.EmailTemplate, r *records.Record, to string, g Grant) error {
	message, err := m.withToken(t, r, to, g)
	if err != nil {
		return err
	}
	if err := m.mailer.Send(ctx, message); err != nil {
		return fmt.Errorf("%w: %w", ErrMail, err)
	}
	return nil
}

// withToken makes a mail with a token for a record.
func (m *Mails) withToken(t schema.EmailTemplate, r *records.Record, to string, g Grant) (*mailer.Message, error) {
	token, err := Issue(r, g, time.Now())
	if err != nil {
		return nil, err
	}
	return m.compose(t, r, to, map[string]string{tokenPlaceholder: token}), nil
}

// compose makes a mail of a template for a record.
func (m *Mails) compose(t schema.EmailTemplate, r *records.Record, to string, values map[string]string) *mailer.Message {
	return mailer.Compose(&m.settings().Meta, t, r, to, values)
}
