package records_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// requestMemory is a running request: it answers with its own bytes, which the next request on the connection overwrites.
type requestMemory struct{ token []byte }

func (m *requestMemory) Query(name string) (string, bool) { return m.text(), name == "token" }

func (m *requestMemory) Header(name string) (string, bool) { return m.text(), name == "x_token" }

func (m *requestMemory) CopyTo(s *filter.Snapshot) {
	s.AddQuery("token", m.text())
	s.AddHeader([]byte("X-Token"), m.token)
}

func (m *requestMemory) text() string { return unsafe.String(unsafe.SliceData(m.token), len(m.token)) }

// rule sets all rules of a collection that writes are judged by.
func (g *rig) rule(collection, rule string) {
	c := g.catalogue.Load().Find(collection).Clone()
	c.CreateRule, c.UpdateRule, c.DeleteRule = &rule, &rule, &rule
	g.swap(c)
}

// commandMakers are all ways to make a command. ids[0] is stored.
func commandMakers(t *testing.T, ids []string) map[string]func(s *records.Store, in records.WriteInput) (records.Command, error) {
	return map[string]func(s *records.Store, in records.WriteInput) (records.Command, error){
		"PrepareCreate": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			return s.PrepareCreate(t.Context(), in)
		},
		"PrepareUpdate": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			return s.PrepareUpdate(t.Context(), ids[0], in)
		},
		"PrepareDelete": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			return s.PrepareDelete(ids[0], in)
		},
		"PrepareUpsert of a new one": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			in.Body["id"] = ids[1]
			return s.PrepareUpsert(t.Context(), ids[1], in, in)
		},
		"PrepareUpsert of a stored one": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			return s.PrepareUpsert(t.Context(), ids[0], in, in)
		},
		"DraftUpsert": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			in.Body["id"] = ids[2]
			return s.DraftUpsert(ids[2], in, in), nil
		},
		"DraftCreate": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			d, err := s.DraftCreate(in)
			if err != nil {
				return nil, err
			}
			return d.WithoutUserCode(), nil
		},
		"DraftUpdate": func(s *records.Store, in records.WriteInput) (records.Command, error) {
			d, err := s.DraftUpdate(ids[0], in)
			if err != nil {
				return nil, err
			}
			return d.WithoutUserCode(), nil
		},
	}
}

// TestLaw5_CommandsHoldValues holds that no command reads the request that it was made for, also when a rule that was changed
// after it was handed over asks for what the one before did not.
func TestLaw5_CommandsHoldValues(t *testing.T) {
	ids := []string{"aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb", "ccccccccccccccc", "ddddddddddddddd"}
	for name, make := range commandMakers(t, ids) {
		for _, rules := range []struct{ handed, judged string }{
			{`@request.headers.x_token = "secret"`, `@request.headers.x_token = "secret"`},
			{`@request.query.token = "secret"`, `@request.query.token = "secret"`},
			{"", `@request.headers.x_token = "secret" && @request.query.token = "secret"`},
			{`@request.method = "POST"`, `@request.headers.x_token = "secret"`},
		} {
			g := newRig(t, `{"type":"base","name":"posts","fields":[{"type":"text","name":"title"}]}`)
			g.create("posts", map[string]any{"id": ids[0], "title": "stored"})
			g.rule("posts", rules.handed)
			m := &requestMemory{[]byte("secret")}
			in := g.input("posts", map[string]any{"title": "new"})
			in.Caller = records.Caller{Request: &filter.Request{Context: "default", Method: "POST", Source: m, Now: time.Now()}}
			cmd, err := make(g.store, in)
			if err != nil {
				t.Fatalf("%s under %q: %v", name, rules.handed, err)
			}
			copy(m.token, "XXXXXX")
			g.rule("posts", rules.judged)
			if err := g.do(t.Context(), cmd); err != nil {
				t.Errorf("%s under %q, judged by %q: %v", name, rules.handed, rules.judged, err)
			}
			m.token = []byte("other!")
			if cmd, err = make(g.store, in); err == nil {
				err = g.do(t.Context(), cmd)
			}
			if err == nil {
				t.Errorf("%s is let in with another token by %q", name, rules.judged)
			}
		}
	}
}
