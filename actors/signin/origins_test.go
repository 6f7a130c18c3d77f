package signin_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/schema"
)

// TestTrack signs a record in from several places.
func TestTrack(t *testing.T) {
	g := newRig(t, nil)
	alice := g.alice()
	place := func(i int) auth.Origin { return auth.Origin{IP: "10.0.0.1", UserAgent: fmt.Sprint("ua-", i)} }
	visit := func(i int) {
		t.Helper()
		a := from(alice.Collection, shown{"password", alice})
		a.Origin = place(i)
		if out, err := g.service.SignIn(t.Context(), a); err != nil || out.Token == "" {
			t.Fatal(err)
		}
	}
	// alerts are the mails that have come, sent before the sign-in ended.
	alerts := func() (list []string) {
		for {
			m, ok := g.mails.Take(nil, 0)
			if !ok {
				return list
			}
			list = append(list, m.HTML)
		}
	}
	expect := func(what string, places ...int) {
		t.Helper()
		var want []string
		for _, i := range places {
			want = append(want, place(i).Fingerprint())
		}
		if got := g.column("_authOrigins", "fingerprint", alice.ID()); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	visit(1)
	visit(1)
	expect("the first sign-in, twice", 1)
	if got := alerts(); len(got) != 0 {
		t.Errorf("alerts of the first place: %q", got)
	}
	visit(2)
	if got := alerts(); len(got) != 1 || !strings.Contains(got[0], " - 10.0.0.1 ua-2") {
		t.Errorf("alerts: %q", got)
	}
	for i := 3; i <= 7; i++ {
		visit(i)
	}
	expect("five are kept", 3, 4, 5, 6, 7)
	visit(3)
	expect("a known one stays where it is", 3, 4, 5, 6, 7)

	g.mails.Refuse(func(string) string { return "550 no" })
	visit(8)
	expect("a place without its alert is not noted", 3, 4, 5, 6, 7)

	g.update(alice, map[string]any{"password": "new-password"})
	expect("a new password")
}

func TestTrackOnlyWhereAlertsAreWanted(t *testing.T) {
	g := newRig(t, func(c *schema.Collection) { c.Auth.AuthAlert.Enabled = false })
	g.alice()
	if err := g.withPassword("alice@x.test", "12345678"); err != nil {
		t.Fatal(err)
	}
	if got := g.column("_authOrigins", "fingerprint", "aliceaaaaaaaaa1"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
