package app

import (
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// TestGuestHooksSkipSystemCollections: a hook that names no collections is not for those that hold the server's secrets.
func TestGuestHooksSkipSystemCollections(t *testing.T) {
	a := open(t)
	docs := define(t, a, docs)
	for _, tt := range []struct {
		named      []string
		collection string
		skips      bool
	}{
		{nil, docs.Name, false},
		{nil, "users", false},
		{nil, "_superusers", true},
		{nil, "_otps", true},
		{[]string{"_superusers"}, "_superusers", false},
	} {
		g := &guestHook{spec: wasmhost.HookSpec{Collections: tt.named}}
		if got := g.skips(a.Catalogue().Find(tt.collection)); got != tt.skips {
			t.Errorf("a hook on %q and %s: %v", tt.named, tt.collection, got)
		}
	}
}
