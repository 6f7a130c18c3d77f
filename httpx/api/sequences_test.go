package api_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/validation"
)

var errNo = errors.New("the hook says no")

func refuse(*writes.RecordEvent, *writes.RecordRequestEvent) error { return errNo }

const posts = `{"name":"posts","type":"base","fields":[{"name":"title","type":"text","max":20},{"name":"slug","type":"text","max":40},{"name":"n","type":"number"},` +
	`{"name":"created","type":"autodate","onCreate":true}],"indexes":["CREATE UNIQUE INDEX posts_title ON posts (title)"]}`

// TestSequences of extension-surface.md 4.1 and the first part of 4.3.
func TestSequences(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	l := g.witness("posts")
	r := record(g.app)
	id := g.make("posts", `{"title":"a"}`)
	r.compare(t, "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} }")
	l.compare("create posts")
	if status, out := g.send("PATCH", "/api/collections/posts/records/"+id, `{"title":"b"}`); status != 200 || out["title"] != "b" {
		t.Errorf("%d %v", status, out)
	}
	r.compare(t, "UpdateRequest{ Update{ Validate{} UpdateExecute{} } AfterUpdateSuccess{} }")
	l.compare("update posts")
	if status, out := g.send("DELETE", "/api/collections/posts/records/"+id, ""); status != 204 {
		t.Errorf("%d %v", status, out)
	}
	r.compare(t, "DeleteRequest{ Delete{ DeleteExecute{} } AfterDeleteSuccess{} }")
	l.compare("delete posts")
}

const (
	allPosts, allMembers = "/api/collections/posts/records", "/api/collections/members/records"
	takenPost            = allPosts + "/TAKEN" // stands for the record that is there
)

// failures are requests that do not end as they should, with what is injected, which hooks ran, and what came of it.
var failures = []struct {
	name               string
	method, path, body string
	inject             func(g *rig, r *recorder)
	want               string
	status             int
	written, event     bool
}{
	{name: "validation fails", path: allPosts, body: `{"title":"much longer than twenty"}`, status: 400,
		want: "CreateRequest{ Create{ Validate{!} ! } AfterCreateError{} ! }"},
	{name: "the statement fails", path: allPosts, body: `{"title":"taken"}`, status: 400,
		want: "CreateRequest{ Create{ Validate{} CreateExecute{!} ! } AfterCreateError{} ! }"},
	{name: "validation of an update fails", method: "PATCH", path: takenPost, body: `{"title":"much longer than twenty"}`, status: 400,
		want: "UpdateRequest{ Update{ Validate{!} ! } AfterUpdateError{} ! }"},
	{name: "rule fails", path: "/api/collections/closed/records", body: `{"title":"a"}`, status: 400},
	{name: "rule of an update fails", method: "PATCH", path: "/api/collections/closed/records/x", body: `{"title":"a"}`, status: 404},
	{name: "unreadable body", path: allPosts, body: `{"title":`, status: 400},
	{name: "unknown id, update", method: "PATCH", path: allPosts + "/unknown", body: `{}`, status: 404},
	{name: "unknown id, delete", method: "DELETE", path: allPosts + "/unknown", status: 404},
	{name: "unknown collection", path: "/api/collections/none/records", body: `{}`, status: 404},
	{name: "auth form", path: allMembers, body: `{"email":"a@example.com","password":"12345678"}`, status: 400,
		want: "CreateRequest{!}"},
	{name: "before next in request", path: allPosts, body: `{"title":"a"}`, status: 400,
		inject: func(g *rig, r *recorder) { r.before["CreateRequest"] = refuse },
		want:   "CreateRequest{}"},
	{name: "before next in create", path: allPosts, body: `{"title":"a"}`, status: 400,
		inject: func(g *rig, r *recorder) { r.before["Create"] = refuse },
		want:   "CreateRequest{ Create{} AfterCreateError{} ! }"},
	{name: "in validate", path: allPosts, body: `{"title":"a"}`, status: 400,
		inject: func(g *rig, r *recorder) { r.before["Validate"] = refuse },
		want:   "CreateRequest{ Create{ Validate{} ! } AfterCreateError{} ! }"},
	{name: "before next in execute", path: allPosts, body: `{"title":"a"}`, status: 400,
		inject: func(g *rig, r *recorder) { r.before["CreateExecute"] = refuse },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} ! } AfterCreateError{} ! }"},
	{name: "after next in create", path: allPosts, body: `{"title":"a"}`, status: 400, written: true, event: true,
		inject: func(g *rig, r *recorder) { r.after["Create"] = refuse },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateError{} ! }"},
	{name: "after next in execute", path: allPosts, body: `{"title":"a"}`, status: 400, written: true, event: true,
		inject: func(g *rig, r *recorder) { r.after["CreateExecute"] = refuse },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} ! } AfterCreateError{} ! }"},
	{name: "after success, before next", path: allPosts, body: `{"title":"a"}`, status: 400, written: true, event: true,
		inject: func(g *rig, r *recorder) { r.before["AfterCreateSuccess"] = refuse },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} ! }"},
	{name: "after success, after next", path: allPosts, body: `{"title":"a"}`, status: 400, written: true, event: true,
		inject: func(g *rig, r *recorder) { r.after["AfterCreateSuccess"] = refuse },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} ! }"},
	{name: "after an error, another", path: allPosts, body: `{"title":"much longer than twenty"}`, status: 400,
		inject: func(g *rig, r *recorder) { r.before["AfterCreateError"] = refuse },
		want:   "CreateRequest{ Create{ Validate{!} ! } AfterCreateError{} ! }"},
	{name: "create omits next", path: allPosts, body: `{"title":"a"}`, status: 200,
		inject: func(g *rig, r *recorder) { r.skip["Create"] = true },
		want:   "CreateRequest{ Create{} }"},
	{name: "execute omits next", path: allPosts, body: `{"title":"a"}`, status: 200,
		inject: func(g *rig, r *recorder) { r.skip["CreateExecute"] = true },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } }"},
	{name: "validate omits next", path: allPosts, body: `{"title":"much longer than twenty"}`, status: 200, written: true, event: true,
		inject: func(g *rig, r *recorder) { r.skip["Validate"] = true },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} }"},
	{name: "request omits next", path: allPosts, body: `{"title":"a"}`, status: 200,
		inject: func(g *rig, r *recorder) { r.skip["CreateRequest"] = true },
		want:   "CreateRequest{}"},
	{name: "validate omits next, and a password that no check allows", path: allMembers, status: 200, written: true, event: true,
		body:   `{"email":"a@example.com","password":"1","passwordConfirm":"1"}`,
		inject: func(g *rig, r *recorder) { r.skip["Validate"] = true },
		want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} }"},
	{name: "before next in delete", method: "DELETE", path: takenPost, status: 400,
		inject: func(g *rig, r *recorder) { r.before["Delete"] = refuse },
		want:   "DeleteRequest{ Delete{} AfterDeleteError{} ! }"},
	{name: "before next in delete execute", method: "DELETE", path: takenPost, status: 400,
		inject: func(g *rig, r *recorder) { r.before["DeleteExecute"] = refuse },
		want:   "DeleteRequest{ Delete{ DeleteExecute{} ! } AfterDeleteError{} ! }"},
	{name: "delete omits next", method: "DELETE", path: takenPost, status: 204,
		inject: func(g *rig, r *recorder) { r.skip["Delete"] = true },
		want:   "DeleteRequest{ Delete{} }"},
	{name: "before next in update", method: "PATCH", path: takenPost, body: `{"title":"b"}`, status: 400,
		inject: func(g *rig, r *recorder) { r.before["Update"] = refuse },
		want:   "UpdateRequest{ Update{} AfterUpdateError{} ! }"},
	{name: "swallowed failure", path: allPosts, body: `{"title":"taken"}`, status: 200,
		inject: func(g *rig, r *recorder) {
			g.app.Hooks.OnRecordCreateRequest().Bind(&hooks.Handler[*writes.RecordRequestEvent]{ID: "swallow", Priority: -1, Func: func(e *writes.RecordRequestEvent) error {
				_ = e.Next()
				return nil
			}})
		},
		want: "CreateRequest{ Create{ Validate{} CreateExecute{!} ! } AfterCreateError{} ! }"},
}

// TestFailures is extension-surface.md 4.2, row by row, and what differs on purpose.
func TestFailures(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	g.collection(`{"name":"members","type":"auth","fields":[{"name":"n","type":"number"}],"authRule":""}`)
	g.collection(`{"name":"closed","type":"base","fields":[{"name":"title","type":"text"}]}`)
	closed := g.app.Catalogue.Current().Find("closed").ID
	err := g.app.Catalogue.ChangeFunc(t.Context(), ruleChange(g, closed, "title = 'never'"))
	if err != nil {
		t.Fatal(err)
	}
	l := g.witness("posts", "members", "closed")
	taken := g.make("posts", `{"title":"taken"}`)
	l.heard()
	r := record(g.app)
	for _, c := range failures {
		t.Run(c.name, func(t *testing.T) {
			r.reset()
			if c.inject != nil {
				c.inject(g, r)
			}
			defer g.app.Hooks.OnRecordCreateRequest().Unbind("swallow")
			method := cmp.Or(c.method, "POST")
			before := len(g.ids("posts")) + len(g.ids("members"))
			status, out := g.send(method, strings.Replace(c.path, takenPost, allPosts+"/"+taken, 1), c.body)
			if status != c.status {
				t.Errorf("%d %v", status, out)
			}
			r.compare(t, c.want)
			r.reset()
			events := l.heard()
			if got := len(events) > 0; got != c.event {
				t.Errorf("events: %q", events)
			}
			after := append(g.ids("posts"), g.ids("members")...)
			if written := len(after) > before; written != c.written {
				t.Errorf("written: %v", written)
			}
			for _, id := range after { // the next row begins as this one did
				for _, collection := range []string{"posts", "members"} {
					if id != taken {
						g.send("DELETE", "/api/collections/"+collection+"/records/"+id, "")
					}
				}
			}
			l.heard()
		})
	}
}

// TestErrorsThatHooksSee: every hook outside of a failure sees it, and the hooks after it see the cause.
func TestErrorsThatHooksSee(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	var next, cause error
	g.app.Hooks.OnRecordCreate().BindFunc(func(e *writes.RecordEvent) error { next = e.Next(); return next })
	g.app.Hooks.OnRecordAfterCreateError().BindFunc(func(e *writes.RecordEvent) error { cause = e.Error; return e.Next() })
	status, out := g.send("POST", "/api/collections/posts/records", `{"title":"much longer than twenty"}`)
	var fields validation.Errors
	if !errors.As(next, &fields) || fields["title"] == nil || !errors.As(cause, &fields) || status != 400 {
		t.Errorf("next %v, cause %v, %d", next, cause, status)
	}
	if data := out["data"].(map[string]any); data["title"] == nil || out["message"] != "Failed to create record." {
		t.Errorf("the client got %v", out)
	}
}

// TestForeignRecords: a hook cannot put a record of another collection in the place of one that is written.
func TestForeignRecords(t *testing.T) {
	g := newRig(t, nil)
	family(g)
	p := g.make("parents", `{}`)
	link := g.make("b_links", `{"p":["`+p+`"]}`)
	foreign := func() *records.Record {
		r := records.NewRecord(g.app.Catalogue.Current().Find("a_children"))
		r.Set("id", "foreign00000001")
		return r
	}
	for name, other := range map[string]func() *records.Record{"foreign": foreign, "none": func() *records.Record { return nil }} {
		exchange := func(e *writes.RecordEvent) error { e.Record = other(); return e.Next() }
		g.app.Hooks.OnRecordCreate("b_links").BindFunc(exchange)
		g.app.Hooks.OnRecordUpdate("b_links").BindFunc(exchange)
		for _, c := range []struct{ method, path string }{
			{"POST", "/api/collections/b_links/records"},
			{"PATCH", "/api/collections/b_links/records/" + link},
			{"DELETE", "/api/collections/parents/records/" + p}, // which would release the link
		} {
			if status, out := g.send(c.method, c.path, `{}`); status < 400 || status == 503 {
				t.Errorf("%s, %s %s: %d %v", name, c.method, c.path, status, out)
			}
		}
		g.app.Hooks.OnRecordCreate().UnbindAll()
		g.app.Hooks.OnRecordUpdate().UnbindAll()
	}
	if len(g.ids("parents")) != 1 || len(g.ids("b_links")) != 1 || len(g.ids("a_children")) != 0 {
		t.Errorf("left are %v, %v, %v", g.ids("parents"), g.ids("b_links"), g.ids("a_children"))
	}
}
