package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
)

// A guest that writes the same kind of record from within its own hook is stopped at a depth; nothing of it stays that was
// not committed, and the server goes on.
func TestGuestWritesNest(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("a")
	g.posts("b")
	tests := []struct {
		name, line   string
		status, left int
	}{
		{"itself", "record.create<|copy|a", 400, 0},
		{"itself on the way out", "record.create>|copy|a", 400, 8},
		{"itself after the commit", "record.create.success<|copy|a", 200, 8},
		{"another and back", "record.create<|copy|b\nrecord.create.execute<|copy|a", 400, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, out := g.send("POST", "/api/collections/a/records", with("", test.line))
			said := g.log.told()
			if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "=LIMIT writes of hooks are nested too deeply") }) {
				t.Errorf("the probes said %q\n%s", said, strings.Join(g.log.all(), "\n"))
			}
			if status != test.status || g.count("a") != test.left {
				t.Errorf("%d %v; a has %d records", status, out, g.count("a"))
			}
			g.empty("a")
			g.empty("b")
			if status, out := g.send("POST", "/api/collections/a/records", with("")); status != 200 {
				t.Errorf("the next: %d %v", status, out)
			}
			g.empty("a")
		})
	}
}

// The same over two extensions and a hook in Go between them.
func TestGuestsWriteOverOneAnother(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.posts("things")
	var between int
	g.app.Hooks.OnRecordCreate("things").BindFunc(func(e *writes.RecordEvent) error {
		between++
		return e.Next()
	})
	status, out := g.send("POST", "/api/collections/things/records", with("", "record.create<|copy|things"))
	if said := g.log.told(); status == 200 || !slices.Contains(said, "probe copy=LIMIT writes of hooks are nested too deeply") || g.count("things") != 0 {
		t.Errorf("%d %v %q", status, out, said)
	}
	status, out = g.send("POST", "/api/collections/things/records", with("", "record.create.execute<|copy|things"))
	if said := g.log.told(); status == 200 || !slices.Contains(said, "probe copy=LIMIT writes of hooks are nested too deeply") || between < 8 || g.count("things") != 0 {
		t.Errorf("%d %v %q, %d hooks", status, out, said, between)
	}
}

// What a guest reads and writes in a hook of a batch is part of its transaction: all or nothing.
func TestGuestInABatch(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	g.posts("notes")
	g.enableBatch()
	lines := []string{
		"record.create<|create|1|notes|{\"title\":\"from a hook\"}|title",
		"record.create<|sql|INSERT INTO notes (id, title) VALUES ('note' \\|\\| hex(randomblob(6)), 'from sql')|[]",
		"record.create<|sql|SELECT count(*) FROM notes|[]",
		"record.create<|list|1|posts|{\"filter\":\"title = 'first'\",\"limit\":5}",
		"record.create.request<|request|8|",
		"record.create.request<|request|7|",
		"record.create.success<|seen|success",
		"record.create.success<|sql|SELECT count(*) FROM notes|[]",
		"record.create.error<|seen|error",
	}
	part := func(title string, more ...string) string {
		body := with(`"title":"`+title+`"`, append(slices.Clone(lines), more...)...)
		return `{"method":"POST","url":"/api/collections/posts/records?x=` + title + `","body":` + body + `}`
	}
	status, _, raw := g.raw("POST", "/api/batch", `{"requests":[`+part("first")+","+part("second")+`]}`, map[string][]string{"Content-Type": {"application/json"}})
	if status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	var answers []struct {
		Status int
		Body   map[string]any
	}
	if err := json.Unmarshal(raw, &answers); err != nil || len(answers) != 2 || answers[1].Body["title"] != "second" {
		t.Errorf("%v %s", err, raw)
	}
	if posts, notes := g.count("posts"), g.count("notes"); posts != 2 || notes != 4 {
		t.Errorf("%d posts, %d notes", posts, notes)
	}
	first := fmt.Sprintf(`["%s"]`, answers[0].Body["id"])
	g.expect("probe request=batch", "probe request=/api/collections/posts/records?x=first", `probe create="from a hook"`, "probe sql=[1]", "probe sql=[[2],0]", "probe list=[]",
		"probe request=batch", "probe request=/api/collections/posts/records?x=second", `probe create="from a hook"`, "probe sql=[1]", "probe sql=[[4],0]", "probe list="+first,
		"probe seen=success", "probe sql=[[4],0]", "probe seen=success", "probe sql=[[4],0]")
	// A no of the second takes the first along, with all that hooks wrote.
	status, _, raw = g.raw("POST", "/api/batch", `{"requests":[`+part("first")+","+part("second", "record.create>|reject|409|no")+`]}`, map[string][]string{"Content-Type": {"application/json"}})
	if want := `{"data":{"requests":{"1":{"code":"batch_request_failed","message":"Batch request failed.","response":{"data":{},"message":"No.","status":409}}}},"message":"Batch transaction failed.","status":400}` + "\n"; status != 400 || string(raw) != want {
		t.Errorf("%d %s", status, raw)
	}
	if posts, notes := g.count("posts"), g.count("notes"); posts != 2 || notes != 4 {
		t.Errorf("%d posts, %d notes", posts, notes)
	}
	said := g.log.told()
	if n := len(said); n < 2 || !slices.Equal(said[n-2:], []string{"probe seen=error", "probe seen=error"}) || slices.Contains(said, "probe seen=success") {
		t.Errorf("%q", said)
	}
}

// A failed write of a guest in a transaction is undone alone, and the guest may go on.
func TestGuestGoesOnAfterAFailure(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	g.posts("notes")
	g.enableBatch()
	body := with(`"title":"x"`, `record.create<|create|1|notes|{"slug":"much longer than twenty"}|id`, "record.create<|sql|INSERT INTO notes (id) VALUES ('a'), ('a')|[]", `record.create<|create|1|notes|{"title":"fine"}|title`)
	status, _, raw := g.raw("POST", "/api/batch", `{"requests":[{"method":"POST","url":"/api/collections/posts/records","body":`+body+`}]}`, map[string][]string{"Content-Type": {"application/json"}})
	if status != 200 || g.count("posts") != 1 || g.count("notes") != 1 {
		t.Errorf("%d %s, %d posts, %d notes", status, raw, g.count("posts"), g.count("notes"))
	}
	if said := g.log.told(); len(said) != 3 || !strings.HasPrefix(said[0], `probe create=FAILED {"slug"`) || !strings.HasPrefix(said[1], "probe sql=FAILED") || said[2] != `probe create="fine"` {
		t.Errorf("%q", said)
	}
}

func (g *rig) enableBatch() {
	g.t.Helper()
	if status, out := g.sendAs(g.superuser(), "PATCH", "/api/settings", `{"batch":{"enabled":true,"maxRequests":50,"timeout":3}}`); status != 200 {
		g.t.Fatal(status, out)
	}
}

// Hooks run around what goes along with a deletion, and a no there keeps all of it.
func TestGuestSeesCascades(t *testing.T) {
	g := newGuests(t, "probe")
	parents := g.collection(`{"name":"parents","type":"base","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"}]}`)
	g.collection(`{"name":"children","type":"base","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"},{"name":"of","type":"relation","collectionId":"` + parents.ID + `","cascadeDelete":true,"maxSelect":1}]}`)
	g.collection(`{"name":"friends","type":"base","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"},{"name":"of","type":"relation","collectionId":"` + parents.ID + `","maxSelect":1}]}`)
	family := func(last ...string) string {
		t.Helper()
		var lines []string
		for _, event := range []string{"record.delete.request", "record.delete", "record.delete.execute", "record.delete.success", "record.update", "record.update.success"} {
			lines = append(lines, event+"<|seen|"+event+"<", event+">|seen|"+event+">", event+"<|text|title")
		}
		_, parent := g.send("POST", "/api/collections/parents/records", with(`"title":"parent"`, lines...))
		id := parent["id"].(string)
		for _, name := range []string{"children", "friends"} {
			if status, out := g.send("POST", "/api/collections/"+name+"/records", with(`"title":"`+name+`","of":"`+id+`"`, append(slices.Clone(lines), last...)...)); status != 200 {
				t.Fatal(status, out)
			}
		}
		g.log.told()
		return id
	}
	id := family()
	if status, out := g.send("DELETE", "/api/collections/parents/records/"+id, ""); status != 204 {
		t.Fatal(status, out)
	}
	around := func(event, title string) (in, out []string) {
		return []string{"probe seen=" + event + "<", "probe text=" + title}, []string{"probe seen=" + event + ">"}
	}
	var want []string
	var after [][]string
	for _, event := range []string{"record.delete.request", "record.delete", "record.delete.execute"} {
		in, out := around(event, "parent")
		want, after = append(want, in...), append(after, out)
	}
	for _, child := range []struct{ event, title string }{{"record.delete", "children"}, {"record.delete.execute", "children"}} {
		in, _ := around(child.event, child.title)
		want = append(want, in...)
	}
	want = append(want, "probe seen=record.delete.execute>", "probe seen=record.delete>",
		"probe seen=record.update<", "probe text=friends", "probe seen=record.update>",
		"probe seen=record.delete.success<", "probe text=children", "probe seen=record.delete.success>",
		"probe seen=record.update.success<", "probe text=friends", "probe seen=record.update.success>")
	want = append(append(want, after[2]...), after[1]...)
	want = append(want, "probe seen=record.delete.success<", "probe text=parent", "probe seen=record.delete.success>", "probe seen=record.delete.request>")
	g.expect(want...)
	if children, friends := g.count("children"), g.count("friends"); children != 0 || friends != 1 {
		t.Errorf("%d children, %d friends", children, friends)
	}
	id = family("record.delete<|reject|409|we stay")
	status, out := g.send("DELETE", "/api/collections/parents/records/"+id, "")
	if status != 409 || out["message"] != "We stay." || g.count("parents") != 1 || g.count("children") != 1 {
		t.Errorf("%d %v", status, out)
	}
}

// Extensions are told of the start and the end, in their order, also on the way out.
func TestGuestLife(t *testing.T) {
	log, dir := new(journal), t.TempDir()
	install(t, dir, "probe", "probe")
	install(t, dir, "second", "second")
	t.Run("server", func(t *testing.T) {
		openRig(t, rigOptions{extensions: dir, log: log})
		want := []string{"probe bootstrap<", "probe bootstrap>", "second bootstrap<", "second bootstrap>", "probe serve<", "probe serve>", "second serve<", "second serve>"}
		if got := log.told(); !slices.Equal(got, want) {
			t.Errorf("the start: %q", got)
		}
	})
	if got, want := log.told(), []string{"probe terminate<", "second terminate<", "second terminate>", "probe terminate>"}; !slices.Equal(got, want) {
		t.Errorf("the end: %q\n%s", got, strings.Join(log.all(), "\n"))
	}
}
