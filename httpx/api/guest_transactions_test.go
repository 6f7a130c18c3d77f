package api_test

import (
	"strings"
	"testing"
)

// What a guest writes in a transaction of its own is there whole or not at all, wherever the guest may write.
func TestGuestTransactions(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	g.posts("notes")
	note := func(title string) string { return `create|1|notes|{"title":"` + title + `"}|title` }
	const count = "sql|SELECT count(*) FROM notes|[]"
	tests := []struct {
		name  string
		lines []string
		told  []string
		notes int
	}{
		{"committed", []string{"begin", note("a"), note("b"), count, "commit"}, []string{"begin=ok", `create="a"`, `create="b"`, "sql=[[2],0]", "commit=ok"}, 2},
		{"rolled back", []string{"begin", note("a"), "rollback", count}, []string{"begin=ok", `create="a"`, "rollback=ok", "sql=[[0],0]"}, 0},
		{"a part is rolled back", []string{"begin", note("a"), "begin", note("b"), "rollback", note("c"), "commit"},
			[]string{"begin=ok", `create="a"`, "begin=ok", `create="b"`, "rollback=ok", `create="c"`, "commit=ok"}, 2},
		{"the whole is rolled back", []string{"begin", "begin", note("b"), "commit", "rollback"}, []string{"begin=ok", "begin=ok", `create="b"`, "commit=ok", "rollback=ok"}, 0},
		{"left open", []string{"begin", note("a")}, []string{"begin=ok", `create="a"`}, 0},
		{"none open", []string{"commit", "rollback"}, []string{"commit=CONTEXT no transaction is open", "rollback=CONTEXT no transaction is open"}, 0},
		{"a failed write", []string{"begin", note("a"), `create|1|notes|{"slug":"much too long for this field"}|title`, "commit"},
			[]string{"begin=ok", `create="a"`, `create=FAILED {"slug":{"code":"validation_max_text_constraint","message":"Must be no more than 20 character(s).","params":{"max":20}}}`, "commit=ok"}, 1},
	}
	for _, phase := range []string{"route", "record.create", "record.create.success"} {
		for _, test := range tests {
			t.Run(phase+", "+test.name, func(t *testing.T) {
				tellsIn(t, g, phase, test.lines, test.told)
				if n := g.count("notes"); n != test.notes {
					t.Errorf("%d notes", n)
				}
				g.log.told()
				g.empty("notes")
			})
		}
	}
	// The record that is shown is nobody's to write.
	g.posts("shown")
	status, _ := g.send("POST", "/api/collections/shown/records", with("", "record.enrich<|begin"))
	if said := g.log.told(); status != 200 || len(said) == 0 || said[0] != "probe begin=CONTEXT nothing can be written while a record is shown" {
		t.Errorf("%d %q", status, said)
	}
}

// tellsIn has the guest run a script in a route or a hook, and looks at what it tells.
func tellsIn(t *testing.T, g *guestRig, phase string, lines, told []string) {
	t.Helper()
	if phase == "route" {
		status, _, raw := g.raw("POST", "/probe/any/x", script(lines...), nil)
		if want := strings.Join(told, "\n") + "\n"; status != 200 || string(raw) != want {
			t.Errorf("%d\n%swant\n%s", status, raw, want)
		}
		return
	}
	var inHook, want []string
	for _, line := range lines {
		inHook = append(inHook, phase+"<|"+line)
	}
	for _, line := range told {
		want = append(want, "probe "+line)
	}
	if status, out := g.send("POST", "/api/collections/posts/records", with("", inHook...)); status != 200 {
		t.Errorf("%d %v", status, out)
	}
	g.expect(want...)
}

// A guest that is stopped or traps in the middle of a transaction leaves nothing of it, and nobody waits for it afterwards.
func TestGuestTransactionsBroken(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("notes")
	for _, deed := range []string{"trap", "exit", "recurse", "loop"} {
		status, _, _ := g.raw("POST", "/probe/any/x", script("begin", `create|1|notes|{"title":"a"}|title`, "hostile|"+deed), nil)
		if want := map[bool]int{true: 503, false: 500}[deed == "loop"]; status != want {
			t.Errorf("%s: %d", deed, status)
		}
		if n := g.count("notes"); n != 0 {
			t.Errorf("%s left %d notes", deed, n)
		}
		if status, out := g.send("POST", "/api/collections/notes/records", `{}`); status != 200 {
			t.Errorf("the next write: %d %v", status, out)
		}
		g.empty("notes")
	}
}

// Once something of a request is committed, nobody is told to try it again, whatever becomes of the rest.
func TestPartlyDoneIsNoBusy(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	g.posts("notes")
	const note = `create|1|notes|{"title":"a"}|title`
	tests := []struct {
		name, path, body string
		status, notes    int
	}{
		{"route, nothing done", "/probe/any/x", script("hostile|loop"), 503, 0},
		{"route, a write", "/probe/any/x", script(note, "hostile|loop"), 500, 1},
		{"route, a transaction", "/probe/any/x", script("begin", note, "commit", "hostile|loop"), 500, 1},
		{"route, a transaction that is open", "/probe/any/x", script("begin", note, "hostile|loop"), 503, 0},
		{"hook, nothing done", "/api/collections/posts/records", with("", "record.create<|hostile|loop"), 503, 0},
		{"hook, a write", "/api/collections/posts/records", with("", "record.create<|"+note, "record.create.execute<|hostile|loop"), 500, 1},
		{"hook of the request, a write", "/api/collections/posts/records", with("", "record.create.request<|"+note, "record.create<|hostile|loop"), 500, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, header, raw := g.raw("POST", test.path, test.body, map[string][]string{"Content-Type": {"application/json"}})
			again := len(header["Retry-After"]) > 0
			if status != test.status || again != (test.status == 503) {
				t.Errorf("%d, try again %v: %s", status, again, raw)
			}
			if n := g.count("notes"); n != test.notes {
				t.Errorf("%d notes", n)
			}
			g.empty("notes")
		})
	}
}
