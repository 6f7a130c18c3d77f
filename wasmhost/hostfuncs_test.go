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
	"github.com/troupebase/troupe/wasmhost/rewrite"
)

const (
	beyond = 0x7fff0000 // a pointer outside of any memory
	huge   = 0xffffffff
)

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

// goodArgs are good arguments for each function in a route with everything; strings become a pointer and a length.
var goodArgs = map[string][]any{
	"error_message": {at(1024), 64}, "log": {0, "a line"}, "now": {}, "random": {at(1024), 16}, "record_text": {1, "title", at(1024), 64},
	"record_set_text": {1, "title", "x"}, "record_number": {1, "count", at(1024)},
	"record_set_number": {1, "count", math.Float64bits(2.5)}, "record_json": {1, "title", at(1024), 64},
	"record_set_json": {1, "title", `{"a":1}`}, "record_collection": {1, at(1024), 64}, "record_original": {1}, "record_hide": {1, "title"},
	"record_show": {1, "title"}, "find": {1, "posts", "id"}, "list": {1, "posts", "{}"}, "create": {1, "posts", "{}"},
	"update": {1, "posts", "id", "{}"}, "delete": {1, "posts", "id"}, "sql": {"SELECT 1", "[]"}, "rows_next": {2}, "rows_json": {2, at(1024), 64},
	"rows_affected": {2}, "close": {2}, "error_status": {}, "transaction_begin": {}, "transaction_commit": {}, "transaction_rollback": {}, "pass_on": {}, "request": {4, "x-a", at(1024), 64}, "auth": {}, "auth_superuser": {}, "respond": {200, "text/plain"},
	"respond_header": {"X-A", "b"}, "reject": {400, "no"}, "reject_field": {"title", "code", "message"}, "failure": {at(1024), 64},
}

// everything is a call in which every host function has what it is about.
func everything() *Call {
	r := NewFakeRecord("posts", "title", `"the title"`, "count", `3`)
	r.original = NewFakeRecord("posts", "title", `"as it was"`)
	return &Call{
		Record: r, Auth: NewFakeRecord("users", "id", `"me"`), Superuser: true, Failure: errors.New("it failed"),
		Request: &FakeRequest{header: map[string]string{"x-a": "y"}, Params: map[string]string{"name": "n"}, query: map[string]string{"a": "1"}},
	}
}

// prepared is a script with a rows handle (2) that has a current row, and the arguments of a call in place.
func prepared(name string) (s Script, args []any) {
	if name == "pass_on" {
		s.Call("find", s.placed([]any{1, "posts", "refused"})...)
	}
	if name == "transaction_commit" || name == "transaction_rollback" {
		s.Call("transaction_begin")
	}
	statement, n := s.Put("SELECT 1")
	s.Call("sql", statement, n, 0, 0)
	s.Call("rows_next", 2)
	return s, s.placed(goodArgs[name])
}

// placed puts the strings among args in the puppet's room, each of which becomes a pointer and a length.
func (s *Script) placed(args []any) (out []any) {
	for _, a := range args {
		if text, ok := a.(string); ok {
			where, n := s.Put(text)
			out = append(out, where, n)
		} else {
			out = append(out, a)
		}
	}
	return out
}

// TestHostFunctions: the host implements what the table lists and nothing else, and the tests call each function with as many values as it takes.
func TestHostFunctions(t *testing.T) {
	narrow := 0
	for _, f := range abi.Functions {
		if !f.Wide {
			narrow++
			if hostFuncs[f.Name] == nil {
				t.Errorf("%s is not implemented", f.Name)
			}
		}
		args, ok := goodArgs[f.Name]
		if !ok {
			t.Errorf("%s is not tested: goodArgs does not have it", f.Name)
			continue
		}
		if _, values := prepared(f.Name); len(values) != len(f.Values()) {
			t.Errorf("%s takes %d values, %v are %d", f.Name, len(f.Values()), args, len(values))
		}
	}
	if len(hostFuncs) != narrow || len(goodArgs) != len(abi.Functions) {
		t.Errorf("%d functions are implemented of %d, %d are tested of %d", len(hostFuncs), narrow, len(goodArgs), len(abi.Functions))
	}
}

// TestPuppetIsBuilt: the guest that these tests call functions with was compiled from the table as it is.
func TestPuppetIsBuilt(t *testing.T) {
	m, err := rewrite.Module(guest(t, "puppet"), rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	imported := make(map[string]bool)
	for _, i := range m.Imports {
		imported[i.Name] = true
	}
	for _, f := range abi.Functions {
		if !imported[f.Name] {
			t.Errorf("puppet.wasm does not know %s: run testdata/build.sh", f.Name)
		}
		delete(imported, f.Name)
	}
	for name := range imported {
		t.Errorf("puppet.wasm imports %s, which is no host function: run testdata/build.sh", name)
	}
}

// serve runs a script in a route and takes a rejection for success.
func serve(t *testing.T, x *Extension, s *Script) (results []int64, rejected bool) {
	t.Helper()
	r, err := x.Serve(context.Background(), 0, s.With(everything()))
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
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	for _, f := range abi.Functions {
		s, args := prepared(f.Name)
		s.Call(f.Name, args...)
		if results, _ := serve(t, x, &s); results != nil && results[len(results)-1] < 0 {
			t.Errorf("%s: %v", f.Name, Errno(results[len(results)-1]))
		}
	}
}

// Whatever a guest passes as a pointer, a length or a handle, it gets an errno, and the server goes on.
func TestBadArguments(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	for _, f := range abi.Functions {
		for position, kind := range kinds(&f) {
			for _, bad := range badValues(kind) {
				s, args := prepared(f.Name)
				if kind == 'c' && bad == huge {
					args[position-1] = 8 // a null pointer with a huge size
				}
				args[position] = bad
				s.Call(f.Name, args...)
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
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	for _, f := range abi.Functions {
		letters := kinds(&f)
		for position := range letters {
			if letters[position] != 'p' {
				continue
			}
			s, args := prepared(f.Name)
			bad, n := s.Put("a\xff\xfe")
			args[position], args[position+1] = bad, n
			s.Call(f.Name, args...)
			results, rejected := serve(t, x, &s)
			if rejected || results[len(results)-1] != int64(Invalid) {
				t.Errorf("%s, parameter %d: %v", f.Name, position, results)
			}
		}
	}
}

// longName is longer than a name may be.
var longName = strings.Repeat("x", maxName+1)

// refusedCalls are calls in a route with everything, and what the host answers.
var refusedCalls = []struct {
	name string
	args []any
	want Errno
}{
	{"log", []any{1, "x"}, Invalid},
	{"log", []any{0, strings.Repeat("x", maxLine+1)}, Limit},
	{"record_text", []any{1, "nothing", at(1024), 64}, NotFound},
	{"record_text", []any{1, longName, at(4096), 64}, Invalid},
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
	{"find", []any{1, "posts", longName}, Invalid},
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
	{"request", []any{9, "", at(1024), 64}, NotFound}, // the call is made once
	{"request", []any{10, "", at(1024), 64}, Invalid},
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

func TestErrnos(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	for _, test := range refusedCalls {
		s, _ := prepared("")
		s.Call(test.name, s.placed(test.args)...)
		results, rejected := serve(t, x, &s)
		if rejected || results[len(results)-1] != int64(test.want) {
			t.Errorf("%s%.80v: %v, want %d", test.name, test.args, results, test.want)
		}
	}
}

// Where there is nothing that a function is about, it says so.
func TestContext(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	title, n := s.Put("title")
	s.Call("record_text", 1, title, n, at(1024), 64)
	s.Call("auth")
	s.Call("failure", at(1024), 64)
	results, _, _ := s.play(t, x, nil)
	if want := []int64{int64(Context), int64(NotFound), int64(Context)}; !slices.Equal(results, want) {
		t.Error(results)
	}
	var hook Script
	kind, n := hook.Put("text/plain")
	hook.Call("respond", 200, kind, n)
	hook.Call("respond_header", kind, n, kind, n)
	state, err := x.Before(context.Background(), 0, hook.With(nil))
	if err != nil {
		t.Fatal(err)
	}
	if results, _ := hook.answers(t, state); results[0] != int64(Context) || results[1] != int64(Context) {
		t.Error(results)
	}
}

func TestBuffers(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	for _, size := range []int{0, 8, 9, 64} {
		var s Script
		title, n := s.Put("title")
		s.Call("record_text", 1, title, n, at(1024), size)
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
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	name, n := s.Put("nothing")
	s.Call("error_message", at(1024), 64)
	s.Call("record_text", 1, name, n, 0, 0)
	s.Call("error_message", at(1024), 4)
	s.Call("error_message", at(1024), 64)
	s.dump(1024, 13)
	results, dump, _ := s.play(t, x, everything())
	if want := []int64{0, -2, 13, 13}; !slices.Equal(results, want) || dump != "no such field" {
		t.Errorf("%v, %q", results, dump)
	}
}

// An error that the host did not mean for guests is not shown to one.
func TestInternalErrors(t *testing.T) {
	host := &FakeHost{OnFind: func(context.Context, string) (Record, error) { return nil, errors.New("disk /dev/sda1 is on fire") }}
	x, log := OpenOne(t, host, nil, "puppet")
	var s Script
	posts, n := s.Put("posts")
	s.Call("find", 1, posts, n, posts, n)
	s.Call("error_message", at(1024), 64)
	s.dump(1024, 64)
	results, dump, _ := s.play(t, x, nil)
	if results[0] != int64(Internal) || strings.Contains(dump, "fire") || !strings.Contains(log.String(), "fire") {
		t.Errorf("%v, %q", results, dump)
	}
}

func TestExplain(t *testing.T) {
	refusal := func(status int) *Rejection {
		return &Rejection{Status: status, Message: "no", Fields: map[string]FieldFailure{"a": {Code: "c", Message: "m"}}}
	}
	tests := []struct {
		err     error
		errno   Errno
		message string
		status  int
	}{
		{&Error{Errno: Forbidden, Message: "no"}, Forbidden, "no", 0},
		{fmt.Errorf("find: %w", &Error{Errno: NotFound, Message: "x"}), NotFound, "x", 0},
		{fmt.Errorf("find: %w", &Error{Errno: NotFound, Message: "x", Refusal: refusal(404)}), NotFound, "x", 404},
		{refusal(422), Failed, `{"a":{"code":"c","message":"m"}}`, 422},
		{&Rejection{Status: 400}, Failed, `{}`, 400},
		{refusal(401), Forbidden, "no", 401}, {refusal(403), Forbidden, "no", 403}, {refusal(404), NotFound, "no", 404},
		{fmt.Errorf("x: %w", ErrTimeout), Busy, errInTime.Message, 0},
		{ErrSuspended, Busy, errInTime.Message, 0}, {ErrBusy, Busy, errInTime.Message, 0}, {context.DeadlineExceeded, Busy, errInTime.Message, 0},
		{&Fault{Kind: Trapped}, Internal, errInternal.Message, 0}, {errors.New("x"), Internal, errInternal.Message, 0},
	}
	for _, test := range tests {
		got, unexpected := explain(test.err)
		status := 0
		if got.Refusal != nil {
			status = got.Refusal.Status
		}
		if got.Errno != test.errno || got.Message != test.message || status != test.status || unexpected != (test.errno == Internal) {
			t.Errorf("%v: %v, %d", test.err, got, status)
		}
	}
}
