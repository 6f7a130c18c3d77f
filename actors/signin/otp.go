package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

var (
	// ErrOTPOff says that the collection does not let anybody sign in with a one-time password.
	ErrOTPOff = errors.New("one-time passwords are not enabled")
	// ErrOTP says that there is no such one-time password, that its time is over, or that the code is another one; nobody
	// is told which.
	ErrOTP = errors.New("invalid or expired one-time password")
)

// OTP is a one-time password. Make one with [Service.OTP], and fill it.
type OTP struct {
	ID   string `json:"otpId"`
	Code string `json:"password"`

	data *auth.Data
	otps *OTPs
	now  func() time.Time
	otp  *records.Record // that was found, nil for none
}

// OTP returns a one-time password to be filled.
func (s *Service) OTP() *OTP { return &OTP{data: s.data, otps: s.otps, now: s.now} }

// Kind implements [Credential].
func (p *OTP) Kind() Kind { return Kind{Method: "otp", Guessable: true} }

// Enabled implements [Credential]. It fails with [ErrOTPOff].
func (p *OTP) Enabled(o *schema.AuthOptions) error {
	if !o.OTP.Enabled {
		return ErrOTPOff
	}
	return nil
}

// Validate implements [Credential].
func (p *OTP) Validate(*schema.AuthOptions) error {
	errs := validation.Errors{}
	errs.Set("otpId", auth.RequiredText(p.ID))
	errs.Set("password", auth.RequiredWithin(p.Code, 1, maxOTPLength))
	return auth.CheckForm(errs)
}

// Claim implements [Credential]: it finds the one-time password and its record. It fails with records.ErrNoCollection or the
// errors of the database.
func (p *OTP) Claim(ctx context.Context, c *schema.Collection) (r *records.Record, err error) {
	p.otp, r, err = p.otps.find(ctx, c, p.ID, p.now())
	if errors.Is(err, ErrOTP) {
		return nil, nil
	}
	return r, err
}

// Verify implements [Credential]. A code that is right is used up, and verifies the address that it was mailed to. It fails
// with [ErrOTP], auth.ErrBusy, or the errors of the write.
func (p *OTP) Verify(ctx context.Context, _ *Attempt, claimed *records.Record) (*Proof, error) {
	if claimed == nil {
		// As much work as for a wrong code: how long it takes says nothing about the id.
		if err := p.otps.nobody(ctx); err != nil {
			return nil, err
		}
		return nil, ErrOTP
	}
	matches, err := p.data.HasPassword(ctx, p.otp, p.Code)
	if err != nil {
		return nil, err
	}
	if !matches {
		return nil, ErrOTP
	}
	if err := p.otps.end(ctx, p.otp); err != nil {
		return nil, err
	}
	r, err := p.verified(ctx, claimed)
	if err != nil {
		return nil, err
	}
	return &Proof{Record: r}, nil
}

// verified marks a record as verified whose address the code was mailed to. Whoever set its password may have been somebody
// else, so it is replaced, unless a password alone lets nobody in.
func (p *OTP) verified(ctx context.Context, r *records.Record) (*records.Record, error) {
	sentTo := p.otp.Text("sentTo")
	if r.Bool("verified") || sentTo == "" || sentTo != r.Text("email") {
		return r, nil
	}
	body := map[string]any{"verified": true}
	if !r.Collection.Auth.MFA.Enabled {
		password, err := p.data.RandomPassword(ctx, r.Collection)
		if err != nil {
			return nil, err
		}
		body["password"] = password
	}
	changed, err := p.data.Change(ctx, r, body)
	if errors.Is(err, records.ErrTokenKey) || errors.Is(err, records.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrOTP, err) // its one-time passwords have ended meanwhile
	}
	return changed, err
}
