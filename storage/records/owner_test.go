package records_test

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/storage/validation"
)

// TestOwner: rows that belong to auth records name one that exists, one failure at a time.
func TestOwner(t *testing.T) {
	g := newRig(t)
	g.create("users", map[string]any{"id": ann, "email": "ann@x.test", "password": "12345678", "passwordConfirm": "12345678"})
	users := g.catalogue.Load().Find("users").ID
	for _, c := range []struct {
		collection string
		body       map[string]any
		field      string
	}{
		{"_otps", map[string]any{"collectionRef": users, "recordRef": ann, "password": "1"}, ""},
		{"_otps", map[string]any{"collectionRef": "users", "recordRef": ann, "password": "1"}, "collectionRef"},
		{"_otps", map[string]any{"collectionRef": g.catalogue.Load().Find("_mfas").ID, "recordRef": ann, "password": "1"}, "collectionRef"},
		{"_mfas", map[string]any{"collectionRef": users, "recordRef": bob, "method": "x"}, "recordRef"},
		{"_mfas", map[string]any{"collectionRef": "nope", "recordRef": bob}, "method"},
		{"_externalAuths", map[string]any{"collectionRef": users, "recordRef": ann, "provider": "myspace", "providerId": "1"}, "provider"},
		{"_externalAuths", map[string]any{"collectionRef": users, "recordRef": ann, "provider": "google", "providerId": "1"}, ""},
		{"_authOrigins", map[string]any{"collectionRef": users, "recordRef": bob, "fingerprint": "f"}, "recordRef"},
	} {
		_, err := g.tryCreate(c.collection, c.body)
		var fields validation.Errors
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s %v: %v", c.collection, c.body, err)
		case c.field != "" && (!errors.As(err, &fields) || len(fields) != 1 || fields[c.field] == nil):
			t.Errorf("%s %v: %v, want a failure of %s", c.collection, c.body, err, c.field)
		}
	}
}
