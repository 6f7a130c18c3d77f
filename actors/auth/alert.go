package auth

import (
	"context"
	"fmt"
	"html"

	"github.com/troupebase/troupe/storage/records"
)

// SendAlert mails a record that somebody signed in as it from a new place, and waits until the mail was sent. It fails with
// [ErrMail]. It is what [Desk.Alert] is meant to be.
func (d *Desk) SendAlert(ctx context.Context, r *records.Record, info string) error {
	values := map[string]string{alertPlaceholder: html.EscapeString(info)}
	message := d.compose(r.Collection.Auth.AuthAlert.EmailTemplate, r, r.Text("email"), values)
	if err := d.Mail.Send(ctx, message); err != nil {
		return fmt.Errorf("auth alert: %w: %w", ErrMail, err)
	}
	return nil
}
