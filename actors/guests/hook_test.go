package guests_test

import (
	"testing"

	"github.com/troupebase/troupe/actors/guests"
)

// TestHooksSkipSystemCollections: a hook that names no collections is not for those that hold the server's secrets.
func TestHooksSkipSystemCollections(t *testing.T) {
	a := open(t)
	for _, tt := range []struct {
		named      []string
		collection string
		skips      bool
	}{
		{nil, "things", false},
		{nil, "users", false},
		{nil, "_superusers", true},
		{nil, "_otps", true},
		{[]string{"_superusers"}, "_superusers", false},
	} {
		if got := guests.HookSkips(tt.named, a.Catalogue.Current().Find(tt.collection)); got != tt.skips {
			t.Errorf("a hook on %q and %s: %v", tt.named, tt.collection, got)
		}
	}
}
