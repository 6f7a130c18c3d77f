package signin_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// TestTokensWithoutSignIn: who has a token already, or is impersonated, is asked for no second factor, and no place is noted.
// The auth rule is asked, unless a superuser does.
func TestTokensWithoutSignIn(t *testing.T) {
	w := newWorld(t)
	verifier, err := auth.NewVerifier(auth.VerifierOptions{DB: w.DB, Catalogue: w.Catalogue.Current})
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		name                                   string
		rule, refreshable, impersonated, ended bool
		same                                   bool // the token is given back as it was
		want                                   error
	}{
		{name: "refresh", refreshable: true},
		{name: "refresh of a token that stays", same: true},
		{name: "refresh against the rule", refreshable: true, rule: true, want: signin.ErrAuthRule},
		{name: "refresh of a token that has ended meanwhile", refreshable: true, ended: true, want: auth.ErrToken},
		{name: "impersonation", impersonated: true},
		{name: "impersonation against the rule", impersonated: true, rule: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.create(collectionName(true, tt.rule, true), map[string]any{"email": fmt.Sprint(i, "@x.test"), "password": "12345678", "verified": true})
			old, err := auth.Issue(r, auth.Grant{Kind: auth.AuthToken, Refreshable: tt.refreshable, Duration: time.Hour}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			session, err := verifier.Verify(t.Context(), old, auth.AuthToken)
			if err != nil {
				t.Fatal(err)
			}
			if tt.ended {
				w.update(r, map[string]any{"password": hashed("another-password")})
			}
			a := w.refreshes(r, session, old)
			if tt.impersonated {
				a = w.impersonates(r)
			}
			out, err := w.service.SignIn(t.Context(), a)
			if !errors.Is(err, tt.want) {
				t.Fatal(err)
			}
			if err == nil {
				now, err := verifier.Verify(t.Context(), out.Token, auth.AuthToken)
				if err != nil || now.Claims.Refreshable != tt.refreshable || (out.Token == old) != tt.same {
					t.Errorf("%+v, the old one %v, %v", now, out.Token == old, err)
				}
			}
			if n := len(w.column("_mfas", "id", r.ID())) + len(w.column("_authOrigins", "id", r.ID())); n != 0 {
				t.Errorf("%d sessions and places", n)
			}
		})
	}
}

func (w *world) refreshes(r *records.Record, session *auth.Session, token string) signin.Attempt {
	refresh := w.service.Refresh()
	refresh.Session, refresh.Token = session, token
	return from(r.Collection, refresh)
}

// impersonates is an attempt of a superuser. That of a guest is refused.
func (w *world) impersonates(r *records.Record) signin.Attempt {
	w.t.Helper()
	a := from(r.Collection, w.service.Impersonation(r.ID()))
	if _, err := w.service.SignIn(w.t.Context(), a); !errors.Is(err, records.ErrForbidden) {
		w.t.Errorf("a guest impersonates: %v", err)
	}
	a.Request.Caller.Superuser = true
	a.Request.Caller.Request.Auth = &filter.Identity{Superuser: true}
	return a
}
