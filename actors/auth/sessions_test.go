package auth_test

import (
	"fmt"
	"testing"

	"github.com/troupebase/troupe/storage/sqlite"
)

// TestWhatEndsWhat goes through the changes of an auth record that end its codes, sessions, origins and links.
func TestWhatEndsWhat(t *testing.T) {
	for _, tt := range []struct {
		name string
		body map[string]any // nil deletes the record
		want string         // what is left, of codes, sessions, origins, links
		key  bool           // the token key is the old one
	}{
		{"another field", map[string]any{"name": "A"}, "1 1 1 1", true},
		{"the same email", map[string]any{"email": "alice@x.test"}, "1 1 1 1", true},
		{"email", map[string]any{"email": "b@x.test"}, "0 1 1 1", false},
		{"password", map[string]any{"password": "87654321"}, "0 0 0 1", false},
		{"the same password", map[string]any{"password": "12345678"}, "0 0 0 1", false},
		{"verified", map[string]any{"verified": true}, "0 1 1 0", false},
		{"token key", map[string]any{"tokenKey": "ttttttttttttttttttttttttttttttttttttttttt"}, "0 1 1 1", false},
		{"deleted", nil, "0 0 0 0", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, nil)
			alice := g.alice()
			bob := g.create("users", map[string]any{"email": "bob@x.test", "password": "12345678"})
			for _, id := range []string{alice.ID(), bob.ID()} {
				refs := func(more map[string]any) map[string]any {
					more["collectionRef"], more["recordRef"] = "_pb_users_auth_", id
					return more
				}
				g.create("_otps", refs(map[string]any{"password": "12345678"}))
				g.create("_mfas", refs(map[string]any{"method": "otp"}))
				g.create("_authOrigins", refs(map[string]any{"fingerprint": "f"}))
				g.create("_externalAuths", refs(map[string]any{"provider": "oidc", "providerId": id}))
			}
			if tt.body == nil {
				g.delete(alice)
			} else if after := g.update(alice, tt.body); (after.Text("tokenKey") == testKey) != tt.key {
				t.Errorf("token key %s", after.Text("tokenKey"))
			}
			if got := g.kept(alice.ID()); got != tt.want {
				t.Errorf("left %s, want %s", got, tt.want)
			}
			if got := g.kept(bob.ID()); got != "1 1 1 1" {
				t.Errorf("somebody else's: left %s", got)
			}
		})
	}
}

// kept returns how many codes, sessions, origins and links of a record there are.
func (g *rig) kept(id string) string {
	g.t.Helper()
	var n [4]int
	err := g.db.Read(g.t.Context(), func(r *sqlite.Reader) error {
		for i, table := range []string{"_otps", "_mfas", "_authOrigins", "_externalAuths"} {
			stmt, err := r.Prepare("SELECT COUNT(*) FROM " + table + " WHERE recordRef = ?")
			if err != nil {
				return err
			}
			stmt.BindText(1, id)
			if _, err := stmt.Step(); err != nil {
				return err
			}
			n[i] = stmt.ColumnInt(0)
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return fmt.Sprint(n[0], n[1], n[2], n[3])
}
