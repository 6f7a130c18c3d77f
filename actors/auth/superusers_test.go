package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
)

// TestSuperusers follows the life of two superusers and what the command line prints for it.
func TestSuperusers(t *testing.T) {
	g := newRig(t, nil)
	s := g.superusers()
	ctx := t.Context()
	remove := func(email string) error {
		deleted, err := s.Delete(ctx, email)
		if err == nil && !deleted {
			return errors.New("missing")
		}
		return err
	}
	for _, step := range []struct {
		name string
		err  error
		want string
	}{
		{"create", s.Create(ctx, "a@x.test", "12345678"), ""},
		{"create twice", s.Create(ctx, "a@x.test", "12345678"), "failed to create new superuser account: email: Value must be unique."},
		{"create, short", s.Create(ctx, "b@x.test", "1234567"), "failed to create new superuser account: password: Must be at least 8 character(s)."},
		{"create, no email", s.Create(ctx, "b", "12345678"), "missing or invalid email address"},
		{"upsert new", s.Upsert(ctx, "b@x.test", "12345678"), ""},
		{"upsert old", s.Upsert(ctx, "b@x.test", "87654321"), ""},
		{"upsert, short", s.Upsert(ctx, "b@x.test", "1"), "failed to upsert superuser account: password: Must be at least 8 character(s)."},
		{"update", s.Update(ctx, "a@x.test", "abcdefgh"), ""},
		{"update nobody", s.Update(ctx, "c@x.test", "abcdefgh"), `superuser with email "c@x.test" doesn't exist`},
		{"update, short", s.Update(ctx, "a@x.test", "1"), `failed to change superuser "a@x.test" password: password: Must be at least 8 character(s).`},
		{"delete, no email", remove("x"), "invalid or missing email address"},
		{"delete nobody", remove("c@x.test"), "missing"},
		{"delete", remove("a@x.test"), ""},
		{"delete the last", remove("b@x.test"), `failed to delete superuser "b@x.test": You can't delete the only existing superuser.`},
	} {
		got := ""
		if step.err != nil {
			got = step.err.Error()
		}
		if got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	c := g.catalogue.Load().Find("_superusers")
	b, err := g.store.LoadBy(ctx, c.ID, "email", "b@x.test")
	if err != nil || !b.Bool("verified") {
		t.Fatalf("%v, %v", b, err)
	}
	if is, err := g.data().HasPassword(ctx, b, "87654321"); err != nil || !is || !b.Identity().Superuser {
		t.Errorf("the password of b: %v, %v", is, err)
	}
}

func TestInstaller(t *testing.T) {
	g := newRig(t, nil)
	s := g.superusers()
	v := g.verifier(nil)
	token, err := s.Installer(t.Context(), time.Now())
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	again, err := s.Installer(t.Context(), time.Now())
	if err != nil || again == "" {
		t.Fatal(again, err)
	}
	session, err := v.Verify(t.Context(), token, auth.AuthToken)
	if err != nil || !session.Identity.Superuser || session.Claims.Refreshable {
		t.Fatalf("%+v, %v", session, err)
	}
	if left := time.Until(session.Claims.Expires); left > 30*time.Minute || left < 29*time.Minute {
		t.Errorf("the link works for %s", left)
	}
	if err := s.Create(t.Context(), "a@x.test", "12345678"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token, auth.AuthToken); !errors.Is(err, auth.ErrToken) {
		t.Errorf("the installer's token outlives it: %v", err)
	}
	c := g.catalogue.Load().Find("_superusers")
	if _, err := g.store.LoadBy(t.Context(), c.ID, "email", records.InstallerEmail); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("the installer is still there: %v", err)
	}
	if token, err := s.Installer(t.Context(), time.Now()); token != "" || err != nil {
		t.Errorf("%q, %v", strings.Repeat("x", len(token)), err)
	}
}
