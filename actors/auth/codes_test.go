package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

func withCodes(c *schema.Collection) {
	c.Auth.OTP.Enabled = true
	c.Auth.OTP.Length = 6
}

// TestOTPAttempts: five codes may be tried for a record from one address, then none for a while, whatever the code.
func TestOTPAttempts(t *testing.T) {
	g := newRig(t, withCodes)
	desk, alice := g.desk(), g.alice()
	now := time.Now()
	id, code, err := desk.CreateOTP(t.Context(), alice)
	if err != nil || len(code) != 6 {
		t.Fatalf("code of %d digits, %v", len(code), err)
	}
	try := func(ip, code string, now time.Time) error {
		_, err := desk.WithOTP(t.Context(), alice.Collection, &auth.OTPForm{OTPID: id, Password: code}, ip, now)
		return err
	}
	for range 5 {
		if err := try("10.0.0.1", "wrong", now); !errors.Is(err, auth.ErrOTP) {
			t.Fatal(err)
		}
	}
	if err := try("10.0.0.1", code, now); !errors.Is(err, auth.ErrOTPAttempts) {
		t.Errorf("the sixth attempt: %v", err)
	}
	if err := try("10.0.0.2", "wrong", now); !errors.Is(err, auth.ErrOTP) {
		t.Errorf("another address: %v", err)
	}
	if err := try("10.0.0.1", code, now.Add(180*time.Second)); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

// TestOTPOfNobodyCostsAsMuch: an id that does not exist is answered after as much work as a wrong code, and an unknown
// address after as much as a known one.
func TestOTPOfNobodyCostsAsMuch(t *testing.T) {
	g := newRig(t, withCodes)
	desk, alice := g.desk(), g.alice()
	_, err := desk.WithOTP(t.Context(), alice.Collection, &auth.OTPForm{OTPID: "missingmissing1", Password: "x"}, "10.0.0.1", time.Now())
	if !errors.Is(err, auth.ErrOTP) || g.hashed.Load() != 2 { // one is that of alice's password
		t.Errorf("%v after work on %d passwords", err, g.hashed.Load())
	}
	id, err := desk.RequestOTP(t.Context(), alice.Collection, "nobody@x.test", time.Now())
	if err != nil || len(id) != 15 || g.hashed.Load() != 3 {
		t.Errorf("%q, %v after work on %d passwords", id, err, g.hashed.Load())
	}
}

// TestOTPLongerThanBcrypt: options may ask for any length, and get what can be stored.
func TestOTPLongerThanBcrypt(t *testing.T) {
	g := newRig(t, func(c *schema.Collection) {
		c.Auth.OTP.Enabled = true
		c.Auth.OTP.Length = 1 << 40
	})
	desk, alice := g.desk(), g.alice()
	id, code, err := desk.CreateOTP(t.Context(), alice)
	if err != nil || len(code) != 71 {
		t.Fatalf("code of %d digits, %v", len(code), err)
	}
	form := &auth.OTPForm{OTPID: id, Password: code}
	if err := form.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := desk.WithOTP(t.Context(), alice.Collection, form, "10.0.0.1", time.Now()); err != nil {
		t.Error(err)
	}
}

// TestOTPOfAnotherCollection: a code counts for the collection that it was made for.
func TestOTPOfAnotherCollection(t *testing.T) {
	g := newRig(t, withCodes)
	g.change("_superusers", withCodes)
	desk := g.desk()
	id, code, err := desk.CreateOTP(t.Context(), g.alice())
	if err != nil {
		t.Fatal(err)
	}
	other := g.catalogue.Load().Find("_superusers")
	if _, err := desk.WithOTP(t.Context(), other, &auth.OTPForm{OTPID: id, Password: code}, "10.0.0.1", time.Now()); !errors.Is(err, auth.ErrOTP) {
		t.Error(err)
	}
}

// FuzzCodes goes through random steps with codes and sessions. However they follow one another: a code signs in once, before
// its time is over, at most five are tried in a row, and a session ends with a method that did not begin it.
func FuzzCodes(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 3, 4, 5})
	f.Add([]byte{0, 2, 2, 2, 2, 2, 2, 1, 6, 0, 1, 1})
	f.Add([]byte{3, 4, 4, 3, 5, 6, 4})
	g := newRig(f, func(c *schema.Collection) {
		withCodes(c)
		c.Auth.MFA.Enabled = true
	})
	alice := g.alice()
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 40 {
			return
		}
		desk := g.desk()
		began := time.Now()
		now := began
		var id, code, session string
		var made, opened time.Time
		tries := 0
		for _, step := range steps {
			switch step % 7 {
			case 0:
				var err error
				if id, code, err = desk.CreateOTP(t.Context(), alice); err != nil {
					t.Fatal(err)
				}
				made = time.Now()
			case 1, 2:
				form := &auth.OTPForm{OTPID: id, Password: code}
				if step%7 == 2 {
					form.Password = "wrong"
				}
				_, err := desk.WithOTP(t.Context(), alice.Collection, form, "10.0.0.1", now)
				usable := id != "" && now.Sub(made) < 180*time.Second
				if err == nil && (!usable || form.Password != code || tries >= 5) {
					t.Fatalf("%v: a code signs in that should not", steps)
				}
				if err == nil {
					id = ""
				} else if !errors.Is(err, auth.ErrOTP) && !errors.Is(err, auth.ErrOTPAttempts) {
					t.Fatal(err)
				}
				if usable {
					tries++
				}
			case 3:
				var second *auth.SecondMethodError
				if err := desk.Second(t.Context(), alice, "otp", "", now); !errors.As(err, &second) {
					t.Fatal(err)
				}
				session, opened = second.Session, time.Now()
			case 4, 5:
				method := []string{"password", "otp"}[step%7-4]
				if session == "" {
					continue
				}
				err := desk.Second(t.Context(), alice, method, session, now)
				if err == nil && (method == "otp" || now.Sub(opened) > 600*time.Second) {
					t.Fatalf("%v: a session ends that should not", steps)
				}
				if err == nil {
					if again := desk.Second(t.Context(), alice, method, session, now); !errors.Is(again, auth.ErrMFASession) {
						t.Fatalf("%v: a session ends twice: %v", steps, again)
					}
					session = ""
				}
			case 6:
				now = now.Add(100 * time.Second)
				if now.Sub(began) >= 180*time.Second {
					tries = 0 // a window may have ended
				}
			}
		}
	})
}

// FuzzTokens: whatever comes as a token is a record's own or none, and forms that hold it are refused with a reason.
func FuzzTokens(f *testing.F) {
	g := newRig(f, nil)
	alice := g.alice()
	kinds := []auth.Kind{auth.AuthToken, auth.FileToken, auth.VerificationToken, auth.PasswordResetToken, auth.EmailChangeToken}
	good := make(map[string]auth.Kind)
	for _, kind := range kinds {
		token, err := auth.Issue(alice, auth.Grant{Kind: kind, NewEmail: "new@x.test"}, time.Now())
		if err != nil {
			f.Fatal(err)
		}
		good[token] = kind
		f.Add(token)
	}
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.eyJpZCI6ImFsaWNlYWFhYWFhYWFhMSJ9.")
	f.Add("eyJhbGciOiJIUzUxMiJ9.eyJpZCI6MX0.eA")
	verifier := g.verifier(nil)
	desk := g.desk()
	desk.Tokens = verifier
	f.Fuzz(func(t *testing.T, token string) {
		for _, kind := range kinds {
			s, err := verifier.Verify(t.Context(), token, kind)
			if err != nil {
				if !errors.Is(err, auth.ErrToken) {
					t.Fatal(err)
				}
				continue
			}
			if s.Claims.Kind != kind || s.Record.ID() != alice.ID() {
				t.Fatalf("%q is good as a token of kind %s", token, kind)
			}
		}
		if _, known := good[token]; known {
			return
		}
		form := &auth.ConfirmForm{Token: token}
		var refused *auth.FormError
		if err := desk.ConfirmPasswordReset(t.Context(), alice.Collection, form); !errors.As(err, &refused) {
			t.Fatalf("%q: %v", token, err)
		}
		if err := desk.ConfirmEmailChange(t.Context(), alice.Collection, form); !errors.As(err, &refused) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

// TestTokenOfAPassedState: a link whose record has changed between the look and the write changes nothing.
func TestTokenOfAPassedState(t *testing.T) {
	g := newRig(t, nil)
	alice := g.alice()
	desk := g.desk()
	desk.Tokens = g.verifier(nil)
	token, err := auth.Issue(alice, auth.Grant{Kind: auth.PasswordResetToken}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	hash := g.passwords.Hash
	g.passwords = records.Passwords{Matches: g.passwords.Matches, Hash: func(ctx context.Context, plain string, cost int) (string, error) {
		once.Do(func() { g.update(alice, map[string]any{"tokenKey:autogenerate": ""}) })
		return hash(ctx, plain, cost)
	}}
	form := &auth.ConfirmForm{Token: token, Password: "87654321", PasswordConfirm: "87654321"}
	var refused *auth.FormError
	if err := desk.ConfirmPasswordReset(t.Context(), alice.Collection, form); !errors.As(err, &refused) || refused.Fields["token"] == nil {
		t.Errorf("got %v", err)
	}
	if _, err := desk.WithPassword(t.Context(), alice.Collection.ID, &auth.PasswordForm{Identity: "alice@x.test", Password: "12345678"}); err != nil {
		t.Errorf("the old password: %v", err)
	}
}

func TestOTPRequestsAreBounded(t *testing.T) {
	g := newRig(t, withCodes)
	desk, alice := g.desk(), g.alice()
	now := time.Now()
	last := ""
	for i := range 10 {
		id, _, err := desk.CreateOTP(t.Context(), alice)
		if err != nil {
			t.Fatal(i, err)
		}
		last = id
	}
	for range 2 {
		if id, err := desk.RequestOTP(t.Context(), alice.Collection, "alice@x.test", now); err != nil || id != last {
			t.Errorf("the eleventh: %q, %v, want %q", id, err, last)
		}
	}
	for n := range 3 {
		if _, err := desk.RequestOTP(t.Context(), alice.Collection, fmt.Sprint("nobody", n, "@x.test"), now); err != nil {
			t.Error(err)
		}
	}
}

// TestSuperuserOTP is what the command line prints.
func TestSuperuserOTP(t *testing.T) {
	g := newRig(t, nil)
	s := g.superusers()
	root := g.create("_superusers", map[string]any{"email": "root@x.test", "password": "12345678"})
	if _, err := s.OTP(t.Context(), "root@x.test"); !errors.Is(err, auth.ErrSuperuserOTP) {
		t.Error(err)
	}
	g.change("_superusers", withCodes)
	otp, err := s.OTP(t.Context(), "root@x.test")
	if err != nil || otp.Life != 180*time.Second {
		t.Fatalf("%+v, %v", otp, err)
	}
	c := g.catalogue.Load().Find("_superusers")
	r, err := g.desk().WithOTP(t.Context(), c, &auth.OTPForm{OTPID: otp.ID, Password: otp.Code}, "10.0.0.1", time.Now())
	if err != nil || r.ID() != root.ID() {
		t.Errorf("%v", err)
	}
}

// TestOTPAttemptsOfManyClients: with many addresses one may not try more codes for a record than its share, and the records of
// others stay free.
func TestOTPAttemptsOfManyClients(t *testing.T) {
	g := newRig(t, withCodes)
	desk, alice := g.desk(), g.alice()
	now := time.Now()
	id, code, err := desk.CreateOTP(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i := range 40 {
		_, err := desk.WithOTP(t.Context(), alice.Collection, &auth.OTPForm{OTPID: id, Password: "wrong"}, fmt.Sprintf("2001:db8:0:%x::/64", i), now)
		switch {
		case errors.Is(err, auth.ErrOTP):
			tried++
		case !errors.Is(err, auth.ErrOTPAttempts):
			t.Fatal(err)
		}
	}
	if tried != 20 {
		t.Errorf("%d codes were tried from 40 networks", tried)
	}
	if _, err := desk.WithOTP(t.Context(), alice.Collection, &auth.OTPForm{OTPID: id, Password: code}, "10.0.0.1", now); !errors.Is(err, auth.ErrOTPAttempts) {
		t.Errorf("another address: %v", err)
	}
	if _, err := desk.WithOTP(t.Context(), alice.Collection, &auth.OTPForm{OTPID: id, Password: code}, "10.0.0.1", now.Add(180*time.Second)); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

// TestTokensThatDoNotCountJudgeNothing: with a token that is not good nothing of the record that it names is compared, be it
// for another collection, used or of another kind: the answer is the same whatever the password is.
func TestTokensThatDoNotCountJudgeNothing(t *testing.T) {
	g := newRig(t, nil)
	alice := g.alice()
	desk := g.desk()
	desk.Tokens = g.verifier(nil)
	issue := func(kind auth.Kind, now time.Time) string {
		token, err := auth.Issue(alice, auth.Grant{Kind: kind, NewEmail: "new@x.test"}, now)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	supers := g.catalogue.Load().Find("_superusers")
	good := issue(auth.EmailChangeToken, time.Now())
	for name, c := range map[string]struct {
		of    *schema.Collection
		token string
	}{
		"another collection": {supers, good},
		"ended":              {alice.Collection, issue(auth.EmailChangeToken, time.Now().Add(-time.Hour))},
		"another kind":       {alice.Collection, issue(auth.AuthToken, time.Now())},
		"forged":             {alice.Collection, good[:len(good)-4] + "AAAA"},
	} {
		before := g.hashed.Load()
		var told []string
		for _, password := range []string{"12345678", "wrong"} {
			err := desk.ConfirmEmailChange(t.Context(), c.of, &auth.ConfirmForm{Token: c.token, Password: password})
			var form *auth.FormError
			if !errors.As(err, &form) || form.Fields["token"] == nil || form.Fields["password"] == nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			told = append(told, fmt.Sprint(form.Fields))
		}
		if len(told) == 2 && told[0] != told[1] || g.hashed.Load() != before {
			t.Errorf("%s: the password was compared: %q", name, told)
		}
	}
}
