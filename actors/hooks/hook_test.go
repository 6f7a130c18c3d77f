package hooks_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
)

// event is what the tests' handlers get.
type event struct {
	hooks.Base
	tags []string
	log  []string
}

func (e *event) HasTag(tag string) bool { return slices.Contains(e.tags, tag) }

// around is a handler that logs its name on the way in and a brace on the way out.
func around(name string) func(e *event) error {
	return func(e *event) error {
		e.log = append(e.log, name+"{")
		err := e.Next()
		e.log = append(e.log, "}")
		return err
	}
}

// trigger runs a new event with tags through h and returns what was logged, as one text.
func trigger(t *testing.T, h *hooks.Hook[*event], tags ...string) string {
	t.Helper()
	e := &event{tags: tags}
	err := h.Trigger(e, func(e *event) error {
		e.log = append(e.log, "core")
		return nil
	})
	if err != nil {
		t.Fatalf("trigger: %v", err)
	}
	return strings.Join(e.log, "")
}

// orderCase is what is bound and the order in which it runs.
type orderCase struct {
	name string
	bind func(h *hooks.Hook[*event])
	want string
}

func (c orderCase) run(t *testing.T) {
	var h hooks.Hook[*event]
	c.bind(&h)
	if got := trigger(t, &h); got != c.want {
		t.Errorf("got %s, want %s", got, c.want)
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []orderCase{
		{"no handler", func(*hooks.Hook[*event]) {}, "core"},
		{"order of binding", func(h *hooks.Hook[*event]) {
			h.BindFunc(around("a"))
			h.BindFunc(around("b"))
		}, "a{b{core}}"},
		{"priorities", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{Func: around("c"), Priority: 5})
			h.Bind(&hooks.Handler[*event]{Func: around("a"), Priority: -5})
			h.BindFunc(around("b"))
		}, "a{b{c{core}}}"},
		{"ties keep the order of binding", func(h *hooks.Hook[*event]) {
			for _, name := range []string{"a", "b", "c", "d"} {
				h.Bind(&hooks.Handler[*event]{Func: around(name), Priority: 3})
				h.Bind(&hooks.Handler[*event]{Func: around(strings.ToUpper(name)), Priority: 7})
			}
		}, "a{b{c{d{A{B{C{D{core}}}}}}}}"},
		{"the ends of the numbers", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{Func: around("b"), Priority: math.MaxInt})
			h.Bind(&hooks.Handler[*event]{Func: around("a"), Priority: math.MinInt})
		}, "a{b{core}}"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestOrderAfterChanges(t *testing.T) {
	for _, c := range []orderCase{
		{"replaced in its place", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{Func: around("a"), ID: "1"})
			h.Bind(&hooks.Handler[*event]{Func: around("b"), ID: "2", Tags: []string{"never"}})
			h.Bind(&hooks.Handler[*event]{Func: around("c"), ID: "3"})
			h.Bind(&hooks.Handler[*event]{Func: around("B"), ID: "2"})
		}, "a{B{c{core}}}"},
		{"replaced with another priority", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{Func: around("a"), ID: "1"})
			h.Bind(&hooks.Handler[*event]{Func: around("b"), ID: "2"})
			h.Bind(&hooks.Handler[*event]{Func: around("A"), ID: "1", Priority: 1})
		}, "b{A{core}}"},
		{"unbound", func(h *hooks.Hook[*event]) {
			id := h.BindFunc(around("a"))
			h.BindFunc(around("b"))
			h.Unbind(id, "unknown")
		}, "b{core}"},
		{"all unbound", func(h *hooks.Hook[*event]) {
			h.BindFunc(around("a"))
			h.Tag("x").BindFunc(around("b"))
			h.UnbindAll()
		}, "core"},
		{"exchanged", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{Func: around("a"), ID: "ext/1"})
			h.Bind(&hooks.Handler[*event]{Func: around("b"), ID: "own"})
			h.Bind(&hooks.Handler[*event]{Func: around("c"), ID: "ext/2"})
			h.Replace(func(id string) bool { return strings.HasPrefix(id, "ext/") },
				[]*hooks.Handler[*event]{{Func: around("d"), ID: "ext/3", Priority: 1}, {Func: around("e"), ID: "ext/4", Priority: -1}})
		}, "e{b{d{core}}}"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestIDs(t *testing.T) {
	var h hooks.Hook[*event]
	a, b := h.BindFunc(around("a")), h.BindFunc(around("b"))
	if a == "" || a == b {
		t.Errorf("made up the IDs %q and %q", a, b)
	}
	given := &hooks.Handler[*event]{Func: around("c")}
	if id := h.Bind(given); id == "" || given.ID != "" {
		t.Errorf("got %q; the caller's handler has %q now", id, given.ID)
	}
	if id := h.Bind(&hooks.Handler[*event]{Func: around("d"), ID: "mine"}); id != "mine" || h.Length() != 4 {
		t.Errorf("got %q, %d handlers", id, h.Length())
	}
	given.Func = func(*event) error { return errors.New("changed after it was bound") }
	if got := trigger(t, &h); got != "a{b{c{d{core}}}}" {
		t.Errorf("got %s", got)
	}
}

func TestTags(t *testing.T) {
	var h hooks.Hook[*event]
	h.Tag().BindFunc(around("all"))
	h.Tag("posts", "users").BindFunc(around("two"))
	h.Tag("posts").Bind(&hooks.Handler[*event]{Func: around("one"), Tags: []string{"users"}})
	for _, c := range []struct {
		tags []string
		want string
	}{
		{nil, "all{core}"},
		{[]string{"posts"}, "all{two{one{core}}}"},
		{[]string{"users"}, "all{two{core}}"},
		{[]string{"other"}, "all{core}"},
		{[]string{"other", "posts"}, "all{two{one{core}}}"},
	} {
		if got := trigger(t, &h, c.tags...); got != c.want {
			t.Errorf("%v: got %s, want %s", c.tags, got, c.want)
		}
	}
	if tagged := h.Tag("posts"); tagged.Length() != 3 {
		t.Errorf("length %d", tagged.Length())
	}
	h.Tag("x").UnbindAll()
	if h.Length() != 0 {
		t.Errorf("%d handlers are left", h.Length())
	}
}

// TestTagsInTheMiddle: a handler that does not apply does not count as one that called Next.
func TestTagsInTheMiddle(t *testing.T) {
	var h hooks.Hook[*event]
	h.Tag("no").BindFunc(around("first"))
	h.BindFunc(func(e *event) error {
		if err := e.Next(); err != nil {
			return err
		}
		e.log = append(e.log, "again:")
		return e.Next()
	})
	h.Tag("no").BindFunc(around("middle"))
	h.BindFunc(around("b"))
	h.Tag("no").BindFunc(around("last"))
	if got := trigger(t, &h); got != "b{core}again:" {
		t.Errorf("got %s", got)
	}
}

func TestBound(t *testing.T) {
	var h hooks.Hook[*event]
	if h.Bound() || h.Bound("posts") {
		t.Error("an empty hook is bound")
	}
	h.Tag("posts", "id1").BindFunc(around("a"))
	for _, c := range []struct {
		tags []string
		want bool
	}{{nil, false}, {[]string{"posts"}, true}, {[]string{"users", "id1"}, true}, {[]string{"users", "id2"}, false}} {
		if got := h.Bound(c.tags...); got != c.want {
			t.Errorf("%v: got %v", c.tags, got)
		}
	}
	all := h.BindFunc(around("b"))
	if !h.Bound("users") || !h.Bound() {
		t.Error("a handler for all events does not count")
	}
	h.Unbind(all)
	if h.Bound("users") {
		t.Error("still bound")
	}
}

// TestAtomic: one handler that would run is enough, and one that would not run does not count.
func TestAtomic(t *testing.T) {
	var h hooks.Hook[*event]
	h.BindFunc(around("a"))
	if h.Atomic() || h.Atomic("posts") {
		t.Error("nobody asked for it")
	}
	id := h.Tag("posts", "id1").Bind(&hooks.Handler[*event]{Func: around("b"), Atomic: true})
	for _, c := range []struct {
		tags []string
		want bool
	}{{nil, false}, {[]string{"posts"}, true}, {[]string{"users", "id1"}, true}, {[]string{"users", "id2"}, false}} {
		if got := h.Atomic(c.tags...); got != c.want {
			t.Errorf("%v: got %v", c.tags, got)
		}
	}
	h.Unbind(id)
	h.Bind(&hooks.Handler[*event]{Func: around("c"), Atomic: true})
	if !h.Atomic() || !h.Atomic("users") {
		t.Error("a handler for all events does not count")
	}
}

// TestSnapshot: what is bound or unbound during a trigger counts from the next one on.
func TestSnapshot(t *testing.T) {
	var h hooks.Hook[*event]
	var once sync.Once
	h.Bind(&hooks.Handler[*event]{ID: "a", Func: func(e *event) error {
		once.Do(func() {
			h.Bind(&hooks.Handler[*event]{ID: "new", Func: around("new")})
			h.Bind(&hooks.Handler[*event]{ID: "b", Func: around("B")})
			h.Unbind("c")
		})
		return e.Next()
	}})
	h.Bind(&hooks.Handler[*event]{ID: "b", Func: around("b")})
	h.Bind(&hooks.Handler[*event]{ID: "c", Func: around("c")})
	if got := trigger(t, &h); got != "b{c{core}}" {
		t.Errorf("the trigger under way: %s", got)
	}
	if got := trigger(t, &h); got != "B{new{core}}" {
		t.Errorf("the next trigger: %s", got)
	}
}

// TestReplaceIsOneStep: no trigger sees a hook between two sets of handlers.
func TestReplaceIsOneStep(t *testing.T) {
	var h hooks.Hook[*event]
	set := func(generation string) []*hooks.Handler[*event] {
		var list []*hooks.Handler[*event]
		for i := range 3 {
			list = append(list, &hooks.Handler[*event]{ID: fmt.Sprint("x", i), Func: around(generation)})
		}
		return list
	}
	every := func(string) bool { return true }
	h.Replace(every, set("0"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(stop)
		for i := range 2000 {
			h.Replace(every, set(fmt.Sprint(i%10)))
		}
	})
	for range 3 {
		wg.Go(func() {
			for {
				got := trigger(t, &h)
				if one := got[:2]; got != one+one+one+"core}}}" {
					t.Errorf("a mixture: %s", got)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
}

// TestConcurrency binds, unbinds and triggers from many goroutines; it is for the race detector.
func TestConcurrency(t *testing.T) {
	var h hooks.Hook[*event]
	var calls atomic.Int64
	h.Bind(&hooks.Handler[*event]{ID: "stays", Func: func(e *event) error { calls.Add(1); return e.Next() }})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 300 {
				id := h.Bind(&hooks.Handler[*event]{Func: func(e *event) error { return e.Next() }, Priority: j%5 - 2})
				h.Tag("x").Bind(&hooks.Handler[*event]{ID: fmt.Sprint("same", i%2), Func: func(e *event) error { return e.Next() }})
				if got := trigger(t, &h, "x"); got != "core" {
					t.Errorf("got %s", got)
				}
				h.Bound("x")
				h.Unbind(id)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 8*300 || h.Length() != 3 {
		t.Errorf("%d calls, %d handlers", calls.Load(), h.Length())
	}
}

func BenchmarkTrigger(b *testing.B) {
	for _, n := range []int{0, 1, 3} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var h hooks.Hook[*event]
			for range n {
				h.BindFunc(func(e *event) error { return e.Next() })
			}
			core := func(*event) error { return nil }
			e := new(event)
			b.ReportAllocs()
			for b.Loop() {
				if err := h.Trigger(e, core); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
