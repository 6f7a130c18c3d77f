package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/files/filestest"
	"github.com/troupebase/troupe/storage/schema"
)

// TestWhatHooksSeeOfACreate: which values the record has at which stage.
func TestWhatHooksSeeOfACreate(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"posts","type":"base","fields":[{"name":"title","type":"text"},{"name":"code","type":"text","autogeneratePattern":"[a-z]{8}"},` +
		`{"name":"created","type":"autodate","onCreate":true}]}`)
	r := record(g.app)
	type view struct{ id, code, created, isNew bool }
	want := map[string][2]view{ // before and after next
		"CreateRequest":      {{isNew: true}, {true, true, true, false}},
		"Create":             {{id: true, code: true, isNew: true}, {true, true, true, false}},
		"Validate":           {{id: true, code: true, isNew: true}, {id: true, code: true, isNew: true}},
		"CreateExecute":      {{id: true, code: true, isNew: true}, {true, true, true, false}},
		"AfterCreateSuccess": {{true, true, true, false}, {true, true, true, false}},
	}
	for stage, views := range want {
		look := func(i int) func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			return func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
				rec := recordOf(e, rq)
				got := view{rec.ID() != "", rec.Text("code") != "", rec.Text("created") != "", rec.IsNew()}
				if got != views[i] || rec.Text("title") != "a" {
					t.Errorf("%s, %d: got %+v, want %+v", stage, i, got, views[i])
				}
				return nil
			}
		}
		r.before[stage], r.after[stage] = look(0), look(1)
	}
	g.make("posts", `{"title":"a"}`)
	r.compare(t, "CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateSuccess{} }")
}

// TestWhatHooksSeeOfAnUpdate: the record with the request's changes, and what was stored before.
func TestWhatHooksSeeOfAnUpdate(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	id := g.make("posts", `{"title":"a","slug":"stays","n":5}`)
	r := record(g.app)
	stored := map[string]bool{"UpdateRequest": true, "Update": true, "UpdateExecute": true}
	for _, stage := range []string{"UpdateRequest", "Update", "Validate", "UpdateExecute", "AfterUpdateSuccess"} {
		look := func(done bool) func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			return func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
				rec := recordOf(e, rq)
				if rec.ID() != id || rec.IsNew() || rec.Text("title") != "b" || rec.Text("slug") != "stays" || rec.Number("n") != 7 {
					t.Errorf("%s: %v", stage, rec.Values)
				}
				if old := rec.Original().Text("title"); (old == "b") != done {
					t.Errorf("%s, done %v: the original is %q", stage, done, old)
				}
				return nil
			}
		}
		r.before[stage] = look(stage == "AfterUpdateSuccess")
		r.after[stage] = look(stage == "AfterUpdateSuccess" || stored[stage])
	}
	if status, out := g.send("PATCH", "/api/collections/posts/records/"+id, `{"title":"b","n+":2}`); status != 200 {
		t.Errorf("%d %v", status, out)
	}
	r.compare(t, "UpdateRequest{ Update{ Validate{} UpdateExecute{} } AfterUpdateSuccess{} }")
}

// TestChangesOfHooks: what is changed before next is stored, at every stage; after next it is only answered.
func TestChangesOfHooks(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	r := record(g.app)
	for _, kind := range []string{"Create", "Update"} {
		for _, c := range []struct {
			stage         string
			late          bool
			stored, shown bool
		}{
			{kind + "Request", false, true, true},
			{kind, false, true, true},
			{"Validate", false, true, true},
			{"Validate", true, true, true},
			{kind + "Execute", false, true, true},
			{kind + "Execute", true, false, true},
			{kind, true, false, true},
			{"After" + kind + "Success", false, false, true},
			{kind + "Request", true, false, false}, // the answer is there
		} {
			t.Run(fmt.Sprintf("%s/%s/late %v", kind, c.stage, c.late), func(t *testing.T) {
				r.reset()
				status, out := 0, map[string]any(nil)
				id := ""
				if kind == "Update" {
					id = g.make("posts", `{"title":"a","n":1}`)
				}
				set := func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
					recordOf(e, rq).Set("slug", "by a hook")
					return nil
				}
				if c.late {
					r.after[c.stage] = set
				} else {
					r.before[c.stage] = set
				}
				if kind == "Create" {
					status, out = g.send("POST", "/api/collections/posts/records", `{"title":"a","n":1}`)
					id, _ = out["id"].(string)
				} else {
					status, out = g.send("PATCH", "/api/collections/posts/records/"+id, `{"n":2}`)
				}
				if status != 200 || (out["slug"] == "by a hook") != c.shown {
					t.Errorf("answered %d %v", status, out)
				}
				if got := g.stored("posts", id); (got["slug"] == "by a hook") != c.stored || got["title"] != "a" {
					t.Errorf("stored %v", got)
				}
				r.reset()
				g.send("DELETE", "/api/collections/posts/records/"+id, "")
			})
		}
	}
}

// TestExchangedRecords: a hook may put another record in the place of the event's.
func TestExchangedRecords(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	r := record(g.app)
	for _, stage := range []string{"CreateRequest", "Create", "Validate", "CreateExecute"} {
		r.reset()
		r.before[stage] = func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			other := recordOf(e, rq).Clone()
			other.Set("title", stage)
			if e != nil {
				e.Record = other
			} else {
				rq.Record = other
			}
			return nil
		}
		r.after[stage] = func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			if got := recordOf(e, rq).Text("title"); got != stage {
				t.Errorf("%s: after next it is %q", stage, got)
			}
			return nil
		}
		status, out := g.send("POST", "/api/collections/posts/records", `{"title":"a"}`)
		if status != 200 || out["title"] != stage {
			t.Errorf("%s: %d %v", stage, status, out)
		} else if got := g.stored("posts", out["id"].(string)); got["title"] != stage {
			t.Errorf("%s: stored %v", stage, got)
		}
	}
}

// TestRuleOfTheRequest: the rule is judged on the request as it was made; what hooks change is not judged again, and cannot
// make up for it.
func TestRuleOfTheRequest(t *testing.T) {
	g := newRig(t, nil)
	c := g.collection(posts)
	owned := g.make("posts", `{"title":"owned","n":1}`)
	foreign := g.make("posts", `{"title":"foreign","n":2}`)
	if err := g.app.Catalogue.ChangeFunc(t.Context(), ruleChange(g, c.ID, "n = 1")); err != nil {
		t.Fatal(err)
	}
	r := record(g.app)
	for stage, n := range map[string]int{"CreateRequest": 5, "Create": 6, "CreateExecute": 7} {
		r.reset()
		r.before[stage] = func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			recordOf(e, rq).Set("n", n)
			return nil
		}
		status, out := g.send("POST", "/api/collections/posts/records", `{"title":"`+stage+`","n":1}`)
		if status != 200 || out["n"] != float64(n) {
			t.Errorf("%s: %d %v", stage, status, out)
		}
		r.taken()
		r.before[stage] = func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			recordOf(e, rq).Set("n", 1)
			return nil
		}
		if status, out := g.send("POST", "/api/collections/posts/records", `{"title":"x","n":2}`); status != 400 {
			t.Errorf("%s: %d %v", stage, status, out)
		}
		r.compare(t, "") // no hook runs for a rule that is not met
	}
	r.reset()
	r.before["UpdateRequest"] = func(_ *writes.RecordEvent, rq *writes.RecordRequestEvent) error { rq.Record.Set("n", 9); return nil }
	if status, out := g.send("PATCH", "/api/collections/posts/records/"+owned, `{"slug":"s"}`); status != 200 || out["n"] != 9.0 {
		t.Errorf("%d %v", status, out)
	}
	r.taken()
	for _, method := range []string{"PATCH", "DELETE"} {
		if status, out := g.send(method, "/api/collections/posts/records/"+foreign, `{"n":1}`); status != 404 {
			t.Errorf("%s: %d %v", method, status, out)
		}
	}
	r.compare(t, "")
}

// TestTagsOfRecordHooks: by name, by id, several, none; a rename counts at once.
func TestTagsOfRecordHooks(t *testing.T) {
	g := newRig(t, nil)
	a := g.collection(`{"name":"alpha","type":"base"}`)
	b := g.collection(`{"name":"beta","type":"base"}`)
	var ran []string
	on := func(name string) func(*writes.RecordEvent) error {
		return func(e *writes.RecordEvent) error { ran = append(ran, name); return e.Next() }
	}
	rq := func(name string) func(*writes.RecordRequestEvent) error {
		return func(e *writes.RecordRequestEvent) error { ran = append(ran, name); return e.Next() }
	}
	g.app.Hooks.OnRecordCreateRequest("alpha").BindFunc(rq("request alpha"))
	g.app.Hooks.OnRecordCreate("alpha").BindFunc(on("name"))
	g.app.Hooks.OnRecordCreate(b.ID).BindFunc(on("id"))
	g.app.Hooks.OnRecordCreate("alpha", "beta").BindFunc(on("both"))
	g.app.Hooks.OnRecordCreate().BindFunc(on("all"))
	g.app.Hooks.OnRecordValidate("beta").BindFunc(on("validate beta"))
	g.app.Hooks.OnRecordCreateExecute("none").BindFunc(on("never"))
	g.app.Hooks.OnRecordAfterCreateSuccess(a.ID).BindFunc(on("success id"))
	for _, c := range []struct{ collection, want string }{
		{"alpha", "request alpha, name, both, all, success id"},
		{"beta", "id, both, all, validate beta"},
	} {
		ran = nil
		g.make(c.collection, `{}`)
		if got := strings.Join(ran, ", "); got != c.want {
			t.Errorf("%s: %s", c.collection, got)
		}
	}
	err := g.app.Catalogue.ChangeFunc(t.Context(), func(ch *schema.Change) error {
		c := g.app.Catalogue.Current().ByID(a.ID).Clone()
		c.Name = "gamma"
		return ch.Update(c.ID, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	ran = nil
	g.make("gamma", `{}`)
	if got := strings.Join(ran, ", "); got != "all, success id" {
		t.Errorf("after the rename: %s", got)
	}
}

// TestPrioritiesOfRecordHooks: smaller ones run further outside, by whichever way they were bound.
func TestPrioritiesOfRecordHooks(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"posts","type":"base"}`)
	var ran []string
	for _, p := range []int{5, -5, 0} {
		g.app.Hooks.OnRecordCreate("posts").Bind(&hooks.Handler[*writes.RecordEvent]{Priority: p, Func: func(e *writes.RecordEvent) error {
			ran = append(ran, fmt.Sprint(p))
			return e.Next()
		}})
	}
	g.make("posts", `{}`)
	if !slices.Equal(ran, []string{"-5", "0", "5"}) {
		t.Errorf("got %q", ran)
	}
}

// TestOwnAnswers: a request hook may answer itself, before or after the write; its answer stays.
func TestOwnAnswers(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	for _, next := range []bool{false, true} {
		id := g.app.Hooks.OnRecordCreateRequest().BindFunc(func(e *writes.RecordRequestEvent) error {
			c, ok := e.Request.(interface{ NoContent() error })
			if !ok {
				t.Fatalf("the request is a %T", e.Request)
			}
			if err := c.NoContent(); err != nil || !next {
				return err
			}
			return e.Next()
		})
		if status, out := g.send("POST", "/api/collections/posts/records", fmt.Sprintf(`{"title":"%v"}`, next)); status != 204 {
			t.Errorf("next %v: %d %v", next, status, out)
		}
		g.app.Hooks.OnRecordCreateRequest().Unbind(id)
	}
	if got := g.ids("posts"); len(got) != 1 {
		t.Errorf("written: %v", got)
	}
}

// TestUploadsOfRejectedRequests leave no file, through the whole server.
func TestUploadsOfRejectedRequests(t *testing.T) {
	g := newRig(t, nil)
	c := g.collection(`{"name":"docs","type":"base","fields":[{"name":"f","type":"file","maxSelect":1}]}`)
	files := func() int { return len(filestest.KeysOf(t, g.app.Dir(), c.ID)) }
	put := func() int {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		w, err := form.CreateFormFile("f", "a.txt")
		if err == nil {
			_, err = w.Write([]byte("text"))
		}
		if err == nil {
			err = form.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Post(g.base+"/api/collections/docs/records", form.FormDataContentType(), &body)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	r := record(g.app)
	if status := put(); status != 200 || files() != 1 {
		t.Errorf("%d, %d files", status, files())
	}
	for _, stage := range []string{"CreateRequest", "Create", "Validate", "CreateExecute"} {
		r.reset()
		r.before[stage] = refuse
		if status := put(); status != 400 {
			t.Errorf("%s: %d", stage, status)
		}
		for end := time.Now().Add(20 * time.Second); files() != 1; {
			if time.Now().After(end) {
				t.Fatalf("%s: %d files", stage, files())
			}
		}
	}
}
