package wasmhost

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeRecord holds JSON values.
type fakeRecord struct {
	collection string
	fields     map[string]string
	hidden     map[string]bool
	original   *fakeRecord
	panics     bool
}

func newRecord(collection string, pairs ...string) *fakeRecord {
	r := &fakeRecord{collection: collection, fields: map[string]string{}, hidden: map[string]bool{}}
	for n := 0; n < len(pairs); n += 2 {
		r.fields[pairs[n]] = pairs[n+1]
	}
	return r
}

var errNoField = &Error{Errno: NotFound, Message: "no such field"}

func (r *fakeRecord) Collection() string { return r.collection }

func (r *fakeRecord) Size() (n int) {
	for _, v := range r.fields {
		n += len(v)
	}
	return n
}

func (r *fakeRecord) AppendText(dst []byte, field string) ([]byte, error) {
	if r.panics {
		panic("the record is out of order")
	}
	v, ok := r.fields[field]
	if !ok {
		return dst, errNoField
	}
	if len(v) >= 2 && v[0] == '"' && !strings.Contains(v, `\`) {
		return append(dst, v[1:len(v)-1]...), nil
	}
	var s string
	if json.Unmarshal([]byte(v), &s) == nil {
		return append(dst, s...), nil
	}
	return append(dst, v...), nil
}

func (r *fakeRecord) SetText(key, value string) error {
	if key == "readonly" {
		return &Error{Errno: Context, Message: "not now"}
	}
	if !strings.ContainsAny(value, "\"\\") {
		r.fields[key] = `"` + value + `"`
		return nil
	}
	b, err := json.Marshal(value)
	r.fields[key] = string(b)
	return err
}

func (r *fakeRecord) Number(field string) (float64, error) {
	v, ok := r.fields[field]
	if !ok {
		return 0, errNoField
	}
	var f float64
	if json.Unmarshal([]byte(v), &f) != nil {
		return 0, invalid("not a number")
	}
	return f, nil
}

func (r *fakeRecord) SetNumber(key string, v float64) error {
	r.fields[key] = fmt.Sprint(v)
	return nil
}

func (r *fakeRecord) AppendJSON(dst []byte, field string) ([]byte, error) {
	if field == "" {
		m := map[string]json.RawMessage{}
		for k, v := range r.fields {
			m[k] = json.RawMessage(v)
		}
		b, err := json.Marshal(m)
		return append(dst, b...), err
	}
	v, ok := r.fields[field]
	if !ok {
		return dst, errNoField
	}
	return append(dst, v...), nil
}

func (r *fakeRecord) SetJSON(key string, raw []byte) error {
	r.fields[key] = string(raw)
	return nil
}

func (r *fakeRecord) Original() (Record, error) {
	if r.original == nil {
		return nil, &Error{Errno: NotFound, Message: "a new record"}
	}
	return r.original, nil
}

func (r *fakeRecord) Hide(field string) error { r.hidden[field] = true; return nil }
func (r *fakeRecord) Show(field string) error { delete(r.hidden, field); return nil }

// fakeRequest is what its fields say.
type fakeRequest struct {
	params, query, header map[string]string
	body                  []byte
}

func (r *fakeRequest) Method() string    { return "POST" }
func (r *fakeRequest) Path() string      { return "/puppet" }
func (r *fakeRequest) URI() string       { return "/puppet?a=1" }
func (r *fakeRequest) RealIP() string    { return "10.0.0.1" }
func (r *fakeRequest) Situation() string { return "default" }
func (r *fakeRequest) Body() ([]byte, error) {
	return r.body, nil
}
func (r *fakeRequest) Param(name string) (string, bool)       { v, ok := r.params[name]; return v, ok }
func (r *fakeRequest) QueryLookup(name string) (string, bool) { v, ok := r.query[name]; return v, ok }
func (r *fakeRequest) HeaderLookup(name string) (string, bool) {
	v, ok := r.header[name]
	return v, ok
}

// fakeHost keeps what it was asked. Its functions can be replaced one by one.
type fakeHost struct {
	mu     sync.Mutex
	asked  []string
	create func(ctx context.Context, body []byte) (Record, error)
	find   func(ctx context.Context, id string) (Record, error)
	sql    func(statement string, p Params) (*Rows, error)
}

func (h *fakeHost) ask(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, fmt.Sprintf(format, args...))
}

func (h *fakeHost) Collection(_ context.Context, nameOrID string) (string, error) {
	switch nameOrID {
	case "posts", "posts_id":
		return "posts", nil
	case "users", "_secret", "_named":
		return nameOrID, nil
	case "secret_id":
		return "_secret", nil
	}
	return "", &Error{Errno: NotFound, Message: "no such collection"}
}

func (h *fakeHost) Find(ctx context.Context, as Authority, collection, id string) (Record, error) {
	if h.find != nil {
		return h.find(ctx, id)
	}
	h.ask("find %v %s %s", as, collection, id)
	return newRecord(collection, "id", `"`+id+`"`), nil
}

func (h *fakeHost) List(_ context.Context, as Authority, collection string, q Query) ([]Record, error) {
	h.ask("list %v %s %q %d %d", as, collection, q.Filter, q.Limit, q.Offset)
	return []Record{newRecord(collection, "id", `"a"`), newRecord(collection, "id", `"b"`)}, nil
}

func (h *fakeHost) Create(ctx context.Context, as Authority, collection string, body []byte) (Record, error) {
	if h.create != nil {
		return h.create(ctx, body)
	}
	h.ask("create %v %s %s", as, collection, body)
	return newRecord(collection, "id", `"new"`), nil
}

func (h *fakeHost) Update(_ context.Context, as Authority, collection, id string, body []byte) (Record, error) {
	h.ask("update %v %s %s %s", as, collection, id, body)
	return newRecord(collection, "id", `"`+id+`"`), nil
}

func (h *fakeHost) Delete(_ context.Context, as Authority, collection, id string) error {
	h.ask("delete %v %s %s", as, collection, id)
	return nil
}

func (h *fakeHost) SQL(_ context.Context, statement string, p Params) (*Rows, error) {
	if h.sql != nil {
		return h.sql(statement, p)
	}
	h.ask("sql %s %d %d", statement, len(p.Positional), len(p.Named))
	return &Rows{Rows: [][]byte{[]byte(`[1]`), []byte(`[2]`)}, Affected: 3}, nil
}

// logs collects what is logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// open opens a manager over a directory with the named guests of testdata.
func open(t testing.TB, host Host, change func(*Options), guests ...string) (*Manager, *logs) {
	t.Helper()
	o := Options{Dir: t.TempDir(), Host: host}
	for _, g := range guests {
		put(t, o.Dir, g, guest(t, g))
	}
	l := &logs{}
	o.Logger = l.logger()
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

// one opens a manager with one guest that has to load.
func one(t testing.TB, host Host, change func(*Options), name string) (*Extension, *logs) {
	t.Helper()
	m, l := open(t, host, change, name)
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

// put writes a module the way an installer does, at once.
func put(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	temporary := filepath.Join(dir, name+".tmp")
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name+".wasm")); err != nil {
		t.Fatal(err)
	}
}

// describing assembles a module that answers everything with the given description.
func describing(description string) []byte {
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

// script is what the puppet does. Arguments made with at are places in its room.
type script struct {
	b     []byte
	calls int
	room  int
}

// at is a place in the puppet's room.
type at uint32

func (s *script) words(v ...uint64) {
	for len(v) < 8 {
		v = append(v, 0)
	}
	for _, w := range v {
		s.b = binary.LittleEndian.AppendUint64(s.b, w)
	}
}

// put places bytes in the puppet's room and returns where and how many there are.
func (s *script) put(b string) (at, int) {
	where := s.room
	s.words(101, uint64(where), uint64(len(b)))
	s.b = append(s.b, b...)
	s.b = append(s.b, make([]byte, (64-len(b)%64)%64)...)
	s.room += (len(b) + 7) / 8 * 8
	return at(where), len(b)
}

// call calls a host function by name.
func (s *script) call(name string, args ...any) {
	n, found := uint64(31), name == "now"
	for i, f := range listed {
		if f.Name == name {
			n, found = uint64(i), true
		}
	}
	if !found {
		panic("no function " + name)
	}
	w := []uint64{n}
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
func (s *script) dump(from, n int) { s.words(102, uint64(from), uint64(n)) }

// result ends the script with this result of handle.
func (s *script) result(packed uint64) { s.words(100, packed) }

// answers splits the puppet's answer into the results of the calls and what was dumped.
func (s *script) answers(t testing.TB, body []byte) (results []int64, dump string) {
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
func (s *script) play(t testing.TB, x *Extension, c *Call) (results []int64, dump string, r *Response) {
	t.Helper()
	r, err := x.Serve(context.Background(), 0, s.with(c))
	if err != nil {
		t.Fatal(err)
	}
	results, dump = s.answers(t, r.Body)
	return results, dump, r
}

func (s *script) with(c *Call) *Call {
	if c == nil {
		c = &Call{}
	}
	request, _ := c.Request.(*fakeRequest)
	if request == nil {
		request = &fakeRequest{}
	}
	request.body = s.b
	c.Request = request
	return c
}

// eventually polls until ok or a long time has passed.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
