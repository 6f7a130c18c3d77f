package auth

import (
	"context"
	"errors"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

// ErrSuperuserOTP says that superusers do not sign in with one-time passwords. Its text is what the command line prints.
var ErrSuperuserOTP = errors.New("OTP auth is not enabled for the _superusers collection")

// IssuedOTP is a one-time password that was made for somebody who gets it without a mail.
type IssuedOTP struct {
	ID, Code string
	// Life is how long it counts.
	Life time.Duration
}

// OTP makes a one-time password for a superuser. It fails with [ErrDeletionEmail], [ErrNoSuperusers], a
// [*NoSuperuserError], [ErrSuperuserOTP], or the errors of the write.
func (s *Superusers) OTP(ctx context.Context, email string) (*IssuedOTP, error) {
	c, err := s.open(email)
	if errors.Is(err, ErrEmail) {
		return nil, ErrDeletionEmail
	}
	if err != nil {
		return nil, err
	}
	id, err := s.find(ctx, email)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, &NoSuperuserError{email}
	}
	r, err := s.Store.Load(ctx, c.ID, id)
	if err != nil {
		return nil, err
	}
	desk := &Desk{DB: s.DB, Catalogue: s.Catalogue, Store: s.Store, Passwords: s.Passwords, Write: s.Write}
	otp, code, err := desk.CreateOTP(ctx, r)
	if errors.Is(err, ErrOTPOff) {
		return nil, ErrSuperuserOTP
	}
	if err != nil {
		return nil, err
	}
	return &IssuedOTP{ID: otp, Code: code, Life: otpLife(c)}, nil
}

// otpLife is how long one-time passwords of a collection count.
func otpLife(c *schema.Collection) time.Duration {
	return time.Duration(c.Auth.OTP.Duration) * time.Second
}
