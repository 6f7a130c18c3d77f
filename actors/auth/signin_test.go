package auth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
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
	options := schema.NewAuthOptions()
	long := strings.Repeat("x", 256)
	for _, tt := range []struct {
		form auth.PasswordForm
		want string
	}{
		{auth.PasswordForm{Identity: "a", Password: "b"}, `null`},
		{auth.PasswordForm{Identity: "a", Password: "b", IdentityField: "email"}, `null`},
		{auth.PasswordForm{}, `{"identity":{"code":"validation_required","message":"Cannot be blank."},"password":{"code":"validation_required","message":"Cannot be blank."}}`},
		{auth.PasswordForm{Identity: long, Password: "b"}, `{"identity":{"code":"validation_length_out_of_range","message":"The length must be between 1 and 255.","params":{"max":255,"min":1}}}`},
		{auth.PasswordForm{Identity: "a", Password: "b", IdentityField: "name"}, `{"identityField":{"code":"validation_in_invalid","message":"Must be a valid value."}}`},
	} {
		got, err := json.Marshal(tt.form.Validate(options))
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
	if err := g.db.Do(t.Context(), blankPassword("carlcccccccccc3")); err != nil {
		t.Fatal(err)
	}
	desk := g.desk()
	for _, tt := range []struct {
		name string
		form auth.PasswordForm
		want string // "" is nobody
	}{
		{"email", auth.PasswordForm{Identity: "alice@x.test", Password: "12345678"}, "aliceaaaaaaaaa1"},
		{"email first, also with the other's password", auth.PasswordForm{Identity: "alice@x.test", Password: "bobbobbob"}, ""},
		{"the field that was asked for", auth.PasswordForm{Identity: "alice@x.test", Password: "bobbobbob", IdentityField: "username"}, "bobbbbbbbbbbbb2"},
		{"email in another case", auth.PasswordForm{Identity: "Alice@x.test", Password: "12345678"}, ""},
		{"username in another case", auth.PasswordForm{Identity: "ALICE@x.test", Password: "bobbobbob"}, "bobbbbbbbbbbbb2"},
		{"wrong password", auth.PasswordForm{Identity: "bob@x.test", Password: "bobbobbo"}, ""},
		{"unknown", auth.PasswordForm{Identity: "nobody", Password: "bobbobbob"}, ""},
		{"not trimmed", auth.PasswordForm{Identity: " bob@x.test", Password: "bobbobbob"}, ""},
		{"no password stored", auth.PasswordForm{Identity: "carl", Password: "carlcarlcarl"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := g.hashed.Load()
			r, err := desk.WithPassword(t.Context(), "_pb_users_auth_", &tt.form)
			if n := g.hashed.Load() - before; n != 1 {
				t.Errorf("%d times work on a password, every sign-in takes one", n)
			}
			switch {
			case tt.want == "" && !errors.Is(err, auth.ErrCredentials):
				t.Errorf("got %v, %v", r, err)
			case tt.want != "" && (err != nil || r.ID() != tt.want):
				t.Errorf("got %v, %v", r, err)
			}
		})
	}
}

func TestSignInIsOff(t *testing.T) {
	g := newRig(t, func(c *schema.Collection) { c.Auth.PasswordAuth.Enabled = false })
	_, err := g.desk().WithPassword(t.Context(), "_pb_users_auth_", &auth.PasswordForm{Identity: "a", Password: "b"})
	if !errors.Is(err, auth.ErrPasswordAuthOff) {
		t.Error(err)
	}
}

func TestAuthRule(t *testing.T) {
	rule := func(s string) *string { return &s }
	for _, tt := range []struct {
		name string
		rule *string
		req  filter.Request
		met  bool
	}{
		{"everybody", rule(""), filter.Request{}, true},
		{"nobody", nil, filter.Request{}, false},
		{"met", rule(`name = "Alice"`), filter.Request{}, true},
		{"not met", rule(`verified = true`), filter.Request{}, false},
		{"hidden fields", rule(`tokenKey != ""`), filter.Request{}, true},
		{"the request", rule(`@request.context = "password" && @request.body.pass = "x"`), filter.Request{Context: "password", Body: map[string]any{"pass": "x"}}, true},
		{"the one who signs in is a guest", rule(`@request.auth.id != ""`), filter.Request{}, false},
		{"a superuser skips it", nil, filter.Request{Auth: &filter.Identity{Superuser: true}}, true},
		{"cannot be evaluated", rule(`missing = 1`), filter.Request{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, func(c *schema.Collection) { c.Auth.AuthRule = tt.rule })
			alice := g.create("users", map[string]any{"email": "alice@x.test", "password": "12345678", "name": "Alice"})
			err := g.desk().Judge(t.Context(), alice, &tt.req)
			if tt.met && err != nil || !tt.met && !errors.Is(err, auth.ErrAuthRule) {
				t.Error(err)
			}
		})
	}
}
