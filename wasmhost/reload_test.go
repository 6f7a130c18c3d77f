package wasmhost_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost"
)

func TestReload(t *testing.T) {
	m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, nil)
	dir := wasmhost.DirOf(m)
	steps := []struct {
		name string
		do   func()
		want string
		log  string
	}{
		{"nothing", func() {}, "", ""},
		{"new", func() { wasmhost.PutModule(t, dir, "b", wasmhost.VersionModule("b", "1")) }, "b@1", "loaded"},
		{"another", func() { wasmhost.PutModule(t, dir, "a", wasmhost.VersionModule("a", "1")) }, "a@1 b@1", "loaded"},
		{"changed", func() { wasmhost.PutModule(t, dir, "b", wasmhost.VersionModule("b", "2")) }, "a@1 b@2", "unloaded"},
		{"broken", func() { wasmhost.PutModule(t, dir, "b", []byte("broken")) }, "a@1 b@2", "not loaded"},
		{"still broken", func() {}, "a@1 b@2", ""},
		{"whole again", func() { wasmhost.PutModule(t, dir, "b", wasmhost.VersionModule("b", "3")) }, "a@1 b@3", "loaded"},
		{"of a name that is taken", func() { wasmhost.PutModule(t, dir, "c", wasmhost.VersionModule("a", "9")) }, "a@1 b@3", "a is the name of the extension in a.wasm"},
		{"still taken", func() {}, "a@1 b@3", ""},
		{"the other is gone", func() { erase(t, dir, "a") }, "a@9 b@3", "unloaded"},
		{"renamed", func() { rename(t, dir, "b", "d") }, "a@9 b@3", "loaded"},
		{"another name in the same file", func() { wasmhost.PutModule(t, dir, "d", wasmhost.VersionModule("e", "1")) }, "a@9 e@1", "loaded"},
		{"not a module", func() { write(t, filepath.Join(dir, "readme.txt"), nil) }, "a@9 e@1", ""},
		{"directory", func() { mkdir(t, filepath.Join(dir, "x.wasm")) }, "a@9 e@1", "not a file"},
		{"removed", func() { erase(t, dir, "c") }, "e@1", "unloaded"},
		{"everything", func() { os.RemoveAll(dir) }, "", "unloaded"},
	}
	for _, s := range steps {
		before := len(log.String())
		s.do()
		wasmhost.ReloadNow(t, m)
		said := log.String()[before:]
		if got := wasmhost.Loaded(m); got != s.want || !strings.Contains(said, s.log) || s.log == "" && strings.Contains(said, "extension") {
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
	o := wasmhost.Options{Dir: t.TempDir(), Host: &wasmhost.FakeHost{}, Logger: (&wasmhost.Logs{}).Logger()}
	wasmhost.PutModule(t, o.Dir, "b", wasmhost.VersionModule("x", "b"))
	wasmhost.PutModule(t, o.Dir, "a", wasmhost.VersionModule("x", "a"))
	m, err := wasmhost.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := wasmhost.Loaded(m); got != "x@a" {
		t.Error(got)
	}
}

func TestChangedMayRefuse(t *testing.T) {
	var sets []string
	var refuse error
	m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) {
		o.Changed = func(set []*wasmhost.Extension) error {
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
	dir := wasmhost.DirOf(m)
	wasmhost.PutModule(t, dir, "a", wasmhost.VersionModule("a", "1"))
	wasmhost.PutModule(t, dir, "b", wasmhost.VersionModule("b", "1"))
	wasmhost.ReloadNow(t, m)
	refuse = errors.New("the route is taken")
	wasmhost.PutModule(t, dir, "a", wasmhost.VersionModule("a", "2"))
	erase(t, dir, "b")
	wasmhost.ReloadNow(t, m)
	if got := wasmhost.Loaded(m); got != "a@1 b@1" || !strings.Contains(log.String(), "the route is taken") {
		t.Fatal(got, log)
	}
	if _, err := m.Extensions()[0].Serve(context.Background(), 0, nil); err != nil {
		t.Error(err)
	}
	refuse = errors.New("panic")
	wasmhost.ReloadNow(t, m)
	if got := wasmhost.Loaded(m); got != "a@1 b@1" {
		t.Fatal(got)
	}
	refuse = nil
	wasmhost.ReloadNow(t, m)
	if got := wasmhost.Loaded(m); got != "a@2" {
		t.Fatal(got)
	}
	want := []string{"a1 b1", "a2", "a2", "a2"} // one set for each look, whole
	if !slices.Equal(sets, want) {
		t.Errorf("%q", sets)
	}
	if n := wasmhost.Live(m); n != 2 && n != 3 { // a@2, a@1 and b@1 for a while
		t.Error(n)
	}
}

func TestWatch(t *testing.T) {
	root := t.TempDir()
	m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) {
		o.Dir, o.Watch = filepath.Join(root, "below", "extensions"), true
	})
	becomes := func(want string) {
		t.Helper()
		wasmhost.Eventually(t, want+" is loaded", func() bool { return wasmhost.Loaded(m) == want })
	}
	dir := wasmhost.DirOf(m)
	mkdir(t, dir)
	wasmhost.PutModule(t, dir, "a", wasmhost.VersionModule("a", "1"))
	becomes("a@1")
	wasmhost.PutModule(t, dir, "a", wasmhost.VersionModule("a", "2"))
	becomes("a@2")
	write(t, filepath.Join(dir, "b.wasm"), wasmhost.VersionModule("b", "1")) // in place
	becomes("a@2 b@1")
	write(t, filepath.Join(dir, "b.wasm"), []byte("broken"))
	wasmhost.Eventually(t, "the broken file is seen", func() bool { return strings.Contains(log.String(), "not loaded") })
	becomes("a@2 b@1")
	erase(t, dir, "a")
	becomes("b@1")
	if err := os.RemoveAll(filepath.Join(root, "below")); err != nil {
		t.Fatal(err)
	}
	becomes("")
	mkdir(t, dir)
	wasmhost.PutModule(t, dir, "c", wasmhost.VersionModule("c", "1"))
	becomes("c@1")
}

func TestCloseWaits(t *testing.T) {
	host := &wasmhost.FakeHost{}
	m, _ := wasmhost.OpenManager(t, host, nil, "hostile")
	x := m.Extensions()[0]
	begun, release, closed := make(chan struct{}), make(chan struct{}), make(chan error)
	host.OnCreate = func(context.Context, []byte) (wasmhost.Record, error) {
		close(begun)
		<-release
		return wasmhost.NewFakeRecord("posts"), nil
	}
	called := make(chan error)
	go func() {
		_, err := x.Before(context.Background(), wasmhost.HookCreate, nil)
		called <- err
	}()
	<-begun
	go func() { closed <- m.Close() }()
	wasmhost.Eventually(t, "no call begins any more", func() bool {
		_, err := x.Before(context.Background(), wasmhost.HookFine, nil)
		return errors.Is(err, wasmhost.ErrClosed)
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
	if err := m.Reload(context.Background()); !errors.Is(err, wasmhost.ErrClosed) || len(m.Extensions()) != 0 {
		t.Error(err)
	}
}

// What is compiled once is in the cache at the next start.
func TestCacheOnDisk(t *testing.T) {
	cache := t.TempDir()
	for range 2 {
		m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.CacheDir = cache }, "bench")
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
	if _, err := wasmhost.Open(context.Background(), wasmhost.Options{}); err == nil {
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
		m, err := wasmhost.Open(context.Background(), wasmhost.Options{Dir: dir, Host: &wasmhost.FakeHost{}, Logger: slog.New(slog.DiscardHandler)})
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
