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
	confirmations := g.confirmations()
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
		if err := confirmations.ConfirmPasswordReset(t.Context(), alice.Collection, form); !errors.As(err, &refused) {
			t.Fatalf("%q: %v", token, err)
		}
		if err := confirmations.ConfirmEmailChange(t.Context(), alice.Collection, form); !errors.As(err, &refused) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

// TestTokenOfAPassedState: a link whose record has changed between the look and the write changes nothing.
func TestTokenOfAPassedState(t *testing.T) {
	g := newRig(t, nil)
	alice := g.alice()
	confirmations := g.confirmations()
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
	if err := confirmations.ConfirmPasswordReset(t.Context(), alice.Collection, form); !errors.As(err, &refused) || refused.Fields["token"] == nil {
		t.Errorf("got %v", err)
	}
	r, err := g.data().Load(t.Context(), alice.Collection.ID, alice.ID())
	if err != nil {
		t.Fatal(err)
	}
	if is, err := g.data().HasPassword(t.Context(), r, "12345678"); err != nil || !is {
		t.Errorf("the old password: %v, %v", is, err)
	}
}

// TestTokensThatDoNotCountJudgeNothing: with a token that is not good nothing of the record that it names is compared, be it
// for another collection, used or of another kind: the answer is the same whatever the password is.
func TestTokensThatDoNotCountJudgeNothing(t *testing.T) {
	g := newRig(t, nil)
	alice := g.alice()
	confirmations := g.confirmations()
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
			err := confirmations.ConfirmEmailChange(t.Context(), c.of, &auth.ConfirmForm{Token: c.token, Password: password})
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
