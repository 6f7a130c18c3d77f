package wasmhost

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost/abi"
)

// Logs collects what is logged.
type Logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *Logs) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// OpenManager opens a manager over a directory with the named guests of testdata.
func OpenManager(t testing.TB, host Host, change func(*Options), guests ...string) (*Manager, *Logs) {
	t.Helper()
	o := Options{Dir: t.TempDir(), Host: host}
	if fake, ok := host.(*FakeHost); ok {
		o.Committed = fake.isCommitted
	}
	for _, g := range guests {
		PutModule(t, o.Dir, g, guest(t, g))
	}
	l := &Logs{}
	o.Logger = l.Logger()
	if change != nil {
		change(&o)
	}
	m, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, l
}

// OpenOne opens a manager with one guest that has to load.
func OpenOne(t testing.TB, host Host, change func(*Options), name string) (*Extension, *Logs) {
	t.Helper()
	m, l := OpenManager(t, host, change, name)
	if set := m.Extensions(); len(set) == 1 {
		return set[0], l
	}
	t.Fatalf("%s was not loaded: %s", name, l)
	return nil, nil
}

func guest(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// PutModule writes a module the way an installer does, at once.
func PutModule(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	temporary := filepath.Join(dir, name+".tmp")
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name+".wasm")); err != nil {
		t.Fatal(err)
	}
}

// Describing assembles a module that answers everything with the given description.
func Describing(description string) []byte {
	const at = 16
	section := func(id byte, body ...byte) []byte {
		return append(append([]byte{id}, uleb(uint64(len(body)))...), body...)
	}
	packed := uint64(at)<<32 | uint64(len(description))
	handle := append(append([]byte{0, 0x42}, sleb(int64(packed))...), 0x0b)
	alloc := append(append([]byte{0, 0x41}, sleb(at+1<<17)...), 0x0b)
	code := append([]byte{2}, uleb(uint64(len(alloc)))...)
	code = append(append(code, alloc...), uleb(uint64(len(handle)))...)
	code = append(code, handle...)
	data := append([]byte{1, 0, 0x41, at, 0x0b}, uleb(uint64(len(description)))...)
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, section(1, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7e)...)
	out = append(out, section(3, 2, 0, 1)...)
	out = append(out, section(5, 1, 0, 4)...)
	exports := []byte{3, 6}
	exports = append(append(exports, "memory"...), 2, 0, 5)
	exports = append(append(exports, "alloc"...), 0, 0, 6)
	exports = append(append(exports, "handle"...), 0, 1)
	out = append(out, section(7, exports...)...)
	out = append(out, section(10, code...)...)
	return append(out, section(11, append(data, description...)...)...)
}

func uleb(v uint64) (b []byte) {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

func sleb(v int64) (b []byte) {
	for v < -64 || v > 63 {
		b = append(b, byte(v)&0x7f|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7f)
}

// Script is what the puppet does. Arguments made with at are places in its room.
type Script struct {
	b     []byte
	calls int
	room  int
}

// at is a place in the puppet's room.
type at uint32

func (s *Script) words(v ...uint64) {
	for len(v) < 8 {
		v = append(v, 0)
	}
	for _, w := range v {
		s.b = binary.LittleEndian.AppendUint64(s.b, w)
	}
}

// Put places bytes in the puppet's room and returns where and how many there are.
func (s *Script) Put(b string) (at, int) {
	where := s.room
	s.words(101, uint64(where), uint64(len(b)))
	s.b = append(s.b, b...)
	s.b = append(s.b, make([]byte, (64-len(b)%64)%64)...)
	s.room += (len(b) + 7) / 8 * 8
	return at(where), len(b)
}

// Call calls a host function by name.
func (s *Script) Call(name string, args ...any) {
	n := slices.IndexFunc(abi.Functions, func(f abi.Function) bool { return f.Name == name })
	if n < 0 {
		panic("no function " + name)
	}
	w := []uint64{uint64(n)}
	for i, a := range args {
		switch v := a.(type) {
		case at:
			w[0] |= 1 << (32 + i)
			w = append(w, uint64(v))
		case int:
			w = append(w, uint64(int64(v)))
		case uint64:
			w = append(w, v)
		default:
			panic("an argument of no type")
		}
	}
	s.words(w...)
	s.calls++
}

// dump appends a part of the room to the answer.
func (s *Script) dump(from, n int) { s.words(102, uint64(from), uint64(n)) }

// result ends the script with this result of handle.
func (s *Script) result(packed uint64) { s.words(100, packed) }

// answers splits the puppet's answer into the results of the calls and what was dumped.
func (s *Script) answers(t testing.TB, body []byte) (results []int64, dump string) {
	t.Helper()
	if len(body) < 8*(1+s.calls) {
		t.Fatalf("%d bytes for %d calls", len(body), s.calls)
	}
	for n := range s.calls {
		results = append(results, int64(binary.LittleEndian.Uint64(body[8*(1+n):])))
	}
	return results, string(body[8*(1+s.calls):])
}

// play runs s in a route.
func (s *Script) play(t testing.TB, x *Extension, c *Call) (results []int64, dump string, r *Response) {
	t.Helper()
	r, err := x.Serve(context.Background(), 0, s.With(c))
	if err != nil {
		t.Fatal(err)
	}
	results, dump = s.answers(t, r.Body)
	return results, dump, r
}

func (s *Script) With(c *Call) *Call {
	if c == nil {
		c = &Call{}
	}
	request, _ := c.Request.(*FakeRequest)
	if request == nil {
		request = &FakeRequest{}
	}
	request.body = s.b
	c.Request = request
	return c
}

// Eventually polls until ok or a long time has passed.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// VersionModule is a module that answers its route with its description.
func VersionModule(name, v string) []byte {
	return Describing(fmt.Sprintf(`{"name":%q,"version":%q,"hooks":[{"event":"serve"}],"routes":[{"path":"/%s"}]}`, name, v, name))
}

func ReloadNow(t *testing.T, m *Manager) {
	t.Helper()
	if err := m.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Loaded is what is loaded, as name@version.
func Loaded(m *Manager) string {
	var all []string
	for _, x := range m.Extensions() {
		all = append(all, x.Name()+"@"+x.Version())
	}
	return strings.Join(all, " ")
}

// DirOf is the directory of a manager's modules.
func DirOf(m *Manager) string { return m.options.Dir }

// Live is how many versions of modules a manager has not closed yet.
func Live(m *Manager) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.live)
}

// Attempts is how many modules a manager has rewritten and run to be described, Compilations how many times it made code.
func Attempts(m *Manager) int     { return int(m.attempts.Load()) }
func Compilations(m *Manager) int { return int(m.compilations.Load()) }

// Looks is how often a manager has read its directory.
func Looks(m *Manager) int { return int(m.looks.Load()) }

// Engines is how many versions have code in memory.
func Engines(m *Manager) (n int) {
	m.eachLive(func(x *Extension) {
		if x.code.has() {
			n++
		}
	})
	return n
}

// Unload frees all code that is not in use.
func Unload(m *Manager) { m.eachLive(func(x *Extension) { x.unload() }) }
