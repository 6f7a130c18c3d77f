package troupe

import (
	"context"
	"net/mail"

	"github.com/troupebase/troupe/actors/mailer"
)

// Message is a mail to one address.
type Message struct {
	// From is the sender; the zero value is that of the settings.
	From mail.Address
	// To is the recipient.
	To      mail.Address
	Subject string
	// HTML is the whole page; the part in plain text is made of it.
	HTML string
}

// SendMail delivers a mail through the server of the settings, or the machine's sendmail program where none is set, and waits until it was, or
// until ctx ends. It is tried once.
func (a *App) SendMail(ctx context.Context, m *Message) error {
	if !a.inner.Ready() {
		return ErrNotOpen
	}
	conf := a.inner.Settings.Current()
	out := mailer.Message(*m)
	if out.From.Address == "" {
		out.From = mail.Address{Name: conf.Meta.SenderName, Address: conf.Meta.SenderAddress}
	}
	return a.inner.Mailer.Send(ctx, &out)
}
