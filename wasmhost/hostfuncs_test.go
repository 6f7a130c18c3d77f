package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost/abi"
)

const (
	beyond = 0x7fff0000 // a pointer outside of any memory
	huge   = 0xffffffff
)

// listed are the host functions that puppets call by number: those with a narrow result.
var listed = slices.DeleteFunc(slices.Clone(abi.Functions), func(f abi.Function) bool { return f.Wide })

// kinds says what the parameters of a host function are: h a handle, p and l a pointer and a length that are read, b and c a
// buffer and its size, o a place for 8 bytes, n anything.
func kinds(f *abi.Function) string {
	var b strings.Builder
	for _, p := range f.Params {
		b.WriteString(map[abi.Kind]string{
			abi.Int: "n", abi.Float: "n", abi.Handle: "h", abi.Text: "pl", abi.JSON: "pl", abi.Bytes: "bc", abi.Buffer: "bc", abi.Out: "o",
		}[p.Kind])
	}
	return b.String()
}

// good arguments for each function in a route with everything; strings become a pointer and a length.
func goodArgs(name string) []any {
	return map[string][]any{
		"error_message": {at(1024), 64}, "log": {0, "a line"}, "random": {at(1024), 16}, "record_text": {1, "title", at(1024), 64},
		"record_set_text": {1, "title", "x"}, "record_number": {1, "count", at(1024)},
		"record_set_number": {1, "count", math.Float64bits(2.5)}, "record_json": {1, "title", at(1024), 64},
		"record_set_json": {1, "title", `{"a":1}`}, "record_collection": {1, at(1024), 64}, "record_original": {1}, "record_hide": {1, "title"},
		"record_show": {1, "title"}, "find": {1, "posts", "id"}, "list": {1, "posts", "{}"}, "create": {1, "posts", "{}"},
		"update": {1, "posts", "id", "{}"}, "delete": {1, "posts", "id"}, "sql": {"SELECT 1", "[]"}, "rows_next": {2}, "rows_json": {2, at(1024), 64},
		"rows_affected": {2}, "close": {2}, "request": {4, "x-a", at(1024), 64}, "auth": {}, "auth_superuser": {}, "respond": {200, "text/plain"},
		"respond_header": {"X-A", "b"}, "reject": {400, "no"}, "reject_field": {"title", "code", "message"}, "failure": {at(1024), 64},
	}[name]
}

// everything is a call in which every host function has what it is about.
func everything() *Call {
	r := newRecord("posts", "title", `"the title"`, "count", `3`)
	r.original = newRecord("posts", "title", `"as it was"`)
	return &Call{
		Record: r, Auth: newRecord("users", "id", `"me"`), Superuser: true, Failure: errors.New("it failed"),
		Request: &fakeRequest{header: map[string]string{"x-a": "y"}, params: map[string]string{"name": "n"}, query: map[string]string{"a": "1"}},
	}
}

// prepared is a script with a rows handle (2) that has a current row, and the arguments of a call in place.
func prepared(name string) (s script, args []any) {
	statement, n := s.put("SELECT 1")
	s.call("sql", statement, n, 0, 0)
	s.call("rows_next", 2)
	for _, a := range goodArgs(name) {
		if text, ok := a.(string); ok {
			where, n := s.put(text)
			args = append(args, where, n)
		} else {
			args = append(args, a)
		}
	}
	return s, args
}

// TestHostFunctions: the host implements what the table lists, and nothing else.
func TestHostFunctions(t *testing.T) {
	for _, f := range listed {
		if hostFuncs[f.Name] == nil || goodArgs(f.Name) == nil {
			t.Errorf("%s is not implemented, or not tested", f.Name)
		}
	}
	if len(hostFuncs) != len(listed) {
		t.Errorf("%d functions are implemented, %d are listed", len(hostFuncs), len(listed))
	}
}

// serve runs a script in a route and takes a rejection for success.
func serve(t *testing.T, x *Extension, s *script) (results []int64, rejected bool) {
	t.Helper()
	r, err := x.Serve(context.Background(), 0, s.with(everything()))
	if no := (*Rejection)(nil); errors.As(err, &no) {
		return nil, true
	}
	if err != nil {
		t.Fatal(err)
	}
	results, _ = s.answers(t, r.Body)
	return results, false
}

func TestGoodArguments(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	for _, f := range listed {
		s, args := prepared(f.Name)
		s.call(f.Name, args...)
		if results, _ := serve(t, x, &s); results != nil && results[len(results)-1] < 0 {
			t.Errorf("%s: %v", f.Name, Errno(results[len(results)-1]))
		}
	}
}

// Whatever a guest passes as a pointer, a length or a handle, it gets an errno, and the server goes on.
func TestBadArguments(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	for _, f := range listed {
		for position, kind := range kinds(&f) {
			for _, bad := range badValues(kind) {
				s, args := prepared(f.Name)
				if kind == 'c' && bad == huge {
					args[position-1] = 8 // a null pointer with a huge size
				}
				args[position] = bad
				s.call(f.Name, args...)
				results, rejected := serve(t, x, &s)
				if rejected || results[len(results)-1] != int64(Invalid) && results[len(results)-1] != int64(Limit) {
					t.Errorf("%s, parameter %d as %#x: %v", f.Name, position, bad, results)
				}
			}
		}
	}
	if s := x.Stats(); s.Failures != 0 {
		t.Errorf("%+v", s)
	}
}

func badValues(kind rune) []any {
	switch kind {
	case 'h':
		return []any{0, 99, -1, huge, 1 << 30}
	case 'p', 'b', 'o':
		return []any{beyond, huge, -8}
	case 'l', 'c':
		return []any{huge, 1 << 30, 1 << 31}
	}
	return nil
}

// Texts that are not UTF-8 are refused by every function that reads one.
func TestInvalidUTF8(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	for _, f := range listed {
		letters := kinds(&f)
		for position := range letters {
			if letters[position] != 'p' {
				continue
			}
			s, args := prepared(f.Name)
			bad, n := s.put("a\xff\xfe")
			args[position], args[position+1] = bad, n
			s.call(f.Name, args...)
			results, rejected := serve(t, x, &s)
			if rejected || results[len(results)-1] != int64(Invalid) {
				t.Errorf("%s, parameter %d: %v", f.Name, position, results)
			}
		}
	}
}

func TestErrnos(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	long := strings.Repeat("x", maxName+1)
	tests := []struct {
		name string
		args []any
		want Errno
	}{
		{"log", []any{1, "x"}, Invalid},
		{"log", []any{0, strings.Repeat("x", maxLine+1)}, Limit},
		{"record_text", []any{1, "nothing", at(1024), 64}, NotFound},
		{"record_text", []any{1, long, at(4096), 64}, Invalid},
		{"record_text", []any{2, "title", at(1024), 64}, Invalid}, // rows
		{"record_number", []any{1, "title", at(1024)}, Invalid},
		{"record_set_number", []any{1, "count", math.Float64bits(math.NaN())}, Invalid},
		{"record_set_number", []any{1, "count", math.Float64bits(math.Inf(1))}, Invalid},
		{"record_set_text", []any{1, "readonly", "x"}, Context},
		{"record_set_json", []any{1, "title", "{"}, Invalid},
		{"record_set_json", []any{1, "title", ""}, Invalid},
		{"find", []any{2, "posts", "id"}, Invalid},
		{"find", []any{-1, "posts", "id"}, Invalid},
		{"find", []any{1, "users", "id"}, Forbidden},
		{"find", []any{1, "_secret", "id"}, Forbidden},
		{"find", []any{1, "secret_id", "id"}, Forbidden},
		{"find", []any{1, "nothing", "id"}, NotFound},
		{"find", []any{1, "posts", long}, Invalid},
		{"list", []any{1, "posts", `{"limit":501}`}, Limit},
		{"list", []any{1, "posts", `{"limit":0}`}, Invalid},
		{"list", []any{1, "posts", `{"offset":-1}`}, Invalid},
		{"list", []any{1, "posts", `{"filer":"x"}`}, Invalid},
		{"list", []any{1, "posts", `[]`}, Invalid},
		{"create", []any{1, "posts", `[]`}, Invalid},
		{"create", []any{1, "posts", ``}, Invalid},
		{"create", []any{1, "posts", `{"a":}`}, Invalid},
		{"sql", []any{"SELECT 1", "1"}, Invalid},
		{"sql", []any{"SELECT 1", "{"}, Invalid},
		{"rows_next", []any{1}, Invalid}, // a record
		{"close", []any{3}, Invalid},
		{"request", []any{9, "", at(1024), 64}, Invalid},
		{"request", []any{2, "nothing", at(1024), 64}, NotFound},
		{"respond", []any{199, ""}, Invalid},
		{"respond", []any{600, ""}, Invalid},
		{"respond", []any{200, "text/html\r\nX: y"}, Invalid},
		{"respond_header", []any{"X\r\n", "y"}, Invalid},
		{"respond_header", []any{"X", "y\r\nZ: 1"}, Invalid},
		{"respond_header", []any{"", "y"}, Invalid},
		{"respond_header", []any{"content-LENGTH", "5"}, Forbidden},
		{"respond_header", []any{"Transfer-Encoding", "chunked"}, Forbidden},
		{"reject", []any{399, "no"}, Invalid},
		{"reject", []any{600, "no"}, Invalid},
	}
	for _, test := range tests {
		s, _ := prepared("")
		var args []any
		for _, a := range test.args {
			if text, ok := a.(string); ok {
				where, n := s.put(text)
				args = append(args, where, n)
			} else {
				args = append(args, a)
			}
		}
		s.call(test.name, args...)
		results, rejected := serve(t, x, &s)
		if rejected || results[len(results)-1] != int64(test.want) {
			t.Errorf("%s%.80v: %v, want %d", test.name, test.args, results, test.want)
		}
	}
}

// Where there is nothing that a function is about, it says so.
func TestContext(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	var s script
	title, n := s.put("title")
	s.call("record_text", 1, title, n, at(1024), 64)
	s.call("auth")
	s.call("failure", at(1024), 64)
	results, _, _ := s.play(t, x, nil)
	if want := []int64{int64(Context), int64(NotFound), int64(Context)}; !slices.Equal(results, want) {
		t.Error(results)
	}
	var hook script
	kind, n := hook.put("text/plain")
	hook.call("respond", 200, kind, n)
	hook.call("respond_header", kind, n, kind, n)
	state, err := x.Before(context.Background(), 0, hook.with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if results, _ := hook.answers(t, state); results[0] != int64(Context) || results[1] != int64(Context) {
		t.Error(results)
	}
}

func TestBuffers(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	for _, size := range []int{0, 8, 9, 64} {
		var s script
		title, n := s.put("title")
		s.call("record_text", 1, title, n, at(1024), size)
		s.dump(1024, 12)
		results, dump, _ := s.play(t, x, everything())
		want := "the title\x00\x00\x00"
		if size < 9 {
			want = strings.Repeat("\x00", 12)
		}
		if results[0] != 9 || dump != want {
			t.Errorf("size %d: %d, %q", size, results[0], dump)
		}
	}
}

func TestErrorMessage(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	var s script
	name, n := s.put("nothing")
	s.call("error_message", at(1024), 64)
	s.call("record_text", 1, name, n, 0, 0)
	s.call("error_message", at(1024), 4)
	s.call("error_message", at(1024), 64)
	s.dump(1024, 13)
	results, dump, _ := s.play(t, x, everything())
	if want := []int64{0, -2, 13, 13}; !slices.Equal(results, want) || dump != "no such field" {
		t.Errorf("%v, %q", results, dump)
	}
}

// An error that the host did not mean for guests is not shown to one.
func TestInternalErrors(t *testing.T) {
	host := &fakeHost{find: func(context.Context, string) (Record, error) { return nil, errors.New("disk /dev/sda1 is on fire") }}
	x, log := one(t, host, nil, "puppet")
	var s script
	posts, n := s.put("posts")
	s.call("find", 1, posts, n, posts, n)
	s.call("error_message", at(1024), 64)
	s.dump(1024, 64)
	results, dump, _ := s.play(t, x, nil)
	if results[0] != int64(Internal) || strings.Contains(dump, "fire") || !strings.Contains(log.String(), "fire") {
		t.Errorf("%v, %q", results, dump)
	}
}

func TestExplain(t *testing.T) {
	field := map[string]FieldFailure{"a": {"c", "m"}}
	tests := []struct {
		err  error
		want Error
	}{
		{&Error{Forbidden, "no"}, Error{Forbidden, "no"}},
		{fmt.Errorf("find: %w", &Error{NotFound, "x"}), Error{NotFound, "x"}},
		{&Rejection{Status: 422, Fields: field}, Error{Failed, `{"a":{"code":"c","message":"m"}}`}},
		{&Rejection{Status: 400}, Error{Failed, `{}`}},
		{&Rejection{Status: 403, Message: "no"}, Error{Forbidden, "no"}},
		{&Rejection{Status: 404, Message: "no"}, Error{NotFound, "no"}},
		{fmt.Errorf("x: %w", ErrTimeout), *errInTime},
		{ErrSuspended, *errInTime}, {ErrBusy, *errInTime}, {context.DeadlineExceeded, *errInTime},
		{&Fault{Kind: Trapped}, *errInternal}, {errors.New("x"), *errInternal},
	}
	for _, test := range tests {
		got, unexpected := explain(test.err)
		if *got != test.want || unexpected != (test.want.Errno == Internal) {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestData(t *testing.T) {
	host := &fakeHost{}
	x, _ := one(t, host, nil, "puppet")
	var s script
	posts, n := s.put("posts_id")
	id, idn := s.put("r1")
	body, bn := s.put(` {"a":1}`)
	query, qn := s.put(`{"filter":"x = {:a}","params":{"a":1},"limit":500,"offset":2}`)
	params, pn := s.put(` [1,"b"]`)
	s.call("find", 0, posts, n, id, idn)             // 2
	s.call("find", 1, posts, n, id, idn)             // 3
	s.call("list", 1, posts, n, query, qn)           // 4
	s.call("list", 1, posts, n, 0, 0)                // 5
	s.call("create", 1, posts, n, body, bn)          // 6
	s.call("update", 0, posts, n, id, idn, body, bn) // 7
	s.call("delete", 1, posts, n, id, idn)
	s.call("sql", params, pn, params, pn) // 8
	results, _, _ := s.play(t, x, nil)
	if want := []int64{2, 3, 4, 5, 6, 7, 0, 8}; !slices.Equal(results, want) {
		t.Error(results)
	}
	want := []string{
		"find CALLER posts r1", "find EXTENSION posts r1", `list EXTENSION posts "x = {:a}" 500 2`, `list EXTENSION posts "" 30 0`,
		`create EXTENSION posts  {"a":1}`, `update CALLER posts r1  {"a":1}`, "delete EXTENSION posts r1", `sql  [1,"b"] 2 0`,
	}
	if !slices.Equal(host.asked, want) {
		t.Errorf("%q", host.asked)
	}
}

func TestRows(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	var s script
	posts, n := s.put("posts")
	id, idn := s.put("id")
	s.call("list", 1, posts, n, 0, 0) // 2
	s.call("rows_next", 2)            // 3, a
	s.call("record_text", 3, id, idn, at(1024), 8)
	s.call("close", 3)
	s.call("find", 1, posts, n, posts, n) // 3 again: must stay what it is
	s.call("rows_next", 2)                // 4, b
	s.call("record_text", 3, id, idn, at(1032), 8)
	s.call("record_text", 4, id, idn, at(1040), 8)
	s.call("rows_next", 2)                         // the end
	s.call("record_text", 4, id, idn, at(1048), 8) // given up
	s.call("rows_next", 2)
	s.call("rows_affected", 2)
	s.call("rows_json", 2, at(1024), 8)
	s.call("close", 2)
	s.call("rows_next", 2)
	s.call("close", 1) // the event's record stays
	s.call("record_collection", 1, at(1056), 8)
	s.dump(1024, 40)
	results, dump, _ := s.play(t, x, everything())
	want := []int64{2, 3, 1, 0, 3, 4, 5, 1, 0, -1, 0, 0, -2, 0, -1, 0, 5}
	if !slices.Equal(results, want) || dump != "a\x00\x00\x00\x00\x00\x00\x00posts\x00\x00\x00b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00posts\x00\x00\x00" {
		t.Errorf("%v, %q", results, dump)
	}
	var q script
	q.call("sql", 0, 0, 0, 0) // 2
	q.call("rows_json", 2, at(0), 8)
	q.call("rows_next", 2)
	q.call("rows_json", 2, at(0), 8)
	q.call("rows_next", 2)
	q.call("rows_next", 2)
	q.call("rows_next", 2)
	q.call("rows_json", 2, at(0), 8)
	q.call("rows_affected", 2)
	q.dump(0, 3)
	results, dump, _ = q.play(t, x, nil)
	if want := []int64{2, -2, 1, 3, 1, 0, 0, -2, 3}; !slices.Equal(results, want) || dump != "[1]" {
		t.Errorf("%v, %q", results, dump)
	}
}

func TestSQLNeedsThePermission(t *testing.T) {
	if _, err := parseParams([]byte("[1]")); err != nil {
		t.Error(err)
	}
	host := &fakeHost{sql: func(string, Params) (*Rows, error) { return &Rows{Rows: make([][]byte, MaxSQLRows+1)}, nil }}
	x, _ := one(t, host, nil, "puppet")
	var s script
	s.call("sql", 0, 0, 0, 0)
	if results, _, _ := s.play(t, x, nil); results[0] != int64(Limit) {
		t.Error("too many rows", results)
	}
	x.permissions.SQL = false
	if results, _, _ := s.play(t, x, nil); results[0] != int64(Forbidden) {
		t.Error("without the permission", results)
	}
}

func TestRequest(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	var s script
	names := []struct {
		part       int
		name, want string
	}{
		{0, "", "POST"}, {1, "", "/puppet"}, {2, "name", "n"}, {3, "a", "1"}, {4, "x-a", "y"}, {6, "", "10.0.0.1"}, {7, "", "/puppet?a=1"}, {8, "", "default"},
	}
	for n, p := range names {
		name, length := s.put(p.name)
		s.call("request", p.part, name, length, at(1024+16*n), 16)
	}
	s.call("auth")
	s.call("auth")
	s.call("auth_superuser")
	s.dump(1024, 16*len(names))
	results, dump, _ := s.play(t, x, everything())
	for n, p := range names {
		if got := strings.TrimRight(dump[16*n:16*n+16], "\x00"); got != p.want || results[n] != int64(len(p.want)) {
			t.Errorf("part %d: %q, %d", p.part, got, results[n])
		}
	}
	if rest := results[len(names):]; !slices.Equal(rest, []int64{2, 2, 1}) {
		t.Error(rest)
	}
}

func TestRespond(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	var s script
	kind, n := s.put("text/plain")
	name, nn := s.put("X-A")
	s.call("respond", 201, kind, n)
	for range maxHeaders + 1 {
		s.call("respond_header", name, nn, kind, n)
	}
	results, _, r := s.play(t, x, nil)
	if r.Status != 201 || r.ContentType != "text/plain" || len(r.Headers) != maxHeaders || r.Headers[0] != (Header{"X-A", "text/plain"}) {
		t.Errorf("%+v", r)
	}
	if results[len(results)-1] != int64(Limit) {
		t.Error(results)
	}
}

func TestLog(t *testing.T) {
	x, log := one(t, &fakeHost{}, nil, "puppet")
	var s script
	line, n := s.put("hello from the guest")
	for range maxLines + 1 {
		s.call("log", 4, line, n)
	}
	results, _, _ := s.play(t, x, nil)
	if results[0] != 0 || results[len(results)-1] != int64(Limit) {
		t.Error(results)
	}
	if got := strings.Count(log.String(), `level=WARN msg="hello from the guest" extension=puppet`); got != maxLines {
		t.Error(got)
	}
}

// TestHandlesHoldLittle: what a guest makes the server keep is bounded like its own memory.
func TestHandlesHoldLittle(t *testing.T) {
	large := newRecord("posts", "text", strings.Repeat("x", maxHeld/4))
	h := &handles{}
	h.begin(newRecord("posts"))
	open := func() (int32, *Error) { return h.open(handle{record: large}, 1024) }
	for range 4 {
		if _, err := open(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open(); err != errHeld {
		t.Fatalf("more than there may be: %v", err)
	}
	list := handle{rows: &rows{records: []Record{newRecord("posts", "a", "1")}}}
	if _, err := h.open(list, 1024); err != errHeld {
		t.Errorf("a list beside it: %v", err)
	}
	if _, err := h.open(handle{rows: &rows{sql: &Rows{Rows: [][]byte{[]byte("[1]")}}}}, 1024); err != errHeld {
		t.Errorf("rows beside it: %v", err)
	}
	if err := h.close(2); err != nil {
		t.Fatal(err)
	}
	if at, err := h.open(list, 1024); err != nil || at != 2 {
		t.Fatalf("after one was closed: %d, %v", at, err)
	}
	for range 2 {
		if _, err := h.advance(h.slots[1].rows, 1024); err != nil {
			t.Fatal(err)
		}
	}
	h.end()
	if h.held != 0 {
		t.Errorf("%d bytes are held after the call", h.held)
	}
}

// TestLongFiltersAreRefused: the host remembers what it made of filters.
func TestLongFiltersAreRefused(t *testing.T) {
	for _, key := range []string{"filter", "sort"} {
		_, err := parseQuery([]byte(`{"` + key + `":"` + strings.Repeat("x", maxFilter+1) + `"}`))
		if err == nil || err.Errno != Limit {
			t.Errorf("%s: %v", key, err)
		}
	}
}
