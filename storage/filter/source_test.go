package filter_test

import (
	"testing"
	"unsafe"

	"github.com/troupebase/troupe/storage/filter"
)

// snapshot makes a source of parameters and headers.
func snapshot(query, headers map[string]string) *filter.Snapshot {
	s := new(filter.Snapshot)
	for name, value := range query {
		s.AddQuery(name, value)
	}
	for name, value := range headers {
		s.AddHeader([]byte(name), []byte(value))
	}
	return s
}

// everyName is a source that has the same for every name.
type everyName func(name string) (string, bool)

func (f everyName) Query(name string) (string, bool)  { return f(name) }
func (f everyName) Header(name string) (string, bool) { return f(name) }
func (f everyName) CopyTo(*filter.Snapshot)           {}

// memory is a source that answers with its own bytes, as a running request would that did not copy.
type memory struct{ query, header []byte }

func (m *memory) Query(name string) (string, bool) {
	return unsafe.String(&m.query[0], len(m.query)), name == "q"
}

func (m *memory) Header(name string) (string, bool) {
	return unsafe.String(&m.header[0], len(m.header)), name == "x_token"
}

func (m *memory) CopyTo(s *filter.Snapshot) {
	q, _ := m.Query("q")
	s.AddQuery("q", q)
	s.AddHeader([]byte("X-Token"), m.header)
}

func TestDetachKeepsNoMemory(t *testing.T) {
	m := &memory{[]byte("query"), []byte("header")}
	req := &filter.Request{Context: "default", Method: "POST", Source: m, Body: map[string]any{"a": "b"}}
	kept := req.Detach()
	copy(m.query, "XXXXX")
	copy(m.header, "XXXXXX")
	m.query[0] = 'Y'
	if v, ok := kept.Source.Query("q"); !ok || v != "query" {
		t.Errorf("query %q %v", v, ok)
	}
	if v, ok := kept.Source.Header("x_token"); !ok || v != "header" {
		t.Errorf("header %q %v", v, ok)
	}
	if kept.Context != "default" || kept.Method != "POST" || kept.Body["a"] != "b" {
		t.Errorf("the rest of the request: %+v", kept)
	}
	if req.Source != filter.Source(m) {
		t.Error("the running request was changed")
	}
	if kept.Detach() != kept {
		t.Error("values were copied again")
	}
	none := &filter.Request{}
	if none.Detach() != none {
		t.Error("a request without a source was copied")
	}
}

func TestSnapshot(t *testing.T) {
	outer := snapshot(map[string]string{"a": "outer"}, map[string]string{"X-One": "outer", "X-Two": "outer"})
	s := new(filter.Snapshot)
	s.AddQuery("a", "1")
	s.AddHeader([]byte("X-One"), []byte("first"))
	s.AddQuery("a", "2")
	s.AddQuery("", "")
	s.AddHeader([]byte("x_one"), []byte("second"))
	s.AddQuery("x_one", "no header")
	s.Under(outer)
	copied := new(filter.Snapshot)
	s.CopyTo(copied)
	for _, from := range []*filter.Snapshot{s, copied} {
		for _, test := range []struct {
			of         string
			read       func(string) (string, bool)
			name, want string
			ok         bool
		}{
			{"query", from.Query, "a", "1", true},
			{"query", from.Query, "", "", true},
			{"query", from.Query, "x_two", "", false},
			{"header", from.Header, "x_one", "first", true},
			{"header", from.Header, "x_two", "outer", true},
			{"header", from.Header, "X-One", "", false},
			{"header", from.Header, "a", "", false},
		} {
			if got, ok := test.read(test.name); got != test.want || ok != test.ok {
				t.Errorf("%s %q: %q %v", test.of, test.name, got, ok)
			}
		}
	}
	if v, ok := new(filter.Snapshot).Query("a"); ok {
		t.Errorf("an empty one has %q", v)
	}
}
