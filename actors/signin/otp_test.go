package signin_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/schema"
)

// codeLife is how long the codes of tests count: longer than the window in which tries are counted.
const codeLife = 10 * time.Minute

func withCodes(c *schema.Collection) {
	c.Auth.OTP.Enabled = true
	c.Auth.OTP.Length = 6
	c.Auth.OTP.Duration = int64(codeLife / time.Second)
}

// TestOTPAttempts: five codes may be tried for a record from one address, then none for a while, whatever the code.
func TestOTPAttempts(t *testing.T) {
	g := newRig(t, withCodes)
	alice := g.alice()
	otp := g.otp(alice)
	if len(otp.Code) != 6 {
		t.Fatalf("code of %d digits", len(otp.Code))
	}
	try := func(client, code string) error {
		_, err := g.withOTP(g.service, alice.Collection, otp.ID, code, client)
		return err
	}
	for range 5 {
		if err := try("10.0.0.1", "wrong"); !errors.Is(err, signin.ErrOTP) {
			t.Fatal(err)
		}
	}
	before := g.hashed.Load()
	if err := try("10.0.0.1", otp.Code); !errors.Is(err, signin.ErrAttempts) || g.hashed.Load() != before {
		t.Errorf("the sixth attempt: %v after work on %d codes", err, g.hashed.Load()-before)
	}
	if err := try("10.0.0.2", "wrong"); !errors.Is(err, signin.ErrOTP) {
		t.Errorf("another address: %v", err)
	}
	g.later.Store(int64(180 * time.Second))
	if err := try("10.0.0.1", otp.Code); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

// TestOTPOfNobodyCostsAsMuch: an id that does not exist is answered after as much work as a wrong code, and an unknown
// address after as much as a known one.
func TestOTPOfNobodyCostsAsMuch(t *testing.T) {
	g := newRig(t, withCodes)
	alice := g.alice()
	_, err := g.withOTP(g.service, alice.Collection, "missingmissing1", "x", "10.0.0.1")
	if !errors.Is(err, signin.ErrOTP) || g.hashed.Load() != 1 {
		t.Errorf("%v after work on %d passwords", err, g.hashed.Load())
	}
	id, err := g.service.RequestOTP(t.Context(), alice.Collection, "nobody@x.test")
	if err != nil || len(id) != 15 || g.hashed.Load() != 2 {
		t.Errorf("%q, %v after work on %d passwords", id, err, g.hashed.Load())
	}
}

// TestOTPLongerThanBcrypt: options may ask for any length, and get what can be stored.
func TestOTPLongerThanBcrypt(t *testing.T) {
	g := newRig(t, func(c *schema.Collection) {
		c.Auth.OTP.Enabled = true
		c.Auth.OTP.Length = 1 << 40
	})
	alice := g.alice()
	otp := g.otp(alice)
	if len(otp.Code) != 71 {
		t.Fatalf("code of %d digits", len(otp.Code))
	}
	if _, err := g.withOTP(g.service, alice.Collection, otp.ID, otp.Code, "10.0.0.1"); err != nil {
		t.Error(err)
	}
}

// TestOTPOfAnotherCollection: a code counts for the collection that it was made for.
func TestOTPOfAnotherCollection(t *testing.T) {
	g := newRig(t, withCodes)
	g.change("_superusers", withCodes)
	otp := g.otp(g.alice())
	other := g.Catalogue.Current().Find("_superusers")
	if _, err := g.withOTP(g.service, other, otp.ID, otp.Code, "10.0.0.1"); !errors.Is(err, signin.ErrOTP) {
		t.Error(err)
	}
}

func TestOTPRequestsAreBounded(t *testing.T) {
	g := newRig(t, withCodes)
	alice := g.alice()
	last := ""
	for range 10 {
		last = g.otp(alice).ID
	}
	for range 2 {
		if id, err := g.service.RequestOTP(t.Context(), alice.Collection, "alice@x.test"); err != nil || id != last {
			t.Errorf("the eleventh: %q, %v, want %q", id, err, last)
		}
	}
	for n := range 3 {
		if _, err := g.service.RequestOTP(t.Context(), alice.Collection, fmt.Sprint("nobody", n, "@x.test")); err != nil {
			t.Error(err)
		}
	}
}

// TestOTPOfASuperuser: without a mail, as the command line makes one.
func TestOTPOfASuperuser(t *testing.T) {
	g := newRig(t, nil)
	root := g.create("_superusers", map[string]any{"email": "root@x.test", "password": "12345678"})
	otps := signin.NewOTPs(g.data)
	if _, err := otps.Create(t.Context(), root); !errors.Is(err, signin.ErrOTPOff) {
		t.Error(err)
	}
	g.change("_superusers", withCodes)
	root, err := g.data.Load(t.Context(), root.Collection.ID, root.ID())
	if err != nil {
		t.Fatal(err)
	}
	otp := g.otp(root)
	if otp.Life != codeLife {
		t.Errorf("counts for %s", otp.Life)
	}
	p := g.service.OTP()
	p.ID, p.Code = otp.ID, otp.Code
	a := from(root.Collection, p)
	a.SuperuserAddress = true
	var asked *signin.SecondFactorError // superusers always need a password as well
	if _, err := g.service.SignIn(t.Context(), a); !errors.As(err, &asked) {
		t.Error(err)
	}
}

// TestOTPAttemptsOfManyClients: with many addresses one may not try more codes for a record than its share, and the records of
// others stay free.
func TestOTPAttemptsOfManyClients(t *testing.T) {
	g := newRig(t, withCodes)
	alice := g.alice()
	otp := g.otp(alice)
	try := func(code, client string) error {
		_, err := g.withOTP(g.service, alice.Collection, otp.ID, code, client)
		return err
	}
	tried := 0
	for i := range 40 {
		switch err := try("wrong", fmt.Sprintf("2001:db8:0:%x::/64", i)); {
		case errors.Is(err, signin.ErrOTP):
			tried++
		case !errors.Is(err, signin.ErrAttempts):
			t.Fatal(err)
		}
	}
	if tried != 20 {
		t.Errorf("%d codes were tried from 40 networks", tried)
	}
	if err := try(otp.Code, "10.0.0.1"); !errors.Is(err, signin.ErrAttempts) {
		t.Errorf("another address: %v", err)
	}
	g.later.Store(int64(180 * time.Second))
	if err := try(otp.Code, "10.0.0.1"); err != nil {
		t.Errorf("after the window: %v", err)
	}
}
