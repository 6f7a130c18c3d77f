package api_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/programs"
)

// newCalls serves an application with the guest that tells what it was called for after commits, as the file after.wasm, in that version.
func newCalls(t *testing.T, version string) *guestRig {
	t.Helper()
	g := callsIn(t, t.TempDir(), t.TempDir(), version)
	g.posts("posts")
	g.collection(`{"name":"people","type":"auth","fields":[{"name":"title","type":"text"}]}`)
	var fields []string
	for _, name := range []string{"event", "title", "rec", "call", "who", "superuser", "method", "path", "body", "query", "header"} {
		fields = append(fields, `{"type":"text","name":"`+name+`"}`)
	}
	g.collection(`{"name":"told","type":"base","fields":[` + strings.Join(fields, ",") + `,{"type":"autodate","name":"created","onCreate":true}]}`)
	return g
}

// callsIn serves a data directory with extensions of another one.
func callsIn(t *testing.T, data, extensions, version string) *guestRig {
	t.Helper()
	g := &guestRig{log: new(journal), dir: extensions}
	if version != "" {
		install(t, g.dir, "after", version)
	}
	g.rig = openRig(t, rigOptions{extensions: g.dir, log: g.log, limits: shortLimits, dir: data})
	return g
}

// toldRows are the records of "told", in order.
func (g *guestRig) toldRows() (rows []map[string]any) {
	g.t.Helper()
	status, out := g.sendAs(g.superuser(), "GET", "/api/collections/told/records?sort=@rowid&perPage=500", "")
	if status != 200 {
		g.t.Fatalf("%d %v", status, out)
	}
	for _, item := range out["items"].([]any) {
		rows = append(rows, item.(map[string]any))
	}
	return rows
}

// titles are those of toldRows.
func (g *guestRig) titles() (out []string) {
	g.t.Helper()
	for _, row := range g.toldRows() {
		out = append(out, row["title"].(string))
	}
	return out
}

// kept lists the calls that are kept.
func (g *guestRig) kept(query string) (total int, items []map[string]any) {
	g.t.Helper()
	status, out := g.sendAs(g.superuser(), "GET", "/api/extensions/calls"+query, "")
	if status != 200 {
		g.t.Fatalf("%d %v", status, out)
	}
	for _, item := range out["items"].([]any) {
		items = append(items, item.(map[string]any))
	}
	return int(out["totalItems"].(float64)), items
}

// create makes a post and returns its id.
func (g *guestRig) create(title string) string {
	g.t.Helper()
	status, out := g.send("POST", "/api/collections/posts/records", `{"title":"`+title+`"}`)
	if status != 200 {
		g.t.Fatalf("create %s: %d %v", title, status, out)
	}
	return out["id"].(string)
}

// TestCallsAreMadeAgain: a call that traps is kept with what is needed to make it again, and made by the next version of the module, with the same id, on
// behalf of the same person, and without what a request may hold of secrets.
func TestCallsAreMadeAgain(t *testing.T) {
	g := newCalls(t, "after_broken")
	token := g.token("people", "a@example.com")
	status, _, raw := g.raw("POST", "/api/collections/posts/records?q=asked", `{"title":"bad one"}`, http.Header{
		"Authorization": {token}, "Content-Type": {"application/json"}, "X-Mine": {"sent"},
	})
	if status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	total, kept := g.kept("")
	if total != 1 || len(kept) != 1 {
		t.Fatalf("%d kept: %v", total, kept)
	}
	k := kept[0]
	by, record := k["by"].(map[string]any), k["record"].(map[string]any)
	for key, want := range map[string]any{"extension": "after", "event": "record.create.success", "collectionName": "posts", "state": "waiting", "attempts": 1.0} {
		if k[key] != want {
			t.Errorf("%s is %v, want %v", key, k[key], want)
		}
	}
	if !strings.Contains(k["error"].(string), "trap") || record["title"] != "bad one" || record["id"] != k["recordId"] || k["next"] == "" || k["created"] == "" {
		t.Errorf("kept %v", k)
	}
	if by["method"] != "POST" || by["path"] != "/api/collections/posts/records" || by["ip"] != "127.0.0.1" || by["superuser"] != false || by["collection"] == "" {
		t.Errorf("by %v", by)
	}
	if whole := fmt.Sprint(kept); strings.Contains(whole, token) || strings.Contains(whole, "asked") || strings.Contains(whole, "sent") {
		t.Errorf("it keeps what it must not: %s", whole)
	}
	install(t, g.dir, "after", "after")
	eventually(t, "it is made again", func() bool { total, _ := g.kept(""); return total == 0 })
	told := slices.DeleteFunc(g.toldRows(), func(row map[string]any) bool { return row["title"] != "bad one" })
	if len(told) < 2 {
		t.Fatalf("told %v", told)
	}
	first, last := told[0], told[len(told)-1]
	for _, key := range []string{"event", "title", "rec", "call", "who", "superuser", "method", "path"} {
		if first[key] != last[key] || first[key] == "" {
			t.Errorf("%s: %v at first, %v again", key, first[key], last[key])
		}
	}
	if last["call"] != k["id"] || last["who"] != by["record"] {
		t.Errorf("told %v of %v", last, k)
	}
	if first["query"] != "asked" || first["header"] != "sent" || first["body"] == "" || last["query"] != "" || last["header"] != "" || last["body"] != "" {
		t.Errorf("at first %v, again %v", first, last)
	}
}

// TestCallsOfASuspendedHook: what a suspended hook misses it is told of later, each commit, and others' calls that keep failing do not keep it from that.
func TestCallsOfASuspendedHook(t *testing.T) {
	for _, crashes := range []int{5, 50} {
		t.Run(fmt.Sprint(crashes), func(t *testing.T) {
			g := newCalls(t, "after_broken")
			for i := range crashes {
				g.create(fmt.Sprint("bad ", i))
			}
			want := []string{"fine 0", "fine 1", "fine 2"}
			for _, title := range want {
				g.create(title)
			}
			eventually(t, "it is told of the others", func() bool {
				var fine []string
				for _, title := range g.allTold(t) {
					if strings.HasPrefix(title, "fine") {
						fine = append(fine, title)
					}
				}
				slices.Sort(fine)
				return slices.Equal(fine, want)
			})
			if total, _ := g.kept("?extension=after&state=waiting"); total != crashes {
				t.Errorf("%d kept of %d", total, crashes)
			}
			if status, _ := g.send("PATCH", "/api/collections/posts/records/"+g.create("x"), `{"title":"other hook"}`); status != 200 || !slices.Contains(g.allTold(t), "other hook") {
				t.Errorf("another hook: %d", status)
			}
			install(t, g.dir, "after", "after")
			eventually(t, "nothing is left", func() bool { total, _ := g.kept(""); return total == 0 })
			told := make(map[string]bool)
			for _, row := range g.allTold(t) {
				told[row] = true
			}
			for i := range crashes {
				if !told[fmt.Sprint("bad ", i)] {
					t.Fatalf("it was never told of %d", i)
				}
			}
		})
	}
}

// allTold are the titles that were told, however many.
func (g *guestRig) allTold(t *testing.T) (titles []string) {
	t.Helper()
	list, err := g.app.Records.FindAll(t.Context(), "told", programs.Find{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		titles = append(titles, r.Text("title"))
	}
	return titles
}

// TestCallsKeepTheOrderOfARecord: a call does not overtake an earlier one of the same hook for the same record; those for others do.
func TestCallsKeepTheOrderOfARecord(t *testing.T) {
	g := newCalls(t, "after_broken")
	one, other := g.create("one"), g.create("other")
	for _, change := range [][2]string{{one, "bad 1"}, {one, "fine 2"}, {one, "fine 3"}, {other, "fine 4"}} {
		if status, out := g.send("PATCH", "/api/collections/posts/records/"+change[0], `{"title":"`+change[1]+`"}`); status != 200 {
			t.Fatalf("%d %v", status, out)
		}
	}
	if total, kept := g.kept(""); total != 3 || kept[1]["attempts"] != 0.0 || kept[2]["attempts"] != 0.0 {
		t.Fatalf("%d kept: %v", total, kept)
	}
	install(t, g.dir, "after", "after")
	eventually(t, "nothing is left", func() bool { total, _ := g.kept(""); return total == 0 })
	var got []string
	for _, title := range g.titles() {
		if len(got) == 0 || got[len(got)-1] != title {
			got = append(got, title)
		}
	}
	if at := slices.Index(got, "fine 4"); at < 0 || at > slices.Index(got, "fine 2") {
		t.Errorf("another record waited: %q", got)
	}
	got = slices.DeleteFunc(got, func(s string) bool { return s == "fine 4" || s == "one" || s == "other" })
	if got = slices.Compact(got); !slices.Equal(got, []string{"bad 1", "fine 2", "fine 3"}) {
		t.Errorf("told %q", got)
	}
}

// TestCallsSurviveACrash: what was kept is there in the file as it is when the process is killed, and made by the next one.
func TestCallsSurviveACrash(t *testing.T) {
	g := newCalls(t, "after_broken")
	id := g.create("bad one")
	if status, _ := g.send("DELETE", "/api/collections/posts/records/"+id, ""); status != 204 {
		t.Fatal(status)
	}
	if total, _ := g.kept(""); total != 2 {
		t.Fatalf("%d kept", total)
	}
	killed := t.TempDir() // the file as it is now, which is what a kill leaves
	for _, name := range []string{"data.db", "data.db-wal", "auxiliary.db", "auxiliary.db-wal"} {
		content, err := os.ReadFile(filepath.Join(g.app.Dir(), name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(killed, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	next := callsIn(t, killed, t.TempDir(), "after")
	eventually(t, "nothing is left", func() bool { total, _ := next.kept(""); return total == 0 })
	told := next.toldRows()
	if n := len(told); n < 4 || told[n-1]["event"] != "delete" && told[n-2]["event"] != "delete" || told[n-1]["title"] != "bad one" {
		t.Errorf("told %v", told)
	}
}

// TestCallsWaitForTheirExtension: they are not made while it is not there, which superusers see.
func TestCallsWaitForTheirExtension(t *testing.T) {
	g := newCalls(t, "after_broken")
	g.create("bad one")
	if err := os.Remove(filepath.Join(g.dir, "after.wasm")); err != nil {
		t.Fatal(err)
	}
	absent := func() (names []string) {
		status, out := g.sendAs(g.superuser(), "GET", "/api/extensions", "")
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		for _, sum := range out["absent"].([]any) {
			if one := sum.(map[string]any); one["waiting"] == 1.0 && one["bytes"].(float64) > 0 {
				names = append(names, one["extension"].(string))
			}
		}
		return names
	}
	eventually(t, "it is gone", func() bool { return slices.Equal(absent(), []string{"after"}) })
	_, kept := g.kept("")
	if status, out := g.sendAs(g.superuser(), "POST", "/api/extensions/calls/replay", `{"extension":"after"}`); status != 200 || out["replayed"] != 1.0 {
		t.Errorf("%d %v", status, out)
	}
	install(t, g.dir, "after", "after")
	eventually(t, "it is made", func() bool { total, _ := g.kept(""); return total == 0 && len(absent()) == 0 })
	if told := g.toldRows(); told[len(told)-1]["call"] != kept[0]["id"] {
		t.Errorf("told %v", told)
	}
}

// TestCallsThatAreNotKept: a no is an answer, and a call that comes to its end is made once.
func TestCallsThatAreNotKept(t *testing.T) {
	g := newCalls(t, "after_broken")
	g.create("no thanks")
	g.create("fine")
	if total, kept := g.kept(""); total != 0 || !slices.Equal(g.titles(), []string{"no thanks", "fine"}) {
		t.Errorf("%v; told %q", kept, g.titles())
	}
}

// TestCallsThatTimeOut are kept as well.
func TestCallsThatTimeOut(t *testing.T) {
	g := newCalls(t, "after_broken")
	g.create("loop")
	if total, kept := g.kept(""); total != 1 || !strings.Contains(kept[0]["error"].(string), "out of time") {
		t.Errorf("%v", kept)
	}
}

// TestCallsOfWhoIsGone: somebody who is deleted meanwhile is a guest, a superuser as well.
func TestCallsOfWhoIsGone(t *testing.T) {
	g := newCalls(t, "after_broken")
	g.token("_superusers", "other@example.com")
	for _, who := range [][2]string{{"people", "a@example.com"}, {"_superusers", "b@example.com"}, {"_superusers", "root@example.com"}} {
		status, out := g.sendAs(g.token(who[0], who[1]), "POST", "/api/collections/posts/records", `{"title":"bad of `+who[1]+`"}`)
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		if who[1] == "root@example.com" {
			continue
		}
		r, err := g.app.Records.FindFirst(t.Context(), who[0], find("email", who[1]))
		if err == nil {
			err = g.app.Records.Delete(t.Context(), r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := len(g.toldRows())
	install(t, g.dir, "after", "after")
	eventually(t, "nothing is left", func() bool { total, _ := g.kept(""); return total == 0 })
	for _, row := range g.toldRows()[before:] {
		gone := row["title"] != "bad of root@example.com"
		if gone != (row["who"] == "") || gone != (row["superuser"] == "no") {
			t.Errorf("told %v", row)
		}
	}
}
