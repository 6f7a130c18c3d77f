package signin_test

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

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
		{"cannot be evaluated", rule(`@collection.lost.id != ''`), filter.Request{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, nil)
			g.lost("users", func(c *schema.Collection) { c.Auth.AuthRule = tt.rule })
			alice := g.create("users", map[string]any{"email": "alice@x.test", "password": "12345678", "name": "Alice"})
			a := from(alice.Collection, shown{"password", alice})
			a.Request.Caller.Request = &tt.req
			_, err := g.service.SignIn(t.Context(), a)
			if tt.met && err != nil || !tt.met && !errors.Is(err, signin.ErrAuthRule) {
				t.Error(err)
			}
		})
	}
}
