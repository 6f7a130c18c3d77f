package api_test

import (
	"slices"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
)

// TestHooksSeeAndChangeACreate: hooks run around a create, in the order of extension-surface.md 4.1, and what they change
// is stored.
func TestHooksSeeAndChangeACreate(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"posts","type":"base","fields":[{"name":"title","type":"text"},{"name":"slug","type":"text","max":20}]}`)
	var seen []string
	around := func(name string) func(e *writes.RecordEvent) error {
		return func(e *writes.RecordEvent) error {
			seen = append(seen, name+"{")
			err := e.Next()
			seen = append(seen, "}")
			return err
		}
	}
	g.app.Hooks.OnRecordCreateRequest("posts").BindFunc(func(e *writes.RecordRequestEvent) error {
		seen = append(seen, "request{")
		if e.Record.ID() != "" {
			t.Errorf("the request has the id %q", e.Record.ID())
		}
		err := e.Next()
		seen = append(seen, "}")
		return err
	})
	g.app.Hooks.OnRecordCreate("posts").BindFunc(func(e *writes.RecordEvent) error {
		e.Record.Set("slug", "slug-of-"+e.Record.Text("title"))
		return around("create")(e)
	})
	g.app.Hooks.OnRecordValidate("posts").BindFunc(around("validate"))
	g.app.Hooks.OnRecordCreateExecute("posts").BindFunc(around("execute"))
	g.app.Hooks.OnRecordAfterCreateSuccess("posts").BindFunc(around("success"))
	g.app.Hooks.OnRecordAfterCreateError("posts").BindFunc(around("error"))
	status, out := g.send("POST", "/api/collections/posts/records", `{"title":"a"}`)
	if status != 200 || out["slug"] != "slug-of-a" {
		t.Fatalf("%d %v", status, out)
	}
	want := []string{"request{", "create{", "validate{", "}", "execute{", "}", "}", "success{", "}", "}"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
	seen = nil
	if status, out := g.send("POST", "/api/collections/posts/records", `{"title":"much longer than that"}`); status != 400 || out["message"] != "Failed to create record." {
		t.Fatalf("%d %v", status, out)
	}
	want = []string{"request{", "create{", "validate{", "}", "}", "error{", "}", "}"}
	if !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
