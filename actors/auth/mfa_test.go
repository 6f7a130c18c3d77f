package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

func withMFA(c *schema.Collection) {
	c.Auth.OTP.Enabled = true
	c.Auth.MFA.Enabled = true
}

// TestSecondMethod goes through the sessions of two records.
func TestSecondMethod(t *testing.T) {
	g := newRig(t, withMFA)
	desk := g.desk()
	alice := g.alice()
	bob := g.create("users", map[string]any{"email": "bob@x.test", "password": "12345678"})
	now := time.Now()
	begin := func(method string) string {
		t.Helper()
		var second *auth.SecondMethodError
		if err := desk.Second(t.Context(), alice, method, "", now); !errors.As(err, &second) {
			t.Fatal(err)
		}
		return second.Session
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
		{"the same method", desk.Second(t.Context(), alice, "password", first, now), auth.ErrMFAMethod},
		{"unknown", desk.Second(t.Context(), alice, "otp", "missingmissing1", now), auth.ErrMFASession},
		{"another record", desk.Second(t.Context(), bob, "otp", first, now), auth.ErrMFARecord},
		{"the second method", desk.Second(t.Context(), alice, "otp", first, now.Add(9*time.Minute)), nil},
		{"again", desk.Second(t.Context(), alice, "otp", first, now), auth.ErrMFASession},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
	late := begin("otp")
	for range 2 {
		if err := desk.Second(t.Context(), alice, "password", late, now.Add(10*time.Minute+time.Second)); !errors.Is(err, auth.ErrMFASession) {
			t.Errorf("an old session: %v", err)
		}
	}
	if err := desk.Second(t.Context(), alice, "password", late, now); !errors.Is(err, auth.ErrMFASession) {
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
		{"cannot be evaluated", true, `missing = 1`, filter.Request{}, false, auth.ErrMFARule},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, func(c *schema.Collection) {
				withMFA(c)
				c.Auth.MFA.Enabled, c.Auth.MFA.Rule = tt.enabled, tt.rule
			})
			got, err := g.desk().NeedsSecond(t.Context(), g.alice(), &tt.req)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
