package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/sqlite"
)

// holdWriter keeps the Writer busy until release is called, or the test ends.
func (g *rig) holdWriter() (release func()) {
	g.t.Helper()
	began, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		done <- g.app.DB.Do(context.Background(), sqlite.WorkFunc(func(*sqlite.Tx) error {
			once.Do(func() { close(began) })
			<-end
			return nil
		}))
	}()
	<-began
	release = sync.OnceFunc(func() {
		close(end)
		if err := <-done; err != nil {
			g.t.Error(err)
		}
	})
	g.t.Cleanup(release)
	return release
}

// batchOf is the body of a batch of creates in notes.
func batchOf(bodies ...string) string {
	for i := range bodies {
		bodies[i] = `{"method":"POST","url":"/api/collections/notes/records","body":` + bodies[i] + `}`
	}
	return `{"requests":[` + strings.Join(bodies, ",") + `]}`
}

// TestLaw3BusyBatch: a batch that finds the engine busy was not written; it is a 503 that may be tried again, with hooks or
// without.
func TestLaw3BusyBatch(t *testing.T) {
	for _, hooked := range []bool{false, true} {
		g := newRig(t, func(a *app.App) {
			if hooked {
				a.Hooks.OnRecordCreateRequest("notes").BindFunc(func(e *writes.RecordRequestEvent) error { return e.Next() })
			}
		})
		g.collection(`{"name":"notes","type":"base","fields":[{"name":"t","type":"text"}]}`)
		if status, out := g.sendAs(g.superuser(), "PATCH", "/api/settings", `{"batch":{"enabled":true,"maxRequests":10,"timeout":1}}`); status != 200 {
			t.Fatal(status, out)
		}
		release := g.holdWriter()
		status, header, raw := g.raw("POST", "/api/batch", batchOf(`{"t":"a"}`, `{"t":"b"}`), http.Header{"Content-Type": {"application/json"}})
		if status != 503 || header.Get("Retry-After") == "" || !strings.Contains(string(raw), api.TooBusy) {
			t.Errorf("hooked %v: %d %v %s", hooked, status, header, raw)
		}
		release()
		if n := g.count("notes"); n != 0 {
			t.Errorf("%d records of a batch that was told not to be written", n)
		}
	}
}

// TestLaw2UnknownOutcome: wherever an outcome that nobody knows comes from, the client is told, and so is an extension.
func TestLaw2UnknownOutcome(t *testing.T) {
	unknown := fmt.Errorf("commit: %w", sqlite.ErrOutcomeUnknown)
	g := &guestRig{log: new(journal), dir: t.TempDir()}
	install(t, g.dir, "probe", "probe")
	g.rig = openRig(t, rigOptions{extensions: g.dir, log: g.log, bind: func(a *app.App) {
		fail := func(e *writes.RecordEvent) error { return unknown }
		a.Hooks.OnRecordCreateExecute("notes").BindFunc(fail)
		a.Hooks.OnRecordUpdateExecute("notes").BindFunc(fail)
		a.Hooks.OnRecordDeleteExecute("notes").BindFunc(fail)
	}})
	g.allowBatches()
	g.collection(`{"name":"notes","type":"base","fields":[{"name":"t","type":"text"}]}`)
	if _, err := g.app.Console.Run(t.Context(), `INSERT INTO notes (id, t) VALUES ('noteaaaaaaaaaaa', 'first')`); err != nil {
		t.Fatal(err)
	}
	const one = "/api/collections/notes/records/noteaaaaaaaaaaa"
	for _, r := range [][3]string{
		{"POST", "/api/collections/notes/records", `{"t":"a"}`}, {"PATCH", one, `{"t":"a"}`}, {"DELETE", one, ""}, {"POST", "/api/batch", batchOf(`{"t":"a"}`)},
	} {
		status, header, raw := g.raw(r[0], r[1], r[2], http.Header{"Content-Type": {"application/json"}})
		if status != 500 || header.Get("Retry-After") != "" || !strings.Contains(string(raw), "outcome is not known") {
			t.Errorf("%s %s: %d %s", r[0], r[1], status, raw)
		}
	}
	got := g.ask("", `create|1|notes|{"t":"a"}|t`)
	if len(got) != 1 || !strings.HasPrefix(got[0], "create=INTERNAL the outcome is not known") {
		t.Errorf("an extension is told %q", got)
	}
	r, err := g.app.Records.New("notes")
	if err == nil {
		err = g.app.Records.Save(t.Context(), r)
	}
	if err == nil || writes.OutcomeOf(err) != writes.Unknown {
		t.Errorf("a program is told %v", err)
	}
}

// TestFullDisk: SQLite finds no room for another page, which every kind of write says in plain words.
func TestFullDisk(t *testing.T) {
	g := newGuests(t, "probe")
	g.allowBatches()
	g.collection(`{"name":"notes","type":"base","fields":[{"name":"t","type":"text","max":500000}]}`)
	g.collection(`{"name":"links","type":"base","fields":[{"name":"pad","type":"text","max":500000},{"name":"to","type":"relation","collectionId":"` + g.app.Catalogue.Current().Find("notes").ID + `","maxSelect":1}]}`)
	root := g.superuser()
	err := g.app.DB.Maintain(t.Context(), func(conn *zsqlite.Conn) error {
		return sqlitex.ExecuteTransient(conn, "PRAGMA max_page_count = 1", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	big, err := json.Marshal(map[string]string{"t": strings.Repeat("x", 400_000)})
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("n", 250)
	fields := make([]string, 100)
	for i := range fields {
		fields[i] = fmt.Sprintf(`{"name":"f%d%s","type":"text"}`, i, strings.Repeat("f", 80))
	}
	for what, r := range map[string][3]string{
		"create":     {"POST", "/api/collections/notes/records", string(big)},
		"batch":      {"POST", "/api/batch", batchOf(string(big))},
		"settings":   {"PATCH", "/api/settings", `{"meta":{"appName":"` + name + `","senderName":"` + name + `"},"rateLimits":{"rules":[` + manyRules(400) + `]}}`},
		"collection": {"POST", "/api/collections", `{"name":"other","type":"base","fields":[` + strings.Join(fields, ",") + `]}`},
		"console":    {"POST", "/api/sql", `{"query":"INSERT INTO notes (id, t) VALUES ('x', hex(zeroblob(200000)))"}`},
	} {
		status, header, raw := g.raw(r[0], r[1], r[2], http.Header{"Content-Type": {"application/json"}, "Authorization": {root}})
		if status != 507 || header.Get("Retry-After") != "" || !strings.Contains(string(raw), "disk is full") {
			t.Errorf("%s: %d %s", what, status, raw)
		}
	}
	if got := g.ask("", "sql|INSERT INTO notes (id, t) VALUES ('x', hex(zeroblob(200000)))|[]"); len(got) != 1 || !strings.Contains(got[0], "disk is full") {
		t.Errorf("an extension is told %q", got)
	}
	if n := g.count("notes"); n != 0 {
		t.Errorf("%d records", n)
	}
}

func manyRules(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"label":"/api/%d/","maxRequests":1000000,"duration":10}`, i)
	}
	return strings.Join(list, ",")
}
