package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

const (
	// otpsName is the collection of one-time passwords.
	otpsName = "_otps"
	// maxLiveOTPs is how many one-time passwords a record may have at once.
	maxLiveOTPs = 10
	// maxOTPLength is how many digits a code has at most, whatever the options say: bcrypt takes no more.
	maxOTPLength = 71
	// otpMailAttempts is how often the mail with a code is tried: a code is waited for, and does not live long.
	otpMailAttempts = 3
	// afterMail bounds what is written once a mail was sent.
	afterMail = 10 * time.Second
)

var (
	// ErrOTPOff says that the collection does not let anybody sign in with a one-time password.
	ErrOTPOff = errors.New("one-time passwords are not enabled")
	// ErrOTP says that there is no such one-time password, that its time is over, or that the code is another one; nobody
	// is told which.
	ErrOTP = errors.New("invalid or expired one-time password")
	// ErrOTPAttempts says that too many codes were tried.
	ErrOTPAttempts = errors.New("too many one-time passwords were tried")
)

// OTPForm is the body of a sign-in with a one-time password.
type OTPForm struct {
	OTPID    string `json:"otpId"`
	Password string `json:"password"`
}

// Validate checks the form.
func (f *OTPForm) Validate() error {
	errs := validation.Errors{}
	errs.Set("otpId", requiredText(f.OTPID))
	errs.Set("password", requiredWithin(f.Password, 1, maxOTPLength))
	return formError(errs)
}

// RequestOTP mails a one-time password to the record with that address and returns its id. Where there is no such record
// the id is made up, and the answer takes as long. It fails with [ErrOTPOff], [ErrBusy], records.ErrNoCollection, or the
// errors of the write.
func (d *Desk) RequestOTP(ctx context.Context, c *schema.Collection, email string, now time.Time) (id string, err error) {
	otps := d.Catalogue().Find(otpsName)
	switch {
	case !c.Auth.OTP.Enabled:
		return "", ErrOTPOff
	case otps == nil:
		return "", fmt.Errorf("one-time password: %w", records.ErrNoCollection)
	}
	r, err := d.byEmail(ctx, c.ID, email)
	if err != nil {
		return "", err
	}
	code := newCode(c.Auth.OTP.Length)
	hash, err := d.Passwords.Hash(ctx, code, codeCost(otps))
	if err != nil {
		return "", err
	}
	if r == nil {
		return newID(otps), nil
	}
	// One at a time, so that requests at once do not make more than there may be.
	defer d.codes.take(r.ID())()
	id, err = d.newestOTP(ctx, otps, r, now)
	if err != nil || id != "" {
		return id, err
	}
	made, err := d.createOTP(ctx, otps, r, hash)
	if err != nil {
		return "", err
	}
	if made.Result != nil { // a hook may keep it from being stored
		d.mailOTP(r, made.Result, code)
	}
	return made.ID(), nil
}

// CreateOTP makes a one-time password for a record without a mail and returns its id and code. It fails with [ErrOTPOff] or
// the errors of the write.
func (d *Desk) CreateOTP(ctx context.Context, r *records.Record) (id, code string, err error) {
	otps := d.Catalogue().Find(otpsName)
	if !r.Collection.Auth.OTP.Enabled || otps == nil {
		return "", "", ErrOTPOff
	}
	code = newCode(r.Collection.Auth.OTP.Length)
	hash, err := d.Passwords.Hash(ctx, code, codeCost(otps))
	if err != nil {
		return "", "", err
	}
	made, err := d.createOTP(ctx, otps, r, hash)
	if err != nil {
		return "", "", err
	}
	return made.ID(), code, nil
}

func (d *Desk) createOTP(ctx context.Context, otps *schema.Collection, r *records.Record, hash string) (*records.Create, error) {
	body := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "password": schema.Password{Hash: hash}}
	cmd, err := d.Store.PrepareCreate(ctx, records.WriteInput{CollectionID: otps.ID, Body: body, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, otps, cmd)
	}
	if err != nil {
		return nil, fmt.Errorf("create one-time password: %w", err)
	}
	return cmd, nil
}

// mailOTP mails a code. What was mailed where is noted, so that signing in with it can verify the address; a code that
// reached nobody is deleted.
func (d *Desk) mailOTP(r, otp *records.Record, code string) {
	d.Mail.Queue(mailer.Mail{
		What:     "one-time password",
		Attempts: otpMailAttempts,
		Make: func() (*mailer.Message, error) {
			values := map[string]string{codePlaceholder: code, codeIDHolder: otp.ID()}
			return d.compose(r.Collection.Auth.OTP.EmailTemplate, r, r.Text("email"), values), nil
		},
		Done: func(delivered *mailer.Message, err error) {
			ctx, cancel := context.WithTimeout(context.Background(), afterMail)
			defer cancel()
			if err != nil {
				err = d.endOTP(ctx, otp)
			} else {
				err = d.noteSent(ctx, otp, delivered.To.Address)
			}
			if err != nil && !errors.Is(err, ErrOTP) && d.Log != nil {
				d.Log.Error("note the mail of a one-time password", "error", err)
			}
		},
	})
}

// noteSent notes where a code was mailed to.
func (d *Desk) noteSent(ctx context.Context, otp *records.Record, address string) error {
	stored, err := d.Store.Load(ctx, otp.Collection.ID, otp.ID())
	if errors.Is(err, records.ErrNotFound) {
		return nil // used, or ended
	}
	if err != nil || stored.Text("sentTo") != "" {
		return err
	}
	in := records.WriteInput{CollectionID: otp.Collection.ID, Body: map[string]any{"sentTo": address}, SkipRules: true}
	cmd, err := d.Store.PrepareUpdate(ctx, otp.ID(), in)
	if err == nil {
		err = d.Write(ctx, otp.Collection, cmd)
	}
	if errors.Is(err, records.ErrNotFound) {
		return nil
	}
	return err
}

// newestOTP returns the id of the newest one-time password of a record that has as many as it may, otherwise "".
func (d *Desk) newestOTP(ctx context.Context, otps *schema.Collection, r *records.Record, now time.Time) (id string, err error) {
	life := otpLife(r.Collection)
	live := 0
	err = d.DB.Read(ctx, func(reader *sqlite.Reader) error {
		id, live = "", 0
		stmt, err := reader.Prepare("SELECT `id` FROM `" + otps.Name + "` WHERE `collectionRef` = ? AND `recordRef` = ? AND `created` >= ?" +
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

// WithOTP returns the record that a one-time password belongs to, and uses it up. client is whom the try is charged to. A record
// that got the code by mail is verified by it. The form must be valid. It fails with [ErrOTPOff], [ErrOTP],
// [ErrOTPAttempts], [ErrBusy], records.ErrNoCollection, or the errors of the database. The auth rule is not asked.
func (d *Desk) WithOTP(ctx context.Context, c *schema.Collection, form *OTPForm, client string, now time.Time) (*records.Record, error) {
	otps := d.Catalogue().Find(otpsName)
	switch {
	case !c.Auth.OTP.Enabled:
		return nil, ErrOTPOff
	case otps == nil:
		return nil, fmt.Errorf("one-time password: %w", records.ErrNoCollection)
	}
	otp, r, err := d.findOTP(ctx, c, otps, form.OTPID, now)
	if errors.Is(err, ErrOTP) {
		// As much work as for a wrong code: how long it takes says nothing about the id.
		if _, busy := d.Passwords.Hash(ctx, "nobody's code", codeCost(otps)); busy != nil {
			return nil, busy
		}
	}
	if err != nil {
		return nil, err
	}
	if !d.attempts.take(c.ID, r.ID(), client, now) {
		return nil, ErrOTPAttempts
	}
	matches, err := d.isPassword(ctx, otp, form.Password)
	if err != nil {
		return nil, err
	}
	if !matches {
		return nil, ErrOTP
	}
	if err := d.endOTP(ctx, otp); err != nil {
		return nil, err
	}
	return d.verifiedByOTP(ctx, r, otp.Text("sentTo"))
}

// findOTP returns a one-time password of a collection that counts, and its record.
func (d *Desk) findOTP(ctx context.Context, c, otps *schema.Collection, id string, now time.Time) (otp, r *records.Record, err error) {
	err = d.DB.Read(ctx, func(reader *sqlite.Reader) error {
		otp, err = records.Find(reader, otps, id)
		if err != nil {
			return err
		}
		created, ok := schema.ParseDate(otp.Text("created"))
		life := otpLife(c)
		if !ok || now.Sub(created) > life || otp.Text("collectionRef") != c.ID {
			return records.ErrNotFound
		}
		of := d.Catalogue().ByID(c.ID)
		if of == nil || !of.IsAuth() || of.Auth == nil {
			return records.ErrNoCollection
		}
		r, err = records.Find(reader, of, otp.Text("recordRef"))
		return err
	})
	if errors.Is(err, records.ErrNotFound) {
		err = ErrOTP
	}
	return otp, r, err
}

// endOTP deletes a one-time password. Of two that come with the same one the second is told that there is none.
func (d *Desk) endOTP(ctx context.Context, otp *records.Record) error {
	cmd, err := d.Store.PrepareDelete(otp.ID(), records.WriteInput{CollectionID: otp.Collection.ID, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, otp.Collection, cmd)
	}
	if errors.Is(err, records.ErrNotFound) {
		return ErrOTP
	}
	if err != nil {
		return fmt.Errorf("use up one-time password: %w", err)
	}
	return nil
}

// verifiedByOTP marks a record as verified whose address the code was mailed to. Whoever set its password may have been
// somebody else, so it is replaced, unless a password alone lets nobody in.
func (d *Desk) verifiedByOTP(ctx context.Context, r *records.Record, sentTo string) (*records.Record, error) {
	if r.Bool("verified") || sentTo == "" || sentTo != r.Text("email") {
		return r, nil
	}
	body := map[string]any{"verified": true}
	if !r.Collection.Auth.MFA.Enabled {
		password, err := d.randomPassword(ctx, r.Collection)
		if err != nil {
			return nil, err
		}
		body["password"] = password
	}
	changed, err := d.change(ctx, r, body)
	if errors.Is(stale(err), ErrToken) {
		return nil, fmt.Errorf("%w: %w", ErrOTP, err) // its one-time passwords have ended meanwhile
	}
	return changed, err
}

// codeCost is the cost at which codes are hashed.
func codeCost(otps *schema.Collection) int {
	if f, ok := otps.Field("password").(*schema.PasswordField); ok {
		return f.HashCost()
	}
	return 0
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
