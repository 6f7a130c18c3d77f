package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// enricher is user code for the collections that are named.
type enricher struct {
	names  atomic.Pointer[string] // separated by blanks
	f      func(v *records.Shown, caller *records.Caller, inner func() error) error
	mu     sync.Mutex
	called []string
}

func (e *enricher) bind(names string) { e.names.Store(&names) }

func (e *enricher) Enriches(c *schema.Collection) bool {
	names := e.names.Load()
	return names != nil && strings.Contains(" "+*names+" ", " "+c.Name+" ")
}

func (e *enricher) Enrich(_ context.Context, v *records.Shown, caller *records.Caller, inner func() error) error {
	e.mu.Lock()
	e.called = append(e.called, caller.Request.Context+" "+v.Record().Collection.Name+" for "+nameOf(caller))
	e.mu.Unlock()
	return e.f(v, caller, inner)
}

// calls returns what was called since the last time.
func (e *enricher) calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.called = nil }()
	return e.called
}

func nameOf(caller *records.Caller) string {
	if caller.Request.Auth == nil {
		return "guest"
	}
	return caller.Request.Auth.ID
}

// greet adds the caller's name, hides what guests need not know, and leaves bob out.
func greet(v *records.Shown, caller *records.Caller, inner func() error) error {
	v.Hide("n")
	if err := inner(); err != nil {
		return err
	}
	switch name := nameOf(caller); name {
	case "bob000000000001":
		return errors.New("not for bob")
	case "guest":
		v.Hide("owner")
		fallthrough
	default:
		return v.Set("for", name)
	}
}

func TestEnrichedMessagesArePerIdentity(t *testing.T) {
	g := newRig(t)
	e := &enricher{f: greet}
	e.bind("docs")
	g.app.Realtime.Enrich(e)
	c := g.docs("")
	marks := g.collection(`{"name":"marks","type":"base","fields":[{"name":"t","type":"text"}],"listRule":""}`)
	ann, bob, root := g.user("ann000000000001", "ann"), g.user("bob000000000001", "bob"), g.superuser()
	who := map[string]*records.Record{"guest": nil, "other guest": nil, "ann": ann, "ann again": ann, "bob": bob, "root": root}
	streams := make(map[string]*stream)
	for name, r := range who {
		s := g.open()
		streams[name] = s
		if r == nil {
			s.subscribe(nil, "docs/*", "marks")
		} else {
			s.subscribe(r.Identity(), "docs/*", "marks")
		}
	}
	r := g.create(c, map[string]any{"t": "x", "n": 1, "owner": "o", "secret": "s"})
	g.update(r, map[string]any{"t": "y"})
	g.delete(r)
	g.create(marks, map[string]any{"t": "mark"})
	for name, s := range streams {
		if name != "bob" {
			for _, want := range []string{"create x", "update y", "delete y"} {
				m := s.next().decode(t)
				id := "guest"
				if who[name] != nil {
					id = who[name].ID()
				}
				if got := fmt.Sprint(m.Action, " ", m.Record["t"]); got != want || m.Record["for"] != id {
					t.Errorf("%s got %q for %v, want %q for %s", name, got, m.Record["for"], want, id)
				}
				_, owner := m.Record["owner"]
				_, n := m.Record["n"]
				_, secret := m.Record["secret"]
				if owner != (id != "guest") || n || secret != (name == "root") {
					t.Errorf("%s got owner %v, n %v, secret %v", name, owner, n, secret)
				}
			}
		}
		s.expect("marks create mark")
	}
	if n := len(e.calls()); n != 3*4 {
		t.Errorf("user code was called %d times, want once for each change and identity", n)
	}
	if r.Get("t") != "x" || r.Get("n") != 1.0 {
		t.Errorf("the record itself was changed: %v", r.Values)
	}
}

// TestAudiencesNoticeEnrichment: audiences that were worked out before user code is bound, or unbound, are not used after.
func TestAudiencesNoticeEnrichment(t *testing.T) {
	g := newRig(t)
	e := &enricher{f: greet}
	g.app.Realtime.Enrich(e)
	c := g.docs("")
	ann, cid := g.user("ann000000000001", "ann"), g.user("cid000000000001", "cid")
	a, b := g.open(), g.open()
	a.subscribe(ann.Identity(), "docs/*")
	b.subscribe(cid.Identity(), "docs/*")
	for i, names := range []string{"", "docs", "", "docs", "marks"} {
		e.bind(names)
		g.create(c, map[string]any{"t": fmt.Sprint(i)})
		for _, s := range []*stream{a, b} {
			want := any(nil)
			if names == "docs" {
				want = ann.ID()
				if s == b {
					want = cid.ID()
				}
			}
			if m := s.next().decode(t); m.Record["for"] != want {
				t.Errorf("round %d: message for %v, want %v", i, m.Record["for"], want)
			}
		}
	}
}

// TestExpandedRecordsAreEnrichedPerIdentity: user code of a collection that is only expanded tells superusers apart, too.
func TestExpandedRecordsAreEnrichedPerIdentity(t *testing.T) {
	g := newRig(t)
	e := &enricher{f: greet}
	e.bind("docs")
	g.app.Realtime.Enrich(e)
	c := g.docs("")
	notes := g.collection(fmt.Sprintf(`{"name":"notes","type":"base","listRule":"@collection.docs.id ?= doc","fields":[{"name":"t","type":"text"},
		{"name":"doc","type":"relation","collectionId":%q,"maxSelect":1}]}`, c.ID))
	root := g.superuser()
	second := g.create(g.app.Catalogue.Current().Find("_superusers"), map[string]any{"email": "second@example.com", "password": "1234567890", "passwordConfirm": "1234567890"})
	a, b, guest := g.open(), g.open(), g.open()
	const topic = `notes/*?options={"query":{"expand":"doc"}}`
	a.subscribe(root.Identity(), topic)
	b.subscribe(second.Identity(), topic)
	guest.subscribe(nil, topic)
	doc := g.create(c, map[string]any{"t": "d", "secret": "s"})
	g.create(notes, map[string]any{"t": "n", "doc": doc.ID()})
	for s, want := range map[*stream]string{a: root.ID(), b: second.ID(), guest: "guest"} {
		m := s.next().decode(t)
		expand, _ := m.Record["expand"].(map[string]any)
		inner, _ := expand["doc"].(map[string]any)
		_, secret := inner["secret"]
		if inner["for"] != want || secret != (want != "guest") {
			t.Errorf("expanded %v, want it for %s", inner, want)
		}
	}
	for _, call := range e.calls() {
		if !strings.HasPrefix(call, "expand docs for ") {
			t.Errorf("call %q", call)
		}
	}
}

// TestPanicOfUserCodeLeavesOneClientOut: the others, and what comes after, are told.
func TestPanicOfUserCodeLeavesOneClientOut(t *testing.T) {
	g := newRig(t)
	e := &enricher{f: func(v *records.Shown, caller *records.Caller, inner func() error) error {
		if caller.Request.Auth == nil && v.Record().Text("t") == "bad" {
			panic("on purpose")
		}
		return inner()
	}}
	e.bind("docs")
	g.app.Realtime.Enrich(e)
	c := g.docs("")
	guest, ann := g.open(), g.open()
	guest.subscribe(nil, "docs/*")
	ann.subscribe(g.user("ann000000000001", "ann").Identity(), "docs/*")
	g.create(c, map[string]any{"t": "bad"})
	g.create(c, map[string]any{"t": "good"})
	guest.expect("docs/* create good")
	ann.expect("docs/* create bad", "docs/* create good")
}

// User code that does not end keeps neither the messages after its own nor the end of the hub.
func TestUserCodeThatDoesNotEndIsLeftAlone(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) }) // after the rig was closed
	g := newRig(t)
	e := &enricher{f: func(*records.Shown, *records.Caller, func() error) error {
		<-release
		return nil
	}}
	e.bind("docs")
	g.app.Realtime.Enrich(e)
	c := g.docs("")
	marks := g.collection(`{"name":"marks","type":"base","fields":[{"name":"t","type":"text"}],"listRule":""}`)
	s := g.open()
	s.subscribe(nil, "docs/*", "marks")
	g.create(c, map[string]any{"t": "never told"})
	g.create(marks, map[string]any{"t": "mark"})
	if m := s.next().decode(t); m.Record["t"] != "mark" {
		t.Errorf("got %v", m.Record)
	}
}
