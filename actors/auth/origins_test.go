package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

func (g *rig) fingerprints() (list []string) {
	g.t.Helper()
	err := g.db.Read(g.t.Context(), func(r *sqlite.Reader) error {
		list = nil
		stmt, err := r.Prepare("SELECT fingerprint FROM _authOrigins ORDER BY created, rowid")
		if err != nil {
			return err
		}
		for {
			found, err := stmt.Step()
			if err != nil || !found {
				return err
			}
			list = append(list, stmt.ColumnText(0))
		}
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return list
}

func TestFingerprint(t *testing.T) {
	if got := (auth.Origin{IP: "127.0.0.1", UserAgent: "ua-1"}).Fingerprint(); got != "73fe558d5f82855e24405c70109b19ff" {
		t.Errorf("got %s", got)
	}
	long := strings.Repeat("x", 200)
	a, b := auth.Origin{UserAgent: long + "a"}, auth.Origin{UserAgent: long + "b"}
	if a.Fingerprint() != b.Fingerprint() || a.Fingerprint() == (auth.Origin{UserAgent: long}).Fingerprint() {
		t.Error("an agent is not cut to 200 bytes")
	}
}

// TestTrack signs a record in from several places.
func TestTrack(t *testing.T) {
	g := newRig(t, nil)
	desk := g.desk()
	var alerts []string
	var broken error
	desk.Alert = func(_ context.Context, _ *records.Record, info string) error {
		alerts = append(alerts, info)
		return broken
	}
	alice := g.alice()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	place := func(i int) auth.Origin { return auth.Origin{IP: "10.0.0.1", UserAgent: fmt.Sprint("ua-", i)} }
	visit := func(i int) {
		t.Helper()
		if err := desk.Track(t.Context(), alice, place(i), now); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(what string, places ...int) {
		t.Helper()
		var want []string
		for _, i := range places {
			want = append(want, place(i).Fingerprint())
		}
		if got := g.fingerprints(); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	visit(1)
	visit(1)
	expect("the first sign-in, twice", 1)
	if len(alerts) != 0 {
		t.Errorf("alerts of the first place: %q", alerts)
	}
	visit(2)
	if want := []string{"2026-01-02 03:04:05.000Z - 10.0.0.1 ua-2"}; !slices.Equal(alerts, want) {
		t.Errorf("alerts: %q, want %q", alerts, want)
	}
	for i := 3; i <= 7; i++ {
		visit(i)
	}
	expect("five are kept", 3, 4, 5, 6, 7)
	visit(3)
	expect("a known one stays where it is", 3, 4, 5, 6, 7)

	broken = errors.New("no mail")
	if err := desk.Track(t.Context(), alice, place(8), now); !errors.Is(err, broken) {
		t.Errorf("a mail that fails: %v", err)
	}
	expect("a place without its alert is not noted", 3, 4, 5, 6, 7)

	cmd, err := g.store.PrepareUpdate(t.Context(), alice.ID(), g.input(alice.Collection, map[string]any{"password": "new-password", "passwordConfirm": "new-password"}))
	if err == nil {
		err = g.write(t.Context(), alice.Collection, cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	expect("a new password")
}

func TestTrackOnlyWhereAlertsAreWanted(t *testing.T) {
	g := newRig(t, func(c *schema.Collection) { c.Auth.AuthAlert.Enabled = false })
	if err := g.desk().Track(t.Context(), g.alice(), auth.Origin{IP: "10.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := g.fingerprints(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
