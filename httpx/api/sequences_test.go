package api

import (
	"errors"
	"fmt"
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

// TestFailures is extension-surface.md 4.2, row by row, and what differs on purpose.
func TestFailures(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	g.collection(`{"name":"members","type":"auth","fields":[{"name":"n","type":"number"}],"authRule":""}`)
	g.collection(`{"name":"closed","type":"base","fields":[{"name":"title","type":"text"}]}`)
	closed := g.app.Catalogue().Find("closed").ID
	err := g.app.ChangeSchema(t.Context(), ruleChange(g, closed, "title = 'never'"))
	if err != nil {
		t.Fatal(err)
	}
	l := g.witness("posts", "members", "closed")
	taken := g.make("posts", `{"title":"taken"}`)
	l.heard()
	r := record(g.app)
	const create, members = "/api/collections/posts/records", "/api/collections/members/records"
	update := create + "/" + taken
	for _, c := range []struct {
		name               string
		method, path, body string
		inject             func()
		want               string
		status             int
		written, event     bool
	}{
		{name: "validation fails", path: create, body: `{"title":"much longer than twenty"}`, status: 400,
			want: "CreateRequest{ Create{ Validate{!} ! } AfterCreateError{} ! }"},
		{name: "the statement fails", path: create, body: `{"title":"taken"}`, status: 400,
			want: "CreateRequest{ Create{ Validate{} CreateExecute{!} ! } AfterCreateError{} ! }"},
		{name: "validation of an update fails", method: "PATCH", path: update, body: `{"title":"much longer than twenty"}`, status: 400,
			want: "UpdateRequest{ Update{ Validate{!} ! } AfterUpdateError{} ! }"},
		{name: "rule fails", path: "/api/collections/closed/records", body: `{"title":"a"}`, status: 400},
		{name: "rule of an update fails", method: "PATCH", path: "/api/collections/closed/records/x", body: `{"title":"a"}`, status: 404},
		{name: "unreadable body", path: create, body: `{"title":`, status: 400},
		{name: "unknown id, update", method: "PATCH", path: create + "/unknown", body: `{}`, status: 404},
		{name: "unknown id, delete", method: "DELETE", path: create + "/unknown", status: 404},
		{name: "unknown collection", path: "/api/collections/none/records", body: `{}`, status: 404},
		{name: "auth form", path: members, body: `{"email":"a@example.com","password":"12345678"}`, status: 400,
			want: "CreateRequest{!}"},
		{name: "before next in request", path: create, body: `{"title":"a"}`, status: 400,
			inject: func() { r.before["CreateRequest"] = refuse },
			want:   "CreateRequest{}"},
		{name: "before next in create", path: create, body: `{"title":"a"}`, status: 400,
			inject: func() { r.before["Create"] = refuse },
			want:   "CreateRequest{ Create{} AfterCreateError{} ! }"},
		{name: "in validate", path: create, body: `{"title":"a"}`, status: 400,
			inject: func() { r.before["Validate"] = refuse },
			want:   "CreateRequest{ Create{ Validate{} ! } AfterCreateError{} ! }"},
		{name: "before next in execute", path: create, body: `{"title":"a"}`, status: 400,
			inject: func() { r.before["CreateExecute"] = refuse },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} ! } AfterCreateError{} ! }"},
		{name: "after next in create", path: create, body: `{"title":"a"}`, status: 400, written: true, event: true,
			inject: func() { r.after["Create"] = refuse },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateError{} ! }"},
		{name: "after next in execute", path: create, body: `{"title":"a"}`, status: 400, written: true, event: true,
			inject: func() { r.after["CreateExecute"] = refuse },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} ! } AfterCreateError{} ! }"},
		{name: "after success, before next", path: create, body: `{"title":"a"}`, status: 400, written: true, event: true,
			inject: func() { r.before["AfterCreateSuccess"] = refuse },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} ! }"},
		{name: "after success, after next", path: create, body: `{"title":"a"}`, status: 400, written: true, event: true,
			inject: func() { r.after["AfterCreateSuccess"] = refuse },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} ! }"},
		{name: "after an error, another", path: create, body: `{"title":"much longer than twenty"}`, status: 400,
			inject: func() { r.before["AfterCreateError"] = refuse },
			want:   "CreateRequest{ Create{ Validate{!} ! } AfterCreateError{} ! }"},
		{name: "create omits next", path: create, body: `{"title":"a"}`, status: 200,
			inject: func() { r.skip["Create"] = true },
			want:   "CreateRequest{ Create{} }"},
		{name: "execute omits next", path: create, body: `{"title":"a"}`, status: 200,
			inject: func() { r.skip["CreateExecute"] = true },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } }"},
		{name: "validate omits next", path: create, body: `{"title":"much longer than twenty"}`, status: 200, written: true, event: true,
			inject: func() { r.skip["Validate"] = true },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} }"},
		{name: "request omits next", path: create, body: `{"title":"a"}`, status: 200,
			inject: func() { r.skip["CreateRequest"] = true },
			want:   "CreateRequest{}"},
		{name: "validate omits next, and a password that no check allows", path: members, status: 200, written: true, event: true,
			body:   `{"email":"a@example.com","password":"1","passwordConfirm":"1"}`,
			inject: func() { r.skip["Validate"] = true },
			want:   "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} }"},
		{name: "before next in delete", method: "DELETE", path: update, status: 400,
			inject: func() { r.before["Delete"] = refuse },
			want:   "DeleteRequest{ Delete{} AfterDeleteError{} ! }"},
		{name: "before next in delete execute", method: "DELETE", path: update, status: 400,
			inject: func() { r.before["DeleteExecute"] = refuse },
			want:   "DeleteRequest{ Delete{ DeleteExecute{} ! } AfterDeleteError{} ! }"},
		{name: "delete omits next", method: "DELETE", path: update, status: 204,
			inject: func() { r.skip["Delete"] = true },
			want:   "DeleteRequest{ Delete{} }"},
		{name: "before next in update", method: "PATCH", path: update, body: `{"title":"b"}`, status: 400,
			inject: func() { r.before["Update"] = refuse },
			want:   "UpdateRequest{ Update{} AfterUpdateError{} ! }"},
		{name: "swallowed failure", path: create, body: `{"title":"taken"}`, status: 200,
			inject: func() {
				g.app.OnRecordCreateRequest().Bind(&hooks.Handler[*writes.RecordRequestEvent]{ID: "swallow", Priority: -1, Func: func(e *writes.RecordRequestEvent) error {
					_ = e.Next()
					return nil
				}})
			},
			want: "CreateRequest{ Create{ Validate{} CreateExecute{!} ! } AfterCreateError{} ! }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.reset()
			if c.inject != nil {
				c.inject()
			}
			defer g.app.OnRecordCreateRequest().Unbind("swallow")
			method := c.method
			if method == "" {
				method = "POST"
			}
			before := len(g.ids("posts")) + len(g.ids("members"))
			status, out := g.send(method, c.path, c.body)
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
	g.app.OnRecordCreate().BindFunc(func(e *writes.RecordEvent) error { next = e.Next(); return next })
	g.app.OnRecordAfterCreateError().BindFunc(func(e *writes.RecordEvent) error { cause = e.Error; return e.Next() })
	status, out := g.send("POST", "/api/collections/posts/records", `{"title":"much longer than twenty"}`)
	var fields validation.Errors
	if !errors.As(next, &fields) || fields["title"] == nil || !errors.As(cause, &fields) || status != 400 {
		t.Errorf("next %v, cause %v, %d", next, cause, status)
	}
	if data := out["data"].(map[string]any); data["title"] == nil || out["message"] != "Failed to create record." {
		t.Errorf("the client got %v", out)
	}
}

// family are collections that refer to each other: what goes along with a deletion, what is released by it and what
// refuses it. "@x" stands for the id of a collection.
func family(g *rig) {
	ref := func(to, more string) string {
		return fmt.Sprintf(`{"name":"p","type":"relation","collectionId":%q,%s}`, g.app.Catalogue().Find(to).ID, more)
	}
	g.collection(`{"name":"parents","type":"base"}`)
	g.collection(`{"name":"a_children","type":"base","fields":[` + ref("parents", `"maxSelect":1,"cascadeDelete":true`) + `]}`)
	g.collection(`{"name":"b_links","type":"base","fields":[{"name":"t","type":"text"},{"name":"updated","type":"autodate","onUpdate":true},` +
		ref("parents", `"maxSelect":5`) + `]}`)
	g.collection(`{"name":"c_required","type":"base","fields":[` + ref("parents", `"maxSelect":1,"required":true`) + `]}`)
	g.collection(`{"name":"d_grand","type":"base","fields":[` + ref("a_children", `"maxSelect":1,"cascadeDelete":true`) + `]}`)
}

// TestCascade is extension-surface.md 4.3.
func TestCascade(t *testing.T) {
	g := newRig(t, nil)
	family(g)
	p, q := g.make("parents", `{}`), g.make("parents", `{}`)
	child := g.make("a_children", `{"p":"`+p+`"}`)
	link := g.make("b_links", `{"p":["`+p+`","`+q+`"]}`)
	g.make("d_grand", `{"p":"`+child+`"}`)
	l := g.witness("parents", "a_children", "b_links", "d_grand")
	r := record(g.app)
	r.named = true
	r.before["Update"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
		if got := e.Record.Texts("p"); len(got) != 1 || got[0] != q {
			t.Errorf("the released record has %v", got)
		}
		e.Record.Set("t", "by a hook")
		return nil
	}
	r.after["Delete"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
		if e.Record.Collection.Name == "parents" { // the transaction is over
			if n := len(g.ids("a_children")); n != 0 {
				t.Errorf("%d children are left", n)
			}
		} else if n := len(g.ids("parents")); n != 2 { // the others do not see it yet
			t.Errorf("%d parents outside of the transaction", n)
		}
		return nil
	}
	if status, out := g.send("DELETE", "/api/collections/parents/records/"+p, ""); status != 204 {
		t.Fatalf("%d %v", status, out)
	}
	r.compare(t, `DeleteRequest:parents{ Delete:parents{ DeleteExecute:parents{
		Delete:a_children{ DeleteExecute:a_children{ Delete:d_grand{ DeleteExecute:d_grand{} } } }
		Update:b_links{ UpdateExecute:b_links{} }
		AfterDeleteSuccess:d_grand{} AfterDeleteSuccess:a_children{} AfterUpdateSuccess:b_links{}
		} } AfterDeleteSuccess:parents{} }`)
	l.compare("delete parents", "delete a_children", "delete d_grand", "update b_links")
	if got := g.stored("b_links", link); got["t"] != "by a hook" || got["updated"] == "" || fmt.Sprint(got["p"]) != "["+q+"]" {
		t.Errorf("the released record is %v", got)
	}
	if n := len(g.ids("a_children")) + len(g.ids("d_grand")); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestCascadeThatFails: a required reference, or a hook far inside, aborts all; what had happened is told that it failed.
func TestCascadeThatFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(g *rig, r *recorder, p string)
		want    string
		message string
	}{
		{"required reference", func(g *rig, _ *recorder, p string) { g.make("c_required", `{"p":"`+p+`"}`) },
			`DeleteRequest:parents{ Delete:parents{ DeleteExecute:parents{
				Delete:a_children{ DeleteExecute:a_children{ Delete:d_grand{ DeleteExecute:d_grand{} } } }
				Update:b_links{ UpdateExecute:b_links{} }
				AfterDeleteError:d_grand{} AfterDeleteError:a_children{} AfterUpdateError:b_links{} !
			} ! } AfterDeleteError:parents{} ! }`,
			"Failed to delete record. Make sure that the record is not part of a required relation reference."},
		{"a hook of a grandchild", func(_ *rig, r *recorder, _ string) {
			r.after["Delete"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
				if e.Record.Collection.Name == "d_grand" {
					return errNo
				}
				return nil
			}
		},
			`DeleteRequest:parents{ Delete:parents{ DeleteExecute:parents{
				Delete:a_children{ DeleteExecute:a_children{ Delete:d_grand{ DeleteExecute:d_grand{} } AfterDeleteError:d_grand{} ! } ! } AfterDeleteError:a_children{} !
			} ! } AfterDeleteError:parents{} ! }`,
			"Something went wrong while processing your request."},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t, nil)
			family(g)
			p := g.make("parents", `{}`)
			child := g.make("a_children", `{"p":"`+p+`"}`)
			g.make("b_links", `{"p":["`+p+`"]}`)
			g.make("d_grand", `{"p":"`+child+`"}`)
			r := record(g.app)
			c.prepare(g, r, p)
			r.taken()
			r.named = true
			l := g.witness("parents", "a_children", "b_links", "d_grand")
			if status, out := g.send("DELETE", "/api/collections/parents/records/"+p, ""); status != 400 || out["message"] != c.message {
				t.Errorf("%d %v", status, out)
			}
			r.compare(t, c.want)
			l.compare()
			for _, collection := range []string{"parents", "a_children", "b_links", "d_grand"} {
				if n := len(g.ids(collection)); n != 1 {
					t.Errorf("%d records in %s", n, collection)
				}
			}
		})
	}
}

// TestHostileCascadeHooks: hooks of cascaded records cannot turn the deletion to others, and what they do to their record
// afterwards reaches nobody.
func TestHostileCascadeHooks(t *testing.T) {
	g := newRig(t, nil)
	family(g)
	p, q := g.make("parents", `{}`), g.make("parents", `{}`)
	g.make("a_children", `{"p":"`+p+`"}`)
	other := g.make("a_children", `{"p":"`+q+`"}`)
	link := g.make("b_links", `{"p":["`+p+`"],"t":"mine"}`)
	l := g.witness("a_children", "b_links")
	g.app.OnRecordDelete("a_children").BindFunc(func(e *writes.RecordEvent) error {
		e.Record.Set("id", other)
		return e.Next()
	})
	g.app.OnRecordUpdate("b_links").BindFunc(func(e *writes.RecordEvent) error {
		err := e.Next()
		for range 100 {
			e.Record.Set("t", "too late") // while it is announced
		}
		return err
	})
	if status, out := g.send("DELETE", "/api/collections/parents/records/"+p, ""); status != 204 {
		t.Fatalf("%d %v", status, out)
	}
	l.compare("delete a_children", "update b_links")
	if got := g.ids("a_children"); len(got) != 1 || got[0] != other {
		t.Errorf("left are %v", got)
	}
	if got := g.stored("b_links", link); got["t"] != "mine" {
		t.Errorf("the link is %v", got)
	}
}

// TestForeignRecords: a hook cannot put a record of another collection in the place of one that is written.
func TestForeignRecords(t *testing.T) {
	g := newRig(t, nil)
	family(g)
	p := g.make("parents", `{}`)
	link := g.make("b_links", `{"p":["`+p+`"]}`)
	foreign := func() *records.Record {
		r := records.NewRecord(g.app.Catalogue().Find("a_children"))
		r.Set("id", "foreign00000001")
		return r
	}
	for name, other := range map[string]func() *records.Record{"foreign": foreign, "none": func() *records.Record { return nil }} {
		exchange := func(e *writes.RecordEvent) error { e.Record = other(); return e.Next() }
		g.app.OnRecordCreate("b_links").BindFunc(exchange)
		g.app.OnRecordUpdate("b_links").BindFunc(exchange)
		for _, c := range []struct{ method, path string }{
			{"POST", "/api/collections/b_links/records"},
			{"PATCH", "/api/collections/b_links/records/" + link},
			{"DELETE", "/api/collections/parents/records/" + p}, // which would release the link
		} {
			if status, out := g.send(c.method, c.path, `{}`); status < 400 || status == 503 {
				t.Errorf("%s, %s %s: %d %v", name, c.method, c.path, status, out)
			}
		}
		g.app.OnRecordCreate().UnbindAll()
		g.app.OnRecordUpdate().UnbindAll()
	}
	if len(g.ids("parents")) != 1 || len(g.ids("b_links")) != 1 || len(g.ids("a_children")) != 0 {
		t.Errorf("left are %v, %v, %v", g.ids("parents"), g.ids("b_links"), g.ids("a_children"))
	}
}

// TestCascadeOfAnAuthRecord: what belongs to an auth record behaves as cascaded records do.
func TestCascadeOfAnAuthRecord(t *testing.T) {
	g := newRig(t, nil)
	members := g.collection(`{"name":"members","type":"auth","fields":[]}`)
	id := g.make("members", `{"email":"a@example.com","password":"12345678","passwordConfirm":"12345678"}`)
	store := g.app.Store()
	for _, c := range []struct {
		collection string
		body       map[string]any
	}{
		{"_externalAuths", map[string]any{"provider": "google", "providerId": "1"}},
		{"_mfas", map[string]any{"method": "password"}},
		{"_authOrigins", map[string]any{"fingerprint": "x"}},
	} {
		c.body["collectionRef"], c.body["recordRef"] = members.ID, id
		of := g.app.Catalogue().Find(c.collection)
		cmd, err := store.PrepareCreate(t.Context(), records.WriteInput{CollectionID: of.ID, SkipRules: true, Body: c.body})
		if err == nil {
			err = g.app.Write(t.Context(), of, cmd, "test")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r := record(g.app)
	r.named = true
	if status, out := g.send("DELETE", "/api/collections/members/records/"+id, ""); status != 204 {
		t.Fatalf("%d %v", status, out)
	}
	r.compare(t, `DeleteRequest:members{ Delete:members{ DeleteExecute:members{
		Delete:_mfas{ DeleteExecute:_mfas{} } Delete:_externalAuths{ DeleteExecute:_externalAuths{} } Delete:_authOrigins{ DeleteExecute:_authOrigins{} }
		AfterDeleteSuccess:_mfas{} AfterDeleteSuccess:_externalAuths{} AfterDeleteSuccess:_authOrigins{}
		} } AfterDeleteSuccess:members{} }`)
}
