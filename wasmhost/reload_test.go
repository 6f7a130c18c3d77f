package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// version is a module that answers its route with its description.
func version(name, v string) []byte {
	return describing(fmt.Sprintf(`{"name":%q,"version":%q,"hooks":[{"event":"serve"}],"routes":[{"path":"/%s"}]}`, name, v, name))
}

func reload(t *testing.T, m *Manager) {
	t.Helper()
	if err := m.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// loaded is what is loaded, as name@version.
func loaded(m *Manager) string {
	var all []string
	for _, x := range m.Extensions() {
		all = append(all, x.Name()+"@"+x.Version())
	}
	return strings.Join(all, " ")
}

func TestReload(t *testing.T) {
	m, log := open(t, &fakeHost{}, nil)
	dir := m.options.Dir
	steps := []struct {
		name string
		do   func()
		want string
		log  string
	}{
		{"nothing", func() {}, "", ""},
		{"new", func() { put(t, dir, "b", version("b", "1")) }, "b@1", "loaded"},
		{"another", func() { put(t, dir, "a", version("a", "1")) }, "a@1 b@1", "loaded"},
		{"changed", func() { put(t, dir, "b", version("b", "2")) }, "a@1 b@2", "unloaded"},
		{"broken", func() { put(t, dir, "b", []byte("broken")) }, "a@1 b@2", "not loaded"},
		{"still broken", func() {}, "a@1 b@2", ""},
		{"whole again", func() { put(t, dir, "b", version("b", "3")) }, "a@1 b@3", "loaded"},
		{"of a name that is taken", func() { put(t, dir, "c", version("a", "9")) }, "a@1 b@3", "a is the name of the extension in a.wasm"},
		{"still taken", func() {}, "a@1 b@3", ""},
		{"the other is gone", func() { erase(t, dir, "a") }, "a@9 b@3", "unloaded"},
		{"renamed", func() { rename(t, dir, "b", "d") }, "a@9 b@3", "loaded"},
		{"another name in the same file", func() { put(t, dir, "d", version("e", "1")) }, "a@9 e@1", "loaded"},
		{"not a module", func() { write(t, filepath.Join(dir, "readme.txt"), nil) }, "a@9 e@1", ""},
		{"directory", func() { mkdir(t, filepath.Join(dir, "x.wasm")) }, "a@9 e@1", "not a file"},
		{"removed", func() { erase(t, dir, "c") }, "e@1", "unloaded"},
		{"everything", func() { os.RemoveAll(dir) }, "", "unloaded"},
	}
	for _, s := range steps {
		before := len(log.String())
		s.do()
		reload(t, m)
		said := log.String()[before:]
		if got := loaded(m); got != s.want || !strings.Contains(said, s.log) || s.log == "" && strings.Contains(said, "extension") {
			t.Fatalf("%s: %q, want %q; log %s", s.name, got, s.want, said)
		}
	}
}

func erase(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name+".wasm")); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, from+".wasm"), filepath.Join(dir, to+".wasm")); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Of two files with the same name in their descriptions the first by file name is loaded.
func TestSameNameAtStart(t *testing.T) {
	o := Options{Dir: t.TempDir(), Host: &fakeHost{}, Logger: (&logs{}).logger()}
	put(t, o.Dir, "b", version("x", "b"))
	put(t, o.Dir, "a", version("x", "a"))
	m, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := loaded(m); got != "x@a" {
		t.Error(got)
	}
}

func TestChangedMayRefuse(t *testing.T) {
	var sets []string
	var refuse error
	m, log := open(t, &fakeHost{}, func(o *Options) {
		o.Changed = func(set []*Extension) error {
			var names []string
			for _, x := range set {
				names = append(names, x.Name()+x.Version())
			}
			sets = append(sets, strings.Join(names, " "))
			if refuse != nil && refuse.Error() == "panic" {
				panic("a panic in Changed")
			}
			return refuse
		}
	})
	dir := m.options.Dir
	put(t, dir, "a", version("a", "1"))
	put(t, dir, "b", version("b", "1"))
	reload(t, m)
	refuse = errors.New("the route is taken")
	put(t, dir, "a", version("a", "2"))
	erase(t, dir, "b")
	reload(t, m)
	if got := loaded(m); got != "a@1 b@1" || !strings.Contains(log.String(), "the route is taken") {
		t.Fatal(got, log)
	}
	if _, err := m.Extensions()[0].Serve(context.Background(), 0, nil); err != nil {
		t.Error(err)
	}
	refuse = errors.New("panic")
	reload(t, m)
	if got := loaded(m); got != "a@1 b@1" {
		t.Fatal(got)
	}
	refuse = nil
	reload(t, m)
	if got := loaded(m); got != "a@2" {
		t.Fatal(got)
	}
	want := []string{"a1", "a1 b1", "a2 b1", "a1", "a2 b1", "a1", "a2 b1", "a2"}
	if !slices.Equal(sets, want) {
		t.Errorf("%q", sets)
	}
	if len(m.live) != 2 && len(m.live) != 3 { // a@2, a@1 and b@1 for a while
		t.Error(len(m.live))
	}
}

// Nothing that runs or begins while versions change is dropped, and old versions are closed in the end.
func TestReloadUnderLoad(t *testing.T) {
	var current atomic.Pointer[[]*Extension]
	m, _ := open(t, &fakeHost{}, func(o *Options) {
		o.Changed = func(set []*Extension) error { current.Store(&set); return nil }
	})
	put(t, m.options.Dir, "a", version("a", "0"))
	reload(t, m)
	var calls atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				x := (*current.Load())[0]
				time.Sleep(50 * time.Microsecond) // a request that looked the extension up before it calls
				r, err := x.Serve(context.Background(), 0, nil)
				if err != nil || !strings.Contains(string(r.Body), `"version":"`+x.Version()+`"`) {
					t.Errorf("%v, %+v", err, r)
					return
				}
				calls.Add(1)
			}
		})
	}
	for n := range 20 {
		before := calls.Load()
		put(t, m.options.Dir, "a", version("a", fmt.Sprint(n+1)))
		reload(t, m)
		eventually(t, "calls go on", func() bool { return calls.Load() > before+20 || t.Failed() })
	}
	close(stop)
	callers.Wait()
	if got := loaded(m); got != "a@20" {
		t.Error(got)
	}
	m.eachLive(func(x *Extension) {
		if x.retired.Load() != 0 {
			if s := x.Stats(); s.Idle != 0 {
				t.Errorf("%s keeps %d instances", x.Version(), s.Idle)
			}
			x.retired.Store(-int64(retireGrace)) // long ago
		}
	})
	eventually(t, "old versions are closed", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.live) == 1
	})
}

// A call that runs while its version is replaced ends in it.
func TestCallOutlivesItsVersion(t *testing.T) {
	host := &fakeHost{}
	m, _ := open(t, host, nil, "hostile")
	x := m.Extensions()[0]
	host.create = func(context.Context, []byte) (Record, error) {
		put(t, m.options.Dir, "hostile", version("hostile", "2"))
		reload(t, m)
		if x.retired.Store(1); x.tryClose() {
			t.Error("closed under a call")
		}
		return newRecord("posts"), nil
	}
	if _, err := x.Before(context.Background(), hookCreate, nil); err != nil {
		t.Error(err)
	}
	if got := loaded(m); got != "hostile@2" {
		t.Error(got)
	}
	if !x.tryClose() {
		t.Error("not closed after the call")
	}
	if _, err := x.Before(context.Background(), hookFine, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	m.forget(x)
}

func TestWatch(t *testing.T) {
	root := t.TempDir()
	m, log := open(t, &fakeHost{}, func(o *Options) {
		o.Dir, o.Watch = filepath.Join(root, "below", "extensions"), true
	})
	becomes := func(want string) {
		t.Helper()
		eventually(t, want+" is loaded", func() bool { return loaded(m) == want })
	}
	dir := m.options.Dir
	mkdir(t, dir)
	put(t, dir, "a", version("a", "1"))
	becomes("a@1")
	put(t, dir, "a", version("a", "2"))
	becomes("a@2")
	write(t, filepath.Join(dir, "b.wasm"), version("b", "1")) // in place
	becomes("a@2 b@1")
	write(t, filepath.Join(dir, "b.wasm"), []byte("broken"))
	eventually(t, "the broken file is seen", func() bool { return strings.Contains(log.String(), "not loaded") })
	becomes("a@2 b@1")
	erase(t, dir, "a")
	becomes("b@1")
	if err := os.RemoveAll(filepath.Join(root, "below")); err != nil {
		t.Fatal(err)
	}
	becomes("")
	mkdir(t, dir)
	put(t, dir, "c", version("c", "1"))
	becomes("c@1")
}

func TestCloseWaits(t *testing.T) {
	host := &fakeHost{}
	m, _ := open(t, host, nil, "hostile")
	x := m.Extensions()[0]
	begun, release, closed := make(chan struct{}), make(chan struct{}), make(chan error)
	host.create = func(context.Context, []byte) (Record, error) {
		close(begun)
		<-release
		return newRecord("posts"), nil
	}
	called := make(chan error)
	go func() {
		_, err := x.Before(context.Background(), hookCreate, nil)
		called <- err
	}()
	<-begun
	go func() { closed <- m.Close() }()
	eventually(t, "no call begins any more", func() bool {
		_, err := x.Before(context.Background(), hookFine, nil)
		return errors.Is(err, ErrClosed)
	})
	select {
	case err := <-closed:
		t.Fatal("closed under a call:", err)
	default:
	}
	close(release)
	if err := <-called; err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := m.Reload(context.Background()); !errors.Is(err, ErrClosed) || len(m.Extensions()) != 0 {
		t.Error(err)
	}
}

// What is compiled once is in the cache at the next start.
func TestCacheOnDisk(t *testing.T) {
	cache := t.TempDir()
	for range 2 {
		m, log := open(t, &fakeHost{}, func(o *Options) { o.CacheDir = cache }, "bench")
		if len(m.Extensions()) != 1 {
			t.Fatal(log)
		}
		if _, err := m.Extensions()[0].Before(context.Background(), 0, nil); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) == 0 {
		t.Error(entries, err)
	}
}

func TestOpenNeedsAHost(t *testing.T) {
	if _, err := Open(context.Background(), Options{}); err == nil {
		t.Error("opened")
	}
}

// TestPipesAreNotOpened: to open a pipe waits for somebody to write, which would keep the server from starting and stopping.
func TestPipesAreNotOpened(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no pipes among files")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mkfifo", filepath.Join(dir, "pipe.wasm")).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v %s", err, out)
	}
	opened := make(chan error, 1)
	go func() {
		m, err := Open(context.Background(), Options{Dir: dir, Host: &fakeHost{}, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = m.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the manager waits for a pipe")
	}
}
