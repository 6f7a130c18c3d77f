package wasmhost

import (
	"slices"
	"strings"
	"testing"
)

func TestData(t *testing.T) {
	host := &FakeHost{}
	x, _ := OpenOne(t, host, nil, "puppet")
	var s Script
	posts, n := s.Put("posts_id")
	id, idn := s.Put("r1")
	body, bn := s.Put(` {"a":1}`)
	query, qn := s.Put(`{"filter":"x = {:a}","params":{"a":1},"limit":500,"offset":2}`)
	params, pn := s.Put(` [1,"b"]`)
	s.Call("find", 0, posts, n, id, idn)             // 2
	s.Call("find", 1, posts, n, id, idn)             // 3
	s.Call("list", 1, posts, n, query, qn)           // 4
	s.Call("list", 1, posts, n, 0, 0)                // 5
	s.Call("create", 1, posts, n, body, bn)          // 6
	s.Call("update", 0, posts, n, id, idn, body, bn) // 7
	s.Call("delete", 1, posts, n, id, idn)
	s.Call("sql", params, pn, params, pn) // 8
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
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	posts, n := s.Put("posts")
	id, idn := s.Put("id")
	s.Call("list", 1, posts, n, 0, 0) // 2
	s.Call("rows_next", 2)            // 3, a
	s.Call("record_text", 3, id, idn, at(1024), 8)
	s.Call("close", 3)
	s.Call("find", 1, posts, n, posts, n) // 3 again: must stay what it is
	s.Call("rows_next", 2)                // 4, b
	s.Call("record_text", 3, id, idn, at(1032), 8)
	s.Call("record_text", 4, id, idn, at(1040), 8)
	s.Call("rows_next", 2)                         // the end
	s.Call("record_text", 4, id, idn, at(1048), 8) // given up
	s.Call("rows_next", 2)
	s.Call("rows_affected", 2)
	s.Call("rows_json", 2, at(1024), 8)
	s.Call("close", 2)
	s.Call("rows_next", 2)
	s.Call("close", 1) // the event's record stays
	s.Call("record_collection", 1, at(1056), 8)
	s.dump(1024, 40)
	results, dump, _ := s.play(t, x, everything())
	want := []int64{2, 3, 1, 0, 3, 4, 5, 1, 0, -1, 0, 0, -2, 0, -1, 0, 5}
	if !slices.Equal(results, want) || dump != "a\x00\x00\x00\x00\x00\x00\x00posts\x00\x00\x00b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00posts\x00\x00\x00" {
		t.Errorf("%v, %q", results, dump)
	}
	var q Script
	q.Call("sql", 0, 0, 0, 0) // 2
	q.Call("rows_json", 2, at(0), 8)
	q.Call("rows_next", 2)
	q.Call("rows_json", 2, at(0), 8)
	q.Call("rows_next", 2)
	q.Call("rows_next", 2)
	q.Call("rows_next", 2)
	q.Call("rows_json", 2, at(0), 8)
	q.Call("rows_affected", 2)
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
	host := &FakeHost{sql: func(string, Params) (*Rows, error) { return &Rows{Rows: make([][]byte, MaxSQLRows+1)}, nil }}
	x, _ := OpenOne(t, host, nil, "puppet")
	var s Script
	s.Call("sql", 0, 0, 0, 0)
	if results, _, _ := s.play(t, x, nil); results[0] != int64(Limit) {
		t.Error("too many rows", results)
	}
	x.permissions.SQL = false
	if results, _, _ := s.play(t, x, nil); results[0] != int64(Forbidden) {
		t.Error("without the permission", results)
	}
}

func TestRequest(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	names := []struct {
		part       int
		name, want string
	}{
		{0, "", "POST"}, {1, "", "/puppet"}, {2, "name", "n"}, {3, "a", "1"}, {4, "x-a", "y"}, {6, "", "10.0.0.1"}, {7, "", "/puppet?a=1"}, {8, "", "default"},
	}
	for n, p := range names {
		name, length := s.Put(p.name)
		s.Call("request", p.part, name, length, at(1024+16*n), 16)
	}
	s.Call("auth")
	s.Call("auth")
	s.Call("auth_superuser")
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
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	kind, n := s.Put("text/plain")
	name, nn := s.Put("X-A")
	s.Call("respond", 201, kind, n)
	for range maxHeaders + 1 {
		s.Call("respond_header", name, nn, kind, n)
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
	x, log := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	line, n := s.Put("hello from the guest")
	for range maxLines + 1 {
		s.Call("log", 4, line, n)
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
	large := NewFakeRecord("posts", "text", strings.Repeat("x", maxHeld/4))
	h := &handles{}
	h.begin(NewFakeRecord("posts"))
	open := func() (int32, *Error) { return h.open(handle{record: large}, 1024) }
	for range 4 {
		if _, err := open(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open(); err != errHeld {
		t.Fatalf("more than there may be: %v", err)
	}
	list := handle{rows: &rows{records: []Record{NewFakeRecord("posts", "a", "1")}}}
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
