package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// afterMail bounds what is written once a mail was sent.
const afterMail = 10 * time.Second

// RequestOTP mails a one-time password to the record with that address and returns its id. Where there is no such record
// the id is made up, and the answer takes as long. It fails with [ErrOTPOff], auth.ErrBusy, records.ErrNoCollection, or the
// errors of the write.
func (s *Service) RequestOTP(ctx context.Context, c *schema.Collection, email string) (id string, err error) {
	otps := s.data.Collection(otpsName)
	switch {
	case !c.Auth.OTP.Enabled:
		return "", ErrOTPOff
	case otps == nil:
		return "", fmt.Errorf("one-time password: %w", records.ErrNoCollection)
	}
	r, err := s.data.ByEmail(ctx, c.ID, email)
	if err != nil {
		return "", err
	}
	code := newCode(c.Auth.OTP.Length)
	hash, err := s.data.Hash(ctx, otps, code)
	if err != nil {
		return "", err
	}
	if r == nil {
		return newID(otps), nil
	}
	// One at a time, so that requests at once do not make more than there may be.
	defer s.requests.lock(r.ID())()
	id, err = s.otps.newest(ctx, otps, r, s.now())
	if err != nil || id != "" {
		return id, err
	}
	made, err := s.otps.store(ctx, otps, r, hash)
	if err != nil {
		return "", err
	}
	if made.Result != nil { // a hook may keep it from being stored
		s.mailOTP(r, made.Result, code)
	}
	return made.ID(), nil
}

// mailOTP mails a code. What was mailed where is noted, so that signing in with it can verify the address; a code that
// reached nobody is deleted.
func (s *Service) mailOTP(r, otp *records.Record, code string) {
	s.mails.QueueCode(r, otp.ID(), code, func(address string, err error) {
		ctx, cancel := context.WithTimeout(context.Background(), afterMail)
		defer cancel()
		if err != nil {
			err = s.otps.end(ctx, otp)
		} else {
			err = s.otps.noteSent(ctx, otp, address)
		}
		if err != nil && !errors.Is(err, ErrOTP) {
			s.log.Error("note the mail of a one-time password", "error", err)
		}
	})
}

// noteSent notes where a code was mailed to.
func (o *OTPs) noteSent(ctx context.Context, otp *records.Record, address string) error {
	stored, err := o.data.Load(ctx, otp.Collection.ID, otp.ID())
	if errors.Is(err, records.ErrNotFound) {
		return nil // used, or ended
	}
	if err != nil || stored.Text("sentTo") != "" {
		return err
	}
	_, err = o.data.Update(ctx, otp.Collection, otp.ID(), map[string]any{"sentTo": address})
	if errors.Is(err, records.ErrNotFound) {
		return nil
	}
	return err
}
