package wasmhost_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost"
)

// proposals counts the sets that are proposed. Safe for concurrent use.
type proposals struct {
	mu   sync.Mutex
	sets []string
}

func (p *proposals) add(set []*wasmhost.Extension) {
	names := make([]string, len(set))
	for i, x := range set {
		names[i] = x.Name() + x.Version()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sets = append(p.sets, strings.Join(names, " "))
}

func (p *proposals) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sets)
}

// counted makes a manager say what it proposes.
func counted(p *proposals) func(*wasmhost.Options) {
	return func(o *wasmhost.Options) {
		o.Changed = func(set []*wasmhost.Extension) error { p.add(set); return nil }
	}
}

// raising makes the events of a manager the hooks of its extensions.
func raising(o *wasmhost.Options) {
	o.Raise = func(ctx context.Context, x *wasmhost.Extension, event string) error {
		for i, h := range x.Hooks() {
			if h.Event == event {
				if _, err := x.Before(ctx, i, nil); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func raise(t *testing.T, m *wasmhost.Manager, event string) {
	t.Helper()
	if err := m.Raise(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

// refusedFiles returns what is refused, as file=why.
func refusedFiles(m *wasmhost.Manager) map[string]wasmhost.Refused {
	out := make(map[string]wasmhost.Refused)
	for _, r := range m.Refused() {
		out[r.File] = r
	}
	return out
}

// TestOneProposal: however many files there are, the server binds once; and once for all that changes later.
func TestOneProposal(t *testing.T) {
	var p proposals
	o := wasmhost.Options{Dir: t.TempDir(), Host: &wasmhost.FakeHost{}, Logger: (&wasmhost.Logs{}).Logger()}
	counted(&p)(&o)
	for n := range 30 {
		wasmhost.PutModule(t, o.Dir, fmt.Sprintf("m%02d", n), wasmhost.VersionModule(fmt.Sprintf("m%02d", n), "1"))
	}
	m, err := wasmhost.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := p.all(); len(got) != 1 || len(m.Extensions()) != 30 {
		t.Fatalf("%d proposals, %d extensions", len(got), len(m.Extensions()))
	}
	for n := range 30 {
		name := fmt.Sprintf("m%02d", n)
		if n%3 == 0 {
			erase(t, o.Dir, name)
		} else {
			wasmhost.PutModule(t, o.Dir, name, wasmhost.VersionModule(name, "2"))
		}
	}
	wasmhost.ReloadNow(t, m)
	if got := p.all(); len(m.Extensions()) != 20 || m.Extensions()[0].Version() != "2" || len(got) > 3 {
		t.Fatalf("%d proposals, %s", len(got), wasmhost.Loaded(m))
	}
}

// TestBlame: who is to blame for a set is left out, or stays as it was, and nobody else is.
func TestBlamedAreLeftOut(t *testing.T) {
	var p proposals
	bad := map[string]bool{"b2": true, "c1": true}
	m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) {
		o.Changed = func(set []*wasmhost.Extension) error {
			p.add(set)
			blame := make(wasmhost.Blame)
			for _, x := range set {
				if bad[x.Name()+x.Version()] {
					blame[x] = errors.New("its route is taken")
				}
			}
			if len(blame) > 0 {
				return fmt.Errorf("routes: %w", blame)
			}
			return nil
		}
	})
	dir := wasmhost.DirOf(m)
	for _, name := range []string{"a", "b"} {
		wasmhost.PutModule(t, dir, name, wasmhost.VersionModule(name, "1"))
	}
	wasmhost.ReloadNow(t, m)
	for _, name := range []string{"a", "b", "d"} {
		wasmhost.PutModule(t, dir, name, wasmhost.VersionModule(name, "2"))
	}
	wasmhost.PutModule(t, dir, "c", wasmhost.VersionModule("c", "1"))
	before := len(p.all())
	wasmhost.ReloadNow(t, m)
	if got := wasmhost.Loaded(m); got != "a@2 b@1 d@2" {
		t.Fatalf("%s\n%s", got, log)
	}
	if n := len(p.all()) - before; n < 2 || n > 4 {
		t.Errorf("%d proposals: %q", n, p.all()[before:])
	}
	refused := refusedFiles(m)
	if b := refused["b.wasm"]; !strings.Contains(b.Why, "its route is taken") || !b.Before || b.Name != "b" || b.Since.IsZero() || !b.Next.IsZero() {
		t.Errorf("%+v", b)
	}
	if c := refused["c.wasm"]; c.Before || len(refused) != 2 {
		t.Errorf("%+v", refused)
	}
	clear(bad)
	wasmhost.ReloadNow(t, m)
	if got := wasmhost.Loaded(m); got != "a@2 b@2 c@1 d@2" || len(m.Refused()) != 0 {
		t.Error(got, m.Refused())
	}
	bad["a2"] = true // something else has changed
	if err := m.Propose(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := wasmhost.Loaded(m); got != "b@2 c@1 d@2" {
		t.Error(got)
	}
}

// TestOneThatLoops: at the start it costs its own time and is remembered; later nobody waits for it, and a changed file is tried at once.
func TestOneThatLoops(t *testing.T) {
	cache, dir := t.TempDir(), t.TempDir()
	loop, err := os.ReadFile("testdata/init_loop.wasm")
	if err != nil {
		t.Fatal(err)
	}
	wasmhost.PutModule(t, dir, "a-loop", loop)
	wasmhost.PutModule(t, dir, "b", wasmhost.VersionModule("b", "1"))
	open := func() (*wasmhost.Manager, *wasmhost.Logs) {
		return wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.Dir, o.CacheDir = dir, cache })
	}
	m, log := open()
	first := refusedFiles(m)["a-loop.wasm"]
	if wasmhost.Loaded(m) != "b@1" || first.Tries < 1 || first.Next.IsZero() || first.Since.IsZero() {
		t.Fatalf("%s %+v\n%s", wasmhost.Loaded(m), first, log)
	}
	wasmhost.Eventually(t, "it is tried again", func() bool { return refusedFiles(m)["a-loop.wasm"].Tries >= 2 })
	if again := refusedFiles(m)["a-loop.wasm"]; !again.Since.Equal(first.Since) || !again.Next.After(first.Next) {
		t.Errorf("%+v after %+v", again, first)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m, _ = open()
	if got := wasmhost.Attempts(m); got != 0 || wasmhost.Loaded(m) != "b@1" || refusedFiles(m)["a-loop.wasm"].Tries < 2 {
		t.Errorf("%d were run at the next start, %s, %+v", got, wasmhost.Loaded(m), m.Refused())
	}
	wasmhost.PutModule(t, dir, "a-loop", wasmhost.VersionModule("a", "1"))
	wasmhost.ReloadNow(t, m)
	if got := wasmhost.Loaded(m); got != "a@1 b@1" || len(m.Refused()) != 0 {
		t.Error(got, m.Refused())
	}
}

// TestOthersDoNotWait: beside one that loops, what is dropped into the directory of a server that runs is in place before the loop has ended.
func TestOthersDoNotWait(t *testing.T) {
	m, _ := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.Watch = true })
	dir := wasmhost.DirOf(m)
	loop, err := os.ReadFile("testdata/init_loop.wasm")
	if err != nil {
		t.Fatal(err)
	}
	wasmhost.PutModule(t, dir, "a-loop", loop)
	wasmhost.PutModule(t, dir, "b", wasmhost.VersionModule("b", "1"))
	wasmhost.Eventually(t, "b is in place", func() bool { return wasmhost.Loaded(m) == "b@1" })
	if r := m.Refused(); len(r) != 0 {
		t.Errorf("b waited until the loop had ended: %+v", r)
	}
	wasmhost.Eventually(t, "the loop is refused", func() bool { return len(m.Refused()) == 1 })
}

// TestEvents: a trap, a loop or a refusal takes out who does it, and a version that is replaced stays if the next one fails.
func TestEvents(t *testing.T) {
	for name, deed := range map[string]wasmhost.Deed{"traps": wasmhost.Traps, "loops": wasmhost.Loops, "refuses": wasmhost.Refuses} {
		for _, event := range []string{"bootstrap", "serve"} {
			t.Run(name+" in "+event, func(t *testing.T) {
				var p proposals
				dir, cache := t.TempDir(), t.TempDir()
				wasmhost.PutModule(t, dir, "bad", wasmhost.Hooked("bad", event, deed))
				wasmhost.PutModule(t, dir, "good", wasmhost.Hooked("good", event, wasmhost.Nothing))
				m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) {
					o.Dir, o.CacheDir, o.Limits.Hook = dir, cache, 100*time.Millisecond
					counted(&p)(o)
					raising(o)
				})
				raise(t, m, "bootstrap")
				raise(t, m, "serve")
				if got := wasmhost.Loaded(m); got != "good@1" {
					t.Fatalf("%s\n%s", got, log)
				}
				if got := p.all(); !slices.Equal(got, []string{"bad1 good1", "good1"}) {
					t.Errorf("%q", got)
				}
				r := refusedFiles(m)["bad.wasm"]
				if !strings.Contains(r.Why, event) || r.Next.IsZero() || !strings.Contains(log.String(), "not loaded") {
					t.Errorf("%+v\n%s", r, log)
				}
				wasmhost.PutModule(t, dir, "good", wasmhost.Hooked("good", event, append(wasmhost.Deed{0x01}, deed...)))
				wasmhost.PutModule(t, dir, "bad", wasmhost.Hooked("bad", event, wasmhost.Nothing))
				old := m.Extensions()[0]
				wasmhost.ReloadNow(t, m)
				set := m.Extensions()
				if wasmhost.Loaded(m) != "bad@1 good@1" || set[1] != old || !refusedFiles(m)["good.wasm"].Before {
					t.Errorf("%s, %+v", wasmhost.Loaded(m), m.Refused())
				}
			})
		}
	}
}

// TestLaterOnesPassEvents: what is loaded after an event was raised passes it before it counts.
func TestLaterOnesPassEvents(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	m, _ := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) {
		say := func(what string) { mu.Lock(); seen = append(seen, what); mu.Unlock() }
		o.Raise = func(_ context.Context, x *wasmhost.Extension, event string) error {
			say(event + " " + x.Name())
			return nil
		}
		o.Changed = func(set []*wasmhost.Extension) error { say(fmt.Sprint(len(set), " in place")); return nil }
	})
	hears := func(name string) []byte {
		return wasmhost.Describing(fmt.Sprintf(`{"name":%q,"hooks":[{"event":"bootstrap"},{"event":"serve"}]}`, name))
	}
	dir := wasmhost.DirOf(m)
	wasmhost.PutModule(t, dir, "a", hears("a"))
	wasmhost.ReloadNow(t, m)
	raise(t, m, "bootstrap")
	wasmhost.PutModule(t, dir, "b", hears("b"))
	wasmhost.ReloadNow(t, m)
	raise(t, m, "serve")
	wasmhost.PutModule(t, dir, "c", hears("c"))
	wasmhost.ReloadNow(t, m)
	want := []string{"1 in place", "bootstrap a", "bootstrap b", "2 in place", "serve a", "serve b", "bootstrap c", "serve c", "3 in place"}
	if !slices.Equal(seen, want) {
		t.Errorf("%q", seen)
	}
}
