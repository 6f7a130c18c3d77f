package api

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

// TestGuestReloadUnderLoad replaces an extension again and again while clients call its route and create records through its
// hooks. No request fails, but for the route while it is gone; each is answered by the one version or the other.
func TestGuestReloadUnderLoad(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	var gone atomic.Bool // the file is, or was a moment ago
	var routed, created atomic.Int64
	seen := map[string]*atomic.Int64{"version=1\n": new(atomic.Int64), "version=2\n": new(atomic.Int64)}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for ctx.Err() == nil {
				mayMiss := gone.Load()
				status, _, raw := g.raw("POST", "/probe/any/x", "version", nil)
				mayMiss = mayMiss || gone.Load()
				if n := seen[string(raw)]; status == 200 && n != nil {
					n.Add(1)
				} else if status != 404 || !mayMiss {
					t.Errorf("route: %d %s", status, raw)
					return
				}
				routed.Add(1)
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				mayMiss := gone.Load()
				status, _, raw := g.raw("POST", "/api/collections/posts/records", with("", "record.create<|state|kept", "record.create<|set|slug|hooked", "record.create>|tellstate"), http.Header{"Content-Type": {"application/json"}})
				mayMiss = mayMiss || gone.Load()
				if status != 200 || !strings.Contains(string(raw), `"slug":"hooked"`) && !mayMiss {
					t.Errorf("create: %d %s", status, raw)
					return
				}
				created.Add(1)
			}
		})
	}
	loaded := func(n int) func() bool { return func() bool { return g.logged("extension: loaded") >= n } }
	versions := []string{"probe_next", "probe"}
	for i := range reloads {
		install(t, g.dir, "probe", versions[i%2])
		eventually(t, "the version is loaded", loaded(i+2))
	}
	// Written slowly in place: what is there meanwhile is no module, and the version before stays.
	next, err := os.ReadFile("testdata/probe_next.wasm")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(g.dir, "probe.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(next, len(next)/4) {
		if _, err := f.Write(part); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond) // longer than a directory has to be quiet
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
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
	gone.Store(true)
	unloaded := g.logged("extension: unloaded")
	if err := os.Remove(filepath.Join(g.dir, "probe.wasm")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return g.logged("extension: unloaded") > unloaded })
	eventually(t, "its route is gone", func() bool { status, _, _ := g.raw("POST", "/probe/any/x", "version", nil); return status == 404 })
	install(t, g.dir, "probe", "probe")
	eventually(t, "it is back", loaded(reloads+3))
	gone.Store(false)
	before := routed.Load() + created.Load()
	eventually(t, "requests go on", func() bool { return routed.Load()+created.Load() > before+20 })
	stop()
	wg.Wait()
	if a, b := seen["version=1\n"].Load(), seen["version=2\n"].Load(); a == 0 || b == 0 {
		t.Errorf("answers: %d of the one, %d of the other version", a, b)
	}
	t.Logf("%d calls of the route, %d creates", routed.Load(), created.Load())
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
