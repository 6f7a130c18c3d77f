package api_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/wasmhost"
)

// putEarly installs the guest of early.c under a name of six letters. The deeds are those of bootstrap and serve, the mark is what it adds to titles.
func putEarly(t *testing.T, dir, name, deeds, mark string) {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join("testdata", "early.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"early0": name, "deed=--": "deed=" + deeds, "MARK=1": "MARK=" + mark} {
		if !bytes.Contains(wasm, []byte(from)) || len(from) != len(to) {
			t.Fatalf("%s cannot be made %s", from, to)
		}
		wasm = bytes.ReplaceAll(wasm, []byte(from), []byte(to))
	}
	temporary := filepath.Join(dir, name+".new")
	if err := os.WriteFile(temporary, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name+".wasm")); err != nil {
		t.Fatal(err)
	}
}

// refusedNames returns the files that are refused and why.
func (g *guestRig) refusedNames() map[string]wasmhost.Refused {
	out := make(map[string]wasmhost.Refused)
	for _, r := range g.app.Guests.Refused() {
		out[strings.TrimSuffix(r.File, ".wasm")] = r
	}
	return out
}

// opened serves what is in a directory.
func opened(t *testing.T, o rigOptions) *guestRig {
	t.Helper()
	g := &guestRig{log: new(journal), dir: o.extensions}
	o.log = g.log
	g.rig = openRig(t, o)
	return g
}

// reload looks at the extensions and waits.
func (g *guestRig) reload() {
	g.t.Helper()
	if err := g.app.Guests.Reload(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
}

// answers fails the test unless routes of extensions answer so.
func (g *guestRig) answers(status map[string]int) {
	g.t.Helper()
	for name, want := range status {
		if got, _, raw := g.raw("GET", "/early/"+name, "", nil); got != want {
			g.t.Errorf("%s answers %d %s, want %d", name, got, raw, want)
		}
	}
}

// TestNoModuleKeepsTheServerFromStarting: a trap, a loop or a refusal in bootstrap or serve takes out that module, says so, and the others serve.
func TestNoModuleKeepsTheServerFromStarting(t *testing.T) {
	dir := t.TempDir()
	status := make(map[string]int)
	for _, deed := range []string{"t", "l", "r"} {
		for at, deeds := range map[string]string{"b": deed + "-", "s": "-" + deed} {
			name := "early" + string(rune('a'+strings.Index("tlr", deed)+3*strings.Index("bs", at)))
			putEarly(t, dir, name, deeds, "1")
			status[name] = 404
		}
	}
	putEarly(t, dir, "earlyz", "--", "1")
	status["earlyz"] = 200
	g := opened(t, rigOptions{extensions: dir, limits: wasmhost.Limits{Hook: 200 * time.Millisecond}})
	g.answers(status)
	refused, log := g.refusedNames(), strings.Join(g.log.all(), "\n")
	for name, want := range status {
		if r, is := refused[name]; is != (want == 404) || is && (r.Next.IsZero() || r.Name != "" && r.Name != name) {
			t.Errorf("%s: %+v", name, r)
		}
		if want == 404 && !strings.Contains(log, "not loaded file="+name+".wasm") {
			t.Errorf("the log does not name %s", name)
		}
	}
}

// TestBootstrapOfALaterModule: what it writes goes through the hooks that are in place, of the version before too, not through its own; and the version before
// stays when it fails.
func TestBootstrapOfALaterModule(t *testing.T) {
	g := opened(t, rigOptions{extensions: t.TempDir()})
	g.collection(`{"name":"notes","type":"base","fields":[{"name":"title","type":"text"}]}`)
	titles := func() string {
		t.Helper()
		_, out := g.send("GET", "/api/collections/notes/records?sort=@rowid", "")
		var all []string
		for _, item := range out["items"].([]any) {
			all = append(all, fmt.Sprint(item.(map[string]any)["title"]))
		}
		return strings.Join(all, " ")
	}
	putEarly(t, g.dir, "early1", "--", "1")
	g.reload()
	putEarly(t, g.dir, "early2", "w-", "2")
	g.reload()
	if got := titles(); got != "seed1" {
		t.Fatalf("%q\n%s", got, strings.Join(g.log.all(), "\n"))
	}
	putEarly(t, g.dir, "early2", "-w", "3")
	g.reload()
	if got := titles(); got != "seed1 seed12" {
		t.Fatalf("%q", got)
	}
	old := g.app.Guests.Extensions()[1]
	for _, deeds := range []string{"t-", "-t", "r-", "-r"} {
		putEarly(t, g.dir, "early2", deeds, "4")
		g.reload()
		if set := g.app.Guests.Extensions(); len(set) != 2 || set[1] != old || !g.refusedNames()["early2"].Before {
			t.Errorf("%s: %v, %+v", deeds, set, g.app.Guests.Refused())
		}
	}
	g.answers(map[string]int{"early1": 200, "early2": 200})
	if status, out := g.send("POST", "/api/collections/notes/records", `{"title":"mine"}`); status != 200 || out["title"] != "mine13" {
		t.Errorf("%d %v", status, out)
	}
}

// TestRoutesOfTheProgramWin: an extension that has one of them is left out, and the server starts.
func TestRoutesOfTheProgramWin(t *testing.T) {
	dir := t.TempDir()
	putEarly(t, dir, "early1", "--", "1")
	putEarly(t, dir, "early2", "--", "1")
	serving := new(hooks.Hook[*api.ServeEvent])
	serving.BindFunc(func(e *api.ServeEvent) error {
		e.Router.GET("/early/early1", func(c *httpx.Context) error { c.SendRaw(202, "text/plain", nil); return nil })
		return e.Next()
	})
	g := opened(t, rigOptions{extensions: dir, api: api.Options{Serving: serving}})
	g.answers(map[string]int{"early1": 202, "early2": 200})
	if r := g.refusedNames(); len(r) != 1 || !strings.Contains(r["early1"].Why, "conflicts with") {
		t.Errorf("%+v", r)
	}
}

// TestOneRouteTwice: the second by name is left out, and nobody else.
func TestOneRouteTwice(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"early1", "early2", "early3"} {
		putEarly(t, dir, name, "--", "1")
	}
	wasm, err := os.ReadFile(filepath.Join(dir, "early2.wasm"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "early2.wasm"), bytes.Replace(wasm, []byte("/early/early2"), []byte("/early/early1"), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := opened(t, rigOptions{extensions: dir})
	r := g.refusedNames()
	if set := g.app.Guests.Extensions(); len(set) != 2 || len(r) != 1 {
		t.Fatalf("%d in place, %+v", len(set), r)
	}
	g.answers(map[string]int{"early1": 200, "early3": 200})
}
