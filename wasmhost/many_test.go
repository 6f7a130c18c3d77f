package wasmhost_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost"
)

// many is how many modules there are, sizeOfAll how large each is: what a Go guest has.
const (
	many      = 200
	manyLong  = 1000
	sizeOfAll = 1900 << 10
)

// resident is what the process has in memory, in megabytes; 0 where that is not told.
func resident() int {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize() >> 20
}

// TestManyModules: a directory full of modules is one proposal, at a warm start nothing of them is compiled or run, also with one that loops among
// them; all of them answer, and one that is dropped among them does, too. Times and memory are printed, not judged.
func TestManyModules(t *testing.T) {
	n := many
	if os.Getenv("TROUPE_SIEGE") == "long" {
		n = manyLong
	}
	if testing.Short() {
		n = 20
	}
	dir, cache := t.TempDir(), t.TempDir()
	loop, err := os.ReadFile("testdata/init_loop.wasm")
	if err != nil {
		t.Fatal(err)
	}
	wasmhost.PutModule(t, dir, "loop", loop)
	for i := range n - 1 {
		name := fmt.Sprintf("m%04d", i)
		wasmhost.PutModule(t, dir, name, wasmhost.Acting(fmt.Sprintf(`{"name":%q,"hooks":[{"event":"record.create","collections":["c%d"]}],"routes":[{"path":"/%s"}]}`,
			name, i, name), wasmhost.Nothing, sizeOfAll))
	}
	startMany(t, "cold", dir, cache, n, nil)
	startMany(t, "warm", dir, cache, n, func(m *wasmhost.Manager, p *proposals) {
		if a, c := wasmhost.Attempts(m), wasmhost.Compilations(m); a > 1 || c > a { // but for the loop, which is tried again once the others are in place
			t.Errorf("%d modules were loaded and %d compiled although all are in the cache", a, c)
		}
		if sets := p.all(); len(sets) != 1 {
			t.Errorf("%d proposals", len(sets))
		}
		for _, x := range m.Extensions() {
			if _, err := x.Serve(context.Background(), 0, nil); err != nil {
				t.Fatalf("%s: %v", x.Name(), err)
			}
		}
		begin := time.Now()
		wasmhost.PutModule(t, dir, "new", wasmhost.VersionModule("new", "1"))
		wasmhost.Eventually(t, "the new one serves", func() bool { return len(m.Extensions()) == n })
		t.Logf("a new module beside %d others is in place after %v", n, time.Since(begin))
		if sets := p.all(); len(sets) != 2 {
			t.Errorf("%d proposals", len(sets))
		}
	})
}

// startMany opens a manager over a directory of n modules, one of which loops.
func startMany(t *testing.T, what, dir, cache string, n int, then func(m *wasmhost.Manager, p *proposals)) {
	t.Helper()
	runtime.GC()
	before := resident()
	var p proposals
	begin := time.Now()
	m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) {
		o.Dir, o.CacheDir, o.Watch = dir, cache, true
		counted(&p)(o)
	})
	took := time.Since(begin)
	runtime.GC()
	t.Logf("%s start with %d modules of %d KiB: %v, %d MiB more in memory", what, n, sizeOfAll>>10, took, resident()-before)
	if len(m.Extensions()) != n-1 || len(m.Refused()) != 1 {
		t.Fatalf("%d extensions, refused %+v\n%.2000s", len(m.Extensions()), m.Refused(), log)
	}
	if then != nil {
		then(m, &p)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestManyGoGuests does the same with modules that Go made.
func TestManyGoGuests(t *testing.T) {
	if os.Getenv("TROUPE_SIEGE") == "" {
		t.Skip("TROUPE_SIEGE is not set")
	}
	n := 20
	if os.Getenv("TROUPE_SIEGE") == "long" {
		n = many
	}
	wasm, err := os.ReadFile(filepath.Join("..", "extensions", "examples", "go", "slugs", "slugs-go.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	dir, cache := t.TempDir(), t.TempDir()
	for i := range n {
		name := fmt.Sprintf("slugs%03d", i)
		if !bytes.Contains(wasm, []byte("slugs-go")) {
			t.Fatal("the example has another name")
		}
		wasmhost.PutModule(t, dir, name, bytes.ReplaceAll(wasm, []byte("slugs-go"), []byte(name)))
	}
	for _, what := range []string{"cold", "warm"} {
		runtime.GC()
		before, begin := resident(), time.Now()
		m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.Dir, o.CacheDir = dir, cache })
		took := time.Since(begin)
		runtime.GC()
		t.Logf("%s start with %d Go guests: %v, %d MiB more in memory", what, n, took, resident()-before)
		if len(m.Extensions()) != n {
			t.Fatalf("%d extensions\n%.2000s", len(m.Extensions()), log)
		}
		if what == "warm" {
			begin = time.Now()
			for _, x := range m.Extensions() {
				if _, err := x.Serve(t.Context(), 0, &wasmhost.Call{Request: &wasmhost.FakeRequest{Params: map[string]string{"name": "you"}}}); err != nil {
					t.Fatal(x.Name(), err)
				}
			}
			t.Logf("all answered after %v, %d have code in memory, %d MiB more", time.Since(begin), wasmhost.Engines(m), resident()-before)
			if a := wasmhost.Attempts(m); a != 0 {
				t.Errorf("%d were loaded anew", a)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
