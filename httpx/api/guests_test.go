package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/wasmhost"
)

// patience bounds waits for something that must happen; a test that passes never waits as long.
const patience = 20 * time.Second

// compileCache keeps compiled guests for all tests of a run: a module made with Go takes a second to compile.
var compileCache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "troupe-api-")
	if err != nil {
		panic(err)
	}
	compileCache = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func compiled(testing.TB) string { return compileCache }

// journal is a log that tests read. It is safe for concurrent use.
type journal struct {
	mu      sync.Mutex
	entries []string
}

// Enabled implements slog.Handler.
func (j *journal) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// WithAttrs implements slog.Handler.
func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }

// WithGroup implements slog.Handler.
func (j *journal) WithGroup(string) slog.Handler { return j }

// Handle implements slog.Handler.
func (j *journal) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, text)
	return nil
}

// all returns what was logged.
func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

// told returns what the probes said since the last time, in order.
func (j *journal) told() (out []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = slices.DeleteFunc(j.entries, func(text string) bool {
		said := strings.HasPrefix(text, "probe ") || strings.HasPrefix(text, "second ")
		if said {
			out = append(out, text)
		}
		return said
	})
	return out
}

// install puts a guest of testdata, or the file at a path, into a directory of extensions, as one step.
func install(t testing.TB, dir, as, from string) {
	t.Helper()
	if filepath.Ext(from) == "" {
		from = filepath.Join("testdata", from+".wasm")
	}
	wasm, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, as+".new"), wasm, 0o600)
	}
	if err == nil {
		err = os.Rename(filepath.Join(dir, as+".new"), filepath.Join(dir, as+".wasm"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// guestRig is a rig with extensions and a log.
type guestRig struct {
	*rig
	log *journal
	dir string
}

// newGuests serves an application with guests of testdata.
func newGuests(t testing.TB, names ...string) *guestRig {
	t.Helper()
	return limitedGuests(t, wasmhost.Limits{}, names...)
}

func limitedGuests(t testing.TB, limits wasmhost.Limits, names ...string) *guestRig {
	t.Helper()
	return guestsWith(t, rigOptions{limits: limits}, names...)
}

func guestsWith(t testing.TB, o rigOptions, names ...string) *guestRig {
	t.Helper()
	g := &guestRig{log: new(journal), dir: t.TempDir()}
	for _, name := range names {
		install(t, g.dir, filepath.Base(name), name)
	}
	o.extensions, o.log = g.dir, g.log
	g.rig = openRig(t, o)
	if n := len(g.app.Guests.Extensions()); n != len(names) {
		t.Fatalf("%d extensions of %d\n%s", n, len(names), strings.Join(g.log.all(), "\n"))
	}
	g.log.told()
	return g
}

// script is what probes are told: a line for each argument, whose parts are divided by "|" ("\|" is the character itself).
func script(lines ...string) string {
	return strings.NewReplacer(`\|`, "|", "|", "\t").Replace(strings.Join(lines, "\n"))
}

// with is the JSON of a body with a script.
func with(fields string, lines ...string) string {
	text, _ := json.Marshal(script(lines...))
	if fields != "" {
		fields = "," + fields
	}
	return `{"script":` + string(text) + fields + `}`
}

// expect compares what the probes said since the last time.
func (g *guestRig) expect(want ...string) {
	g.t.Helper()
	if got := g.log.told(); !slices.Equal(got, want) {
		g.t.Errorf("the probes said\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// posts makes a collection with scripts, a title and a slug.
func (g *guestRig) posts(name string) {
	g.t.Helper()
	g.collection(`{"name":"` + name + `","type":"base","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"},{"name":"slug","type":"text","max":20}]}`)
}

// count returns how many records a collection has.
func (g *guestRig) count(collection string) int {
	g.t.Helper()
	var n int
	c := g.app.Catalogue.Current().Find(collection)
	status, out := g.sendAs(g.superuser(), "GET", "/api/collections/"+c.ID+"/records?perPage=1&fields=id", "")
	if total, ok := out["totalItems"].(float64); ok {
		n = int(total)
	} else {
		g.t.Fatalf("count: %d %v", status, out)
	}
	return n
}

// superuser returns the token of a superuser.
func (g *rig) superuser() string {
	g.t.Helper()
	return g.token("_superusers", "root@example.com")
}

// token returns the token of a record with that email, which is made if there is none.
func (g *rig) token(collection, email string) string {
	g.t.Helper()
	r, err := g.app.Records.FindFirst(g.t.Context(), collection, find("email", email))
	if err != nil {
		if r, err = g.app.Records.New(collection); err != nil {
			g.t.Fatal(err)
		}
		r.Set("email", email)
		r.Set("password", "a-password-1234")
		if err := g.app.Records.Save(g.t.Context(), r); err != nil {
			g.t.Fatal(err)
		}
	}
	token, err := auth.Issue(r, auth.Grant{Kind: auth.AuthToken, Refreshable: true}, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	return token
}

// eventually polls until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// shortLimits keep tests of guests that do not end quick; they are far above what others need.
var shortLimits = wasmhost.Limits{Hook: 300 * time.Millisecond, Route: 300 * time.Millisecond, HookWait: 2 * time.Second, RouteWait: 2 * time.Second}
