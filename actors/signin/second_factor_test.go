package signin_test

import (
	"errors"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

func withMFA(c *schema.Collection) {
	c.Auth.OTP.Enabled = true
	c.Auth.MFA.Enabled = true
}

// TestSecondMethod goes through the sessions of two records.
func TestSecondMethod(t *testing.T) {
	g := newRig(t, withMFA)
	alice := g.alice()
	bob := g.create("users", map[string]any{"email": "bob@x.test", "password": "12345678"})
	second := func(r *records.Record, method string, session any, later time.Duration) error {
		g.later.Store(int64(later))
		a := from(r.Collection, shown{method, r})
		a.MFASession = session
		_, err := g.service.SignIn(t.Context(), a)
		return err
	}
	begin := func(method string) string {
		t.Helper()
		var asked *signin.SecondFactorError
		if err := second(alice, method, nil, 0); !errors.As(err, &asked) {
			t.Fatal(err)
		}
		return asked.Session
	}
	first := begin("password")
	if other := begin("password"); other == first {
		t.Error("two sign-ins share a session")
	}
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"the same method", second(alice, "password", first, 0), signin.ErrMFAMethod},
		{"no text", second(alice, "otp", 1.0, 0), signin.ErrMFAID},
		{"unknown", second(alice, "otp", "missingmissing1", 0), signin.ErrMFASession},
		{"another record", second(bob, "otp", first, 0), signin.ErrMFARecord},
		{"the second method", second(alice, "otp", first, 9*time.Minute), nil},
		{"again", second(alice, "otp", first, 0), signin.ErrMFASession},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
	late := begin("otp")
	for range 2 {
		if err := second(alice, "password", late, 10*time.Minute+time.Second); !errors.Is(err, signin.ErrMFASession) {
			t.Errorf("an old session: %v", err)
		}
	}
	if err := second(alice, "password", late, 0); !errors.Is(err, signin.ErrMFASession) {
		t.Errorf("an old session was kept: %v", err)
	}
}

func TestWhoNeedsASecondMethod(t *testing.T) {
	for _, tt := range []struct {
		name    string
		enabled bool
		rule    string
		req     filter.Request
		want    bool
		err     error
	}{
		{"nobody", false, "", filter.Request{}, false, nil},
		{"everybody", true, "", filter.Request{}, true, nil},
		{"met", true, `emailVisibility = false`, filter.Request{}, true, nil},
		{"not met", true, `verified = true`, filter.Request{}, false, nil},
		{"the request", true, `@request.context = "password"`, filter.Request{Context: "otp"}, false, nil},
		{"a superuser asks", true, "", filter.Request{Auth: &filter.Identity{Superuser: true}}, true, nil},
		{"cannot be evaluated", true, `@collection.lost.id != ''`, filter.Request{}, false, signin.ErrMFARule},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, nil)
			g.lost("users", func(c *schema.Collection) {
				withMFA(c)
				c.Auth.MFA.Enabled, c.Auth.MFA.Rule = tt.enabled, tt.rule
			})
			a := from(g.Catalogue.Current().Find("users"), shown{"password", g.alice()})
			a.Request.Caller.Request = &tt.req
			_, err := g.service.SignIn(t.Context(), a)
			var asked *signin.SecondFactorError
			if got := errors.As(err, &asked); got != tt.want || !got && !errors.Is(err, tt.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}
