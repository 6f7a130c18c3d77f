package wasmhost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// TestWarmStart: what was loaded before is neither compiled nor run at the next start, and answers when it is called, by many at once, with one compilation.
func TestWarmStart(t *testing.T) {
	cache, dir := t.TempDir(), t.TempDir()
	for n := range 5 {
		name := fmt.Sprintf("m%d", n)
		wasmhost.PutModule(t, dir, name, wasmhost.Hooked(name, "record.create", wasmhost.Nothing))
	}
	open := func() (*wasmhost.Manager, *wasmhost.Logs) {
		return wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.Dir, o.CacheDir = dir, cache })
	}
	m, _ := open()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m, log := open()
	if n := wasmhost.Attempts(m); n != 0 || wasmhost.Engines(m) != 0 || len(m.Extensions()) != 5 {
		t.Fatalf("%d were run, %d engines, %s", n, wasmhost.Engines(m), log)
	}
	x := m.Extensions()[2]
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			if _, err := x.Before(context.Background(), 0, nil); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := wasmhost.Compilations(m); n != 1 {
		t.Errorf("%d compilations", n)
	}
}

// TestDamagedCache: whatever is damaged in the cache is made again, and a version whose file is gone is served out of it.
func TestDamagedCache(t *testing.T) {
	damages := map[string]func(b []byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"empty":   func([]byte) []byte { return nil },
		"flipped": func(b []byte) []byte { b[len(b)-1-len(b)/8] ^= 0x55; return b },
		"garbage": func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) },
	}
	for name, damage := range damages {
		for _, kind := range []string{".description", ".module", ""} {
			t.Run(name+" "+kind, func(t *testing.T) {
				cache, dir := t.TempDir(), t.TempDir()
				wasmhost.PutModule(t, dir, "m", wasmhost.Hooked("m", "record.create", wasmhost.Nothing))
				for round := range 3 {
					m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.Dir, o.CacheDir = dir, cache })
					if len(m.Extensions()) != 1 {
						t.Fatalf("round %d: %s", round, log)
					}
					if _, err := m.Extensions()[0].Before(context.Background(), 0, nil); err != nil {
						t.Fatalf("round %d: %v\n%s", round, err, log)
					}
					if err := m.Close(); err != nil {
						t.Fatal(err)
					}
					if round == 0 {
						damageFiles(t, cache, kind, damage)
					}
				}
			})
		}
	}
}

// damageFiles damages the files of a cache with an extension, "" for those without one: compiled code.
func damageFiles(t *testing.T, dir, kind string, damage func([]byte) []byte) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != kind {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		return os.WriteFile(path, damage(b), 0o600)
	})
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
}

// TestVersionsWithoutAFile: what ran before goes on when its file is broken or too many, although its code was not needed before.
func TestVersionsWithoutAFile(t *testing.T) {
	cache, dir := t.TempDir(), t.TempDir()
	wasmhost.PutModule(t, dir, "m", wasmhost.Hooked("m", "record.create", wasmhost.Nothing))
	open := func() *wasmhost.Manager {
		m, _ := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, func(o *wasmhost.Options) { o.Dir, o.CacheDir = dir, cache })
		return m
	}
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	m := open()
	wasmhost.PutModule(t, dir, "m", []byte("broken"))
	wasmhost.ReloadNow(t, m)
	if wasmhost.Engines(m) != 0 || wasmhost.Loaded(m) != "m@1" {
		t.Fatal(wasmhost.Loaded(m))
	}
	if _, err := m.Extensions()[0].Before(context.Background(), 0, nil); err != nil {
		t.Error(err)
	}
	damageFiles(t, cache, ".module", func([]byte) []byte { return nil })
	wasmhost.Unload(m)
	var fault *wasmhost.Fault
	for range 2 { // the second time without another attempt
		if _, err := m.Extensions()[0].Before(context.Background(), 0, nil); !errors.As(err, &fault) || fault.Kind != wasmhost.Unloadable {
			t.Error(err)
		}
	}
	if n := wasmhost.Compilations(m); n != 1 {
		t.Errorf("%d compilations", n)
	}
}
