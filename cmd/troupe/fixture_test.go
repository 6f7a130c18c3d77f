package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// fixtures is a data directory that the reference server wrote, with its answers. It lies beside the project where the
// project is developed, and is not part of it.
const fixtures = "../../../shared/fixtures"

// TestOpensAForeignDirectory opens a data directory that PocketBase wrote: every recorded answer is the same, old
// passwords work, records are written, and all of it again after a second start.
func TestOpensAForeignDirectory(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(fixtures, "expected.json"))
	if err != nil {
		t.Skipf("no recorded data directory here: %v", err)
	}
	var expected struct {
		Superuser [2]string
		Users     map[string]string
		Staff     map[string]string
		Answers   map[string]any `json:"answers_as_superuser"`
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(fixtures, "pb_data"))); err != nil {
		t.Fatal(err)
	}
	for _, start := range []string{"first start", "second start"} {
		t.Run(start, func(t *testing.T) {
			p := serve(t, dir, "--no-expand-all")
			root := p.passwordSignIn(t, "_superusers", expected.Superuser[0], expected.Superuser[1])
			for path, want := range expected.Answers {
				var got any
				p.call("GET", path, root, nil, 200).decode(t, &got)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s\n got %.600v\nwant %.600v", path, got, want)
				}
			}
			for identity, password := range expected.Users {
				p.passwordSignIn(t, "users", identity, password)
			}
			for identity, password := range expected.Staff {
				p.passwordSignIn(t, "staff", identity, password)
			}
			var tag struct{ ID string }
			p.call("POST", "/api/collections/tags/records", root, map[string]any{"label": "written by a second program"}, 200).decode(t, &tag)
			p.call("PATCH", "/api/collections/tags/records/"+tag.ID, root, map[string]any{"label": "and changed"}, 200)
			p.call("DELETE", "/api/collections/tags/records/"+tag.ID, root, nil, 204)
			p.kill()
		})
	}
}

func (p *process) passwordSignIn(t *testing.T, collection, identity, password string) string {
	t.Helper()
	var out struct{ Token string }
	p.call("POST", "/api/collections/"+collection+"/auth-with-password", "", map[string]any{"identity": identity, "password": password}, 200).decode(t, &out)
	return out.Token
}
