package api_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// reloads is how often the file is replaced under load.
const reloads = 20

// A reloadLoad is clients of an extension that is replaced, and what they were answered.
type reloadLoad struct {
	g               *guestRig
	gone            atomic.Bool // the file is, or was a moment ago
	routed, created atomic.Int64
	seen            map[string]*atomic.Int64 // by the version that a route's answer names
}

// route calls the extension's route until the context ends.
func (l *reloadLoad) route(ctx context.Context) {
	for ctx.Err() == nil {
		mayMiss := l.gone.Load()
		status, _, raw := l.g.raw("POST", "/probe/any/x", "version", nil)
		mayMiss = mayMiss || l.gone.Load()
		if n := l.seen[string(raw)]; status == 200 && n != nil {
			n.Add(1)
		} else if status != 404 || !mayMiss {
			l.g.t.Errorf("route: %d %s", status, raw)
			return
		}
		l.routed.Add(1)
	}
}

// create makes records through the extension's hooks until the context ends.
func (l *reloadLoad) create(ctx context.Context) {
	for ctx.Err() == nil {
		mayMiss := l.gone.Load()
		status, _, raw := l.g.raw("POST", "/api/collections/posts/records", with("", "record.create<|state|kept", "record.create<|set|slug|hooked", "record.create>|tellstate"), http.Header{"Content-Type": {"application/json"}})
		mayMiss = mayMiss || l.gone.Load()
		if status != 200 || !strings.Contains(string(raw), `"slug":"hooked"`) && !mayMiss {
			l.g.t.Errorf("create: %d %s", status, raw)
			return
		}
		l.created.Add(1)
	}
}

// installSlowly writes a version of an extension in place, with pauses.
func (g *guestRig) installSlowly(name, version string) {
	g.t.Helper()
	module, err := os.ReadFile(filepath.Join("testdata", version+".wasm"))
	if err != nil {
		g.t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(g.dir, name+".wasm"))
	if err != nil {
		g.t.Fatal(err)
	}
	for part := range slices.Chunk(module, len(module)/4) {
		if _, err := f.Write(part); err != nil {
			g.t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond) // longer than a directory has to be quiet
	}
	if err := f.Close(); err != nil {
		g.t.Fatal(err)
	}
}

// TestGuestReloadUnderLoad replaces an extension again and again while clients call its route and create records through its
// hooks. No request fails, but for the route while it is gone; each is answered by the one version or the other.
func TestGuestReloadUnderLoad(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	l := &reloadLoad{g: g, seen: map[string]*atomic.Int64{"version=1\n": new(atomic.Int64), "version=2\n": new(atomic.Int64)}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { l.route(ctx) })
		wg.Go(func() { l.create(ctx) })
	}
	loaded := func(n int) func() bool { return func() bool { return g.logged("extension: loaded") >= n } }
	versions := []string{"probe_next", "probe"}
	for i := range reloads {
		install(t, g.dir, "probe", versions[i%2])
		eventually(t, "the version is loaded", loaded(i+2))
	}
	// What is there meanwhile is no module, and the version before stays.
	g.installSlowly("probe", "probe_next")
	eventually(t, "the file that was written slowly is loaded", loaded(reloads+2))
	if g.logged("extension: not loaded") == 0 {
		t.Error("the log does not say that half a file was no module")
	}
	// A broken one.
	complaints := g.logged("extension: not loaded")
	if err := os.WriteFile(filepath.Join(g.dir, "probe.wasm"), []byte("\x00asm nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broken file is refused", func() bool { return g.logged("extension: not loaded") > complaints })
	// Away and back.
	l.gone.Store(true)
	unloaded := g.logged("extension: unloaded")
	if err := os.Remove(filepath.Join(g.dir, "probe.wasm")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return g.logged("extension: unloaded") > unloaded })
	eventually(t, "its route is gone", func() bool { status, _, _ := g.raw("POST", "/probe/any/x", "version", nil); return status == 404 })
	install(t, g.dir, "probe", "probe")
	eventually(t, "it is back", loaded(reloads+3))
	l.gone.Store(false)
	before := l.routed.Load() + l.created.Load()
	eventually(t, "requests go on", func() bool { return l.routed.Load()+l.created.Load() > before+20 })
	stop()
	wg.Wait()
	if a, b := l.seen["version=1\n"].Load(), l.seen["version=2\n"].Load(); a == 0 || b == 0 {
		t.Errorf("answers: %d of the one, %d of the other version", a, b)
	}
	t.Logf("%d calls of the route, %d creates", l.routed.Load(), l.created.Load())
}

// logged counts lines of the log that begin with a text.
func (g *guestRig) logged(begin string) (n int) {
	for _, line := range g.log.all() {
		if strings.HasPrefix(line, begin) {
			n++
		}
	}
	return n
}
