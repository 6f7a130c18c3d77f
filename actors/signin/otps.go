package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

const (
	// otpsName is the collection of one-time passwords.
	otpsName = "_otps"
	// maxLiveOTPs is how many one-time passwords a record may have at once.
	maxLiveOTPs = 10
	// maxOTPLength is how many digits a code has at most, whatever the options say: bcrypt takes no more.
	maxOTPLength = 71
)

// OTPs are the one-time passwords of an application's records. It is safe for concurrent use; make one with [NewOTPs].
type OTPs struct{ data *auth.Data }

// NewOTPs returns the one-time passwords of an application.
func NewOTPs(data *auth.Data) *OTPs { return &OTPs{data} }

// IssuedOTP is a one-time password that was made for somebody who gets it without a mail.
type IssuedOTP struct {
	ID, Code string
	// Life is how long it counts.
	Life time.Duration
}

// Create makes a one-time password for a record without a mail. It fails with [ErrOTPOff], auth.ErrBusy or the errors of the
// write.
func (o *OTPs) Create(ctx context.Context, r *records.Record) (*IssuedOTP, error) {
	otps := o.data.Collection(otpsName)
	if !r.Collection.Auth.OTP.Enabled || otps == nil {
		return nil, ErrOTPOff
	}
	code := newCode(r.Collection.Auth.OTP.Length)
	hash, err := o.data.Hash(ctx, otps, code)
	if err != nil {
		return nil, err
	}
	made, err := o.store(ctx, otps, r, hash)
	if err != nil {
		return nil, err
	}
	return &IssuedOTP{ID: made.ID(), Code: code, Life: otpLife(r.Collection)}, nil
}

func (o *OTPs) store(ctx context.Context, otps *schema.Collection, r *records.Record, hash string) (*records.Create, error) {
	body := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "password": schema.Password{Hash: hash}}
	made, err := o.data.Create(ctx, otps, body)
	if err != nil {
		return nil, fmt.Errorf("create one-time password: %w", err)
	}
	return made, nil
}

// newest returns the id of the newest one-time password of a record that has as many as it may, otherwise "".
func (o *OTPs) newest(ctx context.Context, otps *schema.Collection, r *records.Record, now time.Time) (id string, err error) {
	life := otpLife(r.Collection)
	live := 0
	err = o.data.Read(ctx, func(reader *sqlite.Reader) error {
		id, live = "", 0
		stmt, err := reader.Prepare("SELECT `id` FROM " + sqlite.QuoteName(otps.Name) + " WHERE `collectionRef` = ? AND `recordRef` = ? AND `created` >= ?" +
			" ORDER BY `created` DESC, `rowid` DESC LIMIT ?")
		if err != nil {
			return err
		}
		stmt.BindText(1, r.Collection.ID)
		stmt.BindText(2, r.ID())
		stmt.BindText(3, schema.FormatDate(now.Add(-life)))
		stmt.BindInt64(4, maxLiveOTPs)
		for ; ; live++ {
			more, err := stmt.Step()
			if err != nil || !more {
				return err
			}
			if live == 0 {
				id = stmt.ColumnText(0)
			}
		}
	})
	if err != nil {
		return "", fmt.Errorf("count one-time passwords: %w", err)
	}
	if live < maxLiveOTPs {
		return "", nil
	}
	return id, nil
}

// find returns a one-time password of a collection that counts, and its record. It fails with [ErrOTP] when there is none.
func (o *OTPs) find(ctx context.Context, c *schema.Collection, id string, now time.Time) (otp, r *records.Record, err error) {
	otps := o.data.Collection(otpsName)
	if otps == nil {
		return nil, nil, fmt.Errorf("one-time password: %w", records.ErrNoCollection)
	}
	err = o.data.ReadAuth(ctx, c.ID, func(reader *sqlite.Reader, of *schema.Collection) error {
		otp, err = records.Find(reader, otps, id)
		if err != nil {
			return err
		}
		created, ok := schema.ParseDate(otp.Text("created"))
		life := otpLife(c)
		if !ok || now.Sub(created) > life || otp.Text("collectionRef") != c.ID {
			return records.ErrNotFound
		}
		r, err = records.Find(reader, of, otp.Text("recordRef"))
		return err
	})
	if errors.Is(err, records.ErrNotFound) {
		err = ErrOTP
	}
	return otp, r, err
}

// nobody takes as long as a comparison with a code.
func (o *OTPs) nobody(ctx context.Context) error {
	otps := o.data.Collection(otpsName)
	if otps == nil {
		return fmt.Errorf("one-time password: %w", records.ErrNoCollection)
	}
	_, err := o.data.Hash(ctx, otps, "nobody's code")
	return err
}

// end deletes a one-time password. Of two that come with the same one the second is told that there is none: [ErrOTP].
func (o *OTPs) end(ctx context.Context, otp *records.Record) error {
	err := o.data.Delete(ctx, otp.Collection, otp.ID())
	if errors.Is(err, records.ErrNotFound) {
		return ErrOTP
	}
	if err != nil {
		return fmt.Errorf("use up one-time password: %w", err)
	}
	return nil
}

// otpLife is how long one-time passwords of a collection count.
func otpLife(c *schema.Collection) time.Duration {
	return time.Duration(c.Auth.OTP.Duration) * time.Second
}

// newCode draws a code of decimal digits without a bias.
func newCode(length int) string {
	length = min(length, maxOTPLength)
	out := make([]byte, 0, length)
	var buf [32]byte
	for len(out) < length {
		_, _ = rand.Read(buf[:]) // never fails, see crypto/rand
		for _, b := range buf {
			if b < 250 && len(out) < length {
				out = append(out, '0'+b%10)
			}
		}
	}
	return string(out)
}

// newID makes an id up that a record of the collection could have.
func newID(c *schema.Collection) string {
	if g, ok := c.Field("id").(schema.Generator); ok {
		if v, ok := g.Generate(); ok {
			id, _ := v.(string)
			return id
		}
	}
	return ""
}
