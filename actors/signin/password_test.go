package signin_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// withUsername adds a second identity field whose index ignores case.
func withUsername(c *schema.Collection) {
	f := &schema.TextField{}
	f.Name = "username"
	c.Fields = append(c.Fields, f)
	c.Indexes = append(c.Indexes, "CREATE UNIQUE INDEX `idx_username` ON `users` (`username` COLLATE NOCASE) WHERE `username` != ''")
	c.Auth.PasswordAuth.IdentityFields = []string{"username", "email"}
}

func TestPasswordForm(t *testing.T) {
	options := schema.NewCollection(schema.Auth, "users").Auth
	long := strings.Repeat("x", 256)
	for _, tt := range []struct {
		form signin.Password
		want string
	}{
		{signin.Password{Identity: "a", Password: "b"}, `null`},
		{signin.Password{Identity: "a", Password: "b", IdentityField: "email"}, `null`},
		{signin.Password{}, `{"identity":{"code":"validation_required","message":"Cannot be blank."},"password":{"code":"validation_required","message":"Cannot be blank."}}`},
		{signin.Password{Identity: long, Password: "b"}, `{"identity":{"code":"validation_length_out_of_range","message":"The length must be between 1 and 255.","params":{"max":255,"min":1}}}`},
		{signin.Password{Identity: "a", Password: "b", IdentityField: "name"}, `{"identityField":{"code":"validation_in_invalid","message":"Must be a valid value."}}`},
	} {
		var fields any
		if refused := (*auth.FormError)(nil); errors.As(tt.form.Validate(options), &refused) {
			fields = refused.Fields
		}
		got, err := json.Marshal(fields)
		if err != nil || string(got) != tt.want {
			t.Errorf("got %s, %v, want %s", got, err, tt.want)
		}
	}
}

func TestSignInWithPassword(t *testing.T) {
	g := newRig(t, withUsername)
	g.alice()
	// Her username is the email of alice: the email is looked at first.
	g.create("users", map[string]any{"id": "bobbbbbbbbbbbb2", "email": "bob@x.test", "username": "alice@x.test", "password": "bobbobbob"})
	g.create("users", map[string]any{"id": "carlcccccccccc3", "email": "carl@x.test", "username": "Carl", "password": "carlcarlcarl"})
	blank := sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		tx.Touch("users")
		return tx.Exec("UPDATE users SET password = '' WHERE id = ?", "carlcccccccccc3")
	})
	if err := g.DB.Do(t.Context(), blank); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		form signin.Password
		want string // "" is nobody
	}{
		{"email", signin.Password{Identity: "alice@x.test", Password: "12345678"}, "aliceaaaaaaaaa1"},
		{"email first, also with the other's password", signin.Password{Identity: "alice@x.test", Password: "bobbobbob"}, ""},
		{"the field that was asked for", signin.Password{Identity: "alice@x.test", Password: "bobbobbob", IdentityField: "username"}, "bobbbbbbbbbbbb2"},
		{"email in another case", signin.Password{Identity: "Alice@x.test", Password: "12345678"}, ""},
		{"username in another case", signin.Password{Identity: "ALICE@x.test", Password: "bobbobbob"}, "bobbbbbbbbbbbb2"},
		{"wrong password", signin.Password{Identity: "bob@x.test", Password: "bobbobbo"}, ""},
		{"unknown", signin.Password{Identity: "nobody", Password: "bobbobbob"}, ""},
		{"not trimmed", signin.Password{Identity: " bob@x.test", Password: "bobbobbob"}, ""},
		{"no password stored", signin.Password{Identity: "carl", Password: "carlcarlcarl"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := g.hashed.Load()
			p := g.service.Password()
			p.Identity, p.IdentityField, p.Password = tt.form.Identity, tt.form.IdentityField, tt.form.Password
			out, err := g.signIn(g.Catalogue.Current().Find("users"), p)
			if n := g.hashed.Load() - before; n != 1 {
				t.Errorf("%d times work on a password, every sign-in takes one", n)
			}
			switch {
			case tt.want == "" && !errors.Is(err, signin.ErrCredentials):
				t.Errorf("got %v, %v", out.Record, err)
			case tt.want != "" && (err != nil || out.Record.ID() != tt.want):
				t.Errorf("got %v, %v", out.Record, err)
			}
		})
	}
}

func TestSignInIsOff(t *testing.T) {
	g := newRig(t, func(c *schema.Collection) { c.Auth.PasswordAuth.Enabled = false })
	if err := g.withPassword("a", "b"); !errors.Is(err, signin.ErrPasswordOff) {
		t.Error(err)
	}
}
