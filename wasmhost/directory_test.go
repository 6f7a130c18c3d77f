package wasmhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnreadableFile: what ran before goes on, and the file is tried again by itself.
func TestUnreadableFile(t *testing.T) {
	m, _ := OpenManager(t, &FakeHost{}, nil)
	PutModule(t, m.options.Dir, "m", VersionModule("m", "1"))
	ReloadNow(t, m)
	path := filepath.Join(m.options.Dir, "m.wasm")
	target := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Skip(err)
	}
	ReloadNow(t, m)
	if r := m.Refused(); Loaded(m) != "m@1" || len(r) != 1 || !r[0].Before || r[0].Next.IsZero() {
		t.Fatalf("%s, %+v", Loaded(m), r)
	}
	if err := os.WriteFile(target, VersionModule("m", "2"), 0o600); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "it is read", func() bool { return Loaded(m) == "m@2" })
}

// TestUnreadableDirectory: nothing changes, and it is looked at again.
func TestUnreadableDirectory(t *testing.T) {
	m, log := OpenManager(t, &FakeHost{}, func(o *Options) { o.Dir = filepath.Join(t.TempDir(), "extensions") })
	if err := os.Mkdir(m.options.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	PutModule(t, m.options.Dir, "m", VersionModule("m", "1"))
	ReloadNow(t, m)
	aside := m.options.Dir + "-aside"
	if err := os.Rename(m.options.Dir, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.options.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Reload(context.Background()); err == nil || Loaded(m) != "m@1" || !strings.Contains(log.String(), "what is loaded stays") {
		t.Fatal(err, Loaded(m), log)
	}
	PutModule(t, aside, "m", VersionModule("m", "2"))
	if err := os.Remove(m.options.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, m.options.Dir); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "it is looked at again", func() bool { return Loaded(m) == "m@2" })
}

// TestTooManyFiles: those that are loaded stay, whatever their names are.
func TestTooManyFiles(t *testing.T) {
	m, log := OpenManager(t, &FakeHost{}, nil)
	PutModule(t, m.options.Dir, "z", VersionModule("z", "1"))
	ReloadNow(t, m)
	for n := range maxFiles {
		if err := os.WriteFile(filepath.Join(m.options.Dir, fmt.Sprintf("a%04d.wasm", n)), []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ReloadNow(t, m)
	if Loaded(m) != "z@1" || len(m.Refused()) != maxFiles-1 || !strings.Contains(log.String(), `"left out"=1 first=a1023.wasm`) {
		t.Fatalf("%s, %d refused", Loaded(m), len(m.Refused()))
	}
}

// TestModuleNames: names are chosen so that nothing that is known falls out.
func TestModuleNames(t *testing.T) {
	dir := t.TempDir()
	for n := range maxFiles + 2 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.wasm", n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	last := fmt.Sprintf("%04d.wasm", maxFiles+1)
	names, left, err := moduleNames(dir, func(name string) bool { return name == last })
	if err != nil || len(names) != maxFiles || names[maxFiles-1] != last || len(left) != 2 || left[0] != fmt.Sprintf("%04d.wasm", maxFiles-1) {
		t.Error(len(names), left, err)
	}
}

// TestHalfAFile: a file that is still being written is refused until it is whole; what ran before goes on.
func TestHalfAFile(t *testing.T) {
	m, _ := OpenManager(t, &FakeHost{}, func(o *Options) { o.Watch = true })
	PutModule(t, m.options.Dir, "m", VersionModule("m", "1"))
	Eventually(t, "the first is in place", func() bool { return Loaded(m) == "m@1" })
	whole := VersionModule("m", "2")
	f, err := os.Create(filepath.Join(m.options.Dir, "m.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(whole[:len(whole)/2]); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "half is refused", func() bool { return len(m.Refused()) == 1 })
	if Loaded(m) != "m@1" || !m.Refused()[0].Next.IsZero() {
		t.Errorf("%s, %+v", Loaded(m), m.Refused())
	}
	if _, err := f.Write(whole[len(whole)/2:]); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "the whole is in place", func() bool { return Loaded(m) == "m@2" && len(m.Refused()) == 0 })
}

// TestManyEventsAreOneReload: files that come together are looked at together.
func TestManyEventsAreOneReload(t *testing.T) {
	const n = 60
	m, _ := OpenManager(t, &FakeHost{}, func(o *Options) { o.Watch = true })
	before := Looks(m)
	for i := range n {
		name := fmt.Sprintf("m%02d", i)
		PutModule(t, m.options.Dir, name, VersionModule(name, "1"))
	}
	Eventually(t, "all are in place", func() bool { return len(m.Extensions()) == n })
	if looks := Looks(m) - before; looks > n/5 {
		t.Errorf("%d looks for %d files", looks, n)
	}
}

// TestReplacedWhileItLoads: what a job makes of a content that is not there any more is dropped, and what is there counts.
func TestReplacedWhileItLoads(t *testing.T) {
	m, _ := OpenManager(t, &FakeHost{}, nil)
	PutModule(t, m.options.Dir, "m", guest(t, "init_loop"))
	m.lookSoon()
	PutModule(t, m.options.Dir, "m", VersionModule("m", "2"))
	ReloadNow(t, m)
	if Loaded(m) != "m@2" || len(m.Refused()) != 0 || Live(m) != 1 {
		t.Errorf("%s, %+v, %d live", Loaded(m), m.Refused(), Live(m))
	}
	PutModule(t, m.options.Dir, "m", guest(t, "init_loop"))
	m.lookSoon()
	if err := os.Remove(filepath.Join(m.options.Dir, "m.wasm")); err != nil {
		t.Fatal(err)
	}
	ReloadNow(t, m)
	if Loaded(m) != "" || len(m.Refused()) != 0 {
		t.Errorf("%s, %+v", Loaded(m), m.Refused())
	}
}

// TestLeavingWaitsForWhatCameWithIt: a version whose file is gone stays while it is not known what the files are that came in the same look: one of them may be its
// next version under another name, and nobody may be without it in between.
func TestLeavingWaitsForWhatCameWithIt(t *testing.T) {
	l := newLoader(&Manager{compiling: make(chan struct{}, 1)})
	x := &Extension{}
	came := &candidate{file: "b.wasm", look: 3, state: loading}
	l.files["b.wasm"] = &file{candidate: came}
	for _, test := range []struct {
		gone  int
		state state
		want  bool
	}{{3, loading, false}, {3, starting, false}, {4, loading, false}, {2, loading, true}, {3, ready, true}, {3, parked, true}} {
		l.gone[x], came.state = test.gone, test.state
		if got := l.leaves(x); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// TestBackOff doubles up to a bound.
func TestBackOff(t *testing.T) {
	for tries, want := range map[int]time.Duration{0: retryFirst, 1: retryFirst, 2: 2 * retryFirst, 4: 8 * retryFirst, 50: retryMost, 1 << 30: retryMost} {
		if got := backOff(tries); got != want {
			t.Errorf("%d: %v", tries, got)
		}
	}
}

// TestFailuresAreRemembered: with their cause, their number and their next time; a clock that was set back does not put it off for long.
func TestFailuresAreRemembered(t *testing.T) {
	c, err := openEntries(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	f := &refusal{sum: checksum{1}, Since: now}
	f.again(ErrTimeout, now)
	f.again(ErrTimeout, now)
	if err := c.note(f); err != nil {
		t.Fatal(err)
	}
	back := c.failed(checksum{1})
	if back == nil || back.Tries != 2 || back.Cause != ofRun || !back.Next.Equal(now.Add(2*retryFirst)) || back.due(now) || !back.due(now.Add(3*retryFirst)) {
		t.Errorf("%+v", back)
	}
	f.Next = now.Add(24 * time.Hour)
	if err := c.note(f); err != nil {
		t.Fatal(err)
	}
	if back := c.failed(checksum{1}); !back.due(time.Now()) {
		t.Errorf("%+v", back)
	}
	c.forget(checksum{1})
	if c.failed(checksum{1}) != nil {
		t.Error("it is not forgotten")
	}
}
