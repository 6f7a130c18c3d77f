package hooks_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/validation"
)

func TestNextTwice(t *testing.T) {
	var h hooks.Hook[*event]
	inside := errors.New("inside")
	h.BindFunc(func(e *event) error {
		first := e.Next()
		if second := e.Next(); !errors.Is(first, inside) || second != nil {
			t.Errorf("first %v, second %v", first, second)
		}
		return nil
	})
	h.BindFunc(around("b"))
	e := new(event)
	if err := h.Trigger(e, func(e *event) error { e.log = append(e.log, "core"); return inside }); err != nil {
		t.Error(err)
	}
	if got := strings.Join(e.log, ""); got != "b{core}" {
		t.Errorf("got %s", got)
	}
}

// TestNextInTheCore: the innermost action has nothing inside, and does not run itself again.
func TestNextInTheCore(t *testing.T) {
	for handlers := range 3 {
		var h hooks.Hook[*event]
		for range handlers {
			h.BindFunc(func(e *event) error { return e.Next() })
		}
		runs := 0
		err := h.Trigger(new(event), func(e *event) error {
			if runs++; runs > 5 {
				return errors.New("endless")
			}
			return e.Next()
		})
		if err != nil || runs != 1 {
			t.Errorf("%d handlers: the core ran %d times, %v", handlers, runs, err)
		}
	}
}

func TestNextOmitted(t *testing.T) {
	var h hooks.Hook[*event]
	h.BindFunc(around("a"))
	h.BindFunc(func(e *event) error { e.log = append(e.log, "stop"); return nil })
	h.BindFunc(around("c"))
	if got := trigger(t, &h); got != "a{stop}" {
		t.Errorf("got %s", got)
	}
}

func TestNextOutsideOfATrigger(t *testing.T) {
	if err := new(event).Next(); err != nil {
		t.Error(err)
	}
	var h hooks.Hook[*event]
	h.BindFunc(around("a"))
	e := new(event)
	if err := h.Trigger(e, nil); err != nil {
		t.Error(err)
	}
	if err := e.Next(); err != nil || len(e.log) != 2 {
		t.Errorf("after the trigger: %v, %q", err, e.log)
	}
}

// errorCase is what handlers and the core do about an error, and what the trigger returns.
type errorCase struct {
	name string
	bind func(h *hooks.Hook[*event])
	core error
	made bool // it is a handler's own
	is   error
	text string
}

func leave(h *hooks.Hook[*event]) { h.BindFunc(func(e *event) error { return e.Next() }) }

func returns(err error) func(*hooks.Hook[*event]) {
	return func(h *hooks.Hook[*event]) {
		h.Bind(&hooks.Handler[*event]{ID: "h", Func: func(*event) error { return err }})
	}
}

func after(make func(inner error) error) func(*hooks.Hook[*event]) {
	return func(h *hooks.Hook[*event]) {
		h.Bind(&hooks.Handler[*event]{ID: "h", Func: func(e *event) error { return make(e.Next()) }})
	}
}

func (c errorCase) run(t *testing.T) {
	var h hooks.Hook[*event]
	leave(&h)
	c.bind(&h)
	leave(&h)
	err := h.Trigger(new(event), func(*event) error { return c.core })
	if c.text == "" {
		if err != nil {
			t.Fatalf("got %v", err)
		}
		return
	}
	var made *hooks.Error
	if errors.As(err, &made) != c.made {
		t.Errorf("got %#v", err)
	}
	if made != nil && made.Handler != "h" {
		t.Errorf("made by %q", made.Handler)
	}
	if err == nil || err.Error() != c.text || c.is != nil && !errors.Is(err, c.is) {
		t.Errorf("got %v", err)
	}
}

func TestErrors(t *testing.T) {
	inside := errors.New("inside")
	for _, c := range []errorCase{
		{"of the core", leave, inside, false, inside, "inside"},
		{"own", returns(inside), nil, true, inside, "hook h: inside"},
		{"own after next", after(func(error) error { return inside }), nil, true, inside, "hook h: inside"},
		{"wrapped", after(func(err error) error { return fmt.Errorf("look: %w", err) }), inside, false, inside, "look: inside"},
		{"joined", after(func(err error) error { return errors.Join(err, errors.New("more")) }), inside, false, inside, "inside\nmore"},
		{"replaced", after(func(error) error { return errors.New("other") }), inside, true, nil, "hook h: other"},
		{"replaced by one with the same text", after(func(error) error { return errors.New("inside") }), inside, true, nil, "hook h: inside"},
		{"swallowed", after(func(error) error { return nil }), inside, false, nil, ""},
	} {
		t.Run(c.name, c.run)
	}
}

func TestErrorsOfFields(t *testing.T) {
	tree := validation.Errors{"title": validation.Required}
	for _, c := range []errorCase{
		{"a tree of the core", leave, tree, false, nil, "title: " + validation.Required.Message},
		{"a tree wrapped", after(func(err error) error { return fmt.Errorf("look: %w", err) }), tree, false, nil,
			"look: title: " + validation.Required.Message},
		{"a tree added to", after(func(err error) error {
			var inner validation.Errors
			errors.As(err, &inner)
			return errors.Join(inner)
		}), tree, false, nil, "title: " + validation.Required.Message},
		{"another tree", after(func(error) error { return validation.Errors{"slug": validation.Required} }), tree, true, nil,
			"hook h: slug: " + validation.Required.Message},
		{"an own tree", returns(tree), nil, true, nil, "hook h: title: " + validation.Required.Message},
		{"a rejection", returns(&hooks.Rejection{Status: 418, Message: "no"}), nil, true, nil, "hook h: no"},
		{"a rejection of fields", returns(&hooks.Rejection{Fields: tree}), nil, true, nil, "hook h: title: " + validation.Required.Message},
	} {
		t.Run(c.name, c.run)
	}
}

// TestErrorOfAnInnerHandlerIsMarkedOnce: handlers outside pass it on as it is, whoever they are.
func TestErrorOfAnInnerHandlerIsMarkedOnce(t *testing.T) {
	var h hooks.Hook[*event]
	var seen []error
	for range 2 {
		h.BindFunc(func(e *event) error {
			err := e.Next()
			seen = append(seen, err)
			return err
		})
	}
	h.Bind(&hooks.Handler[*event]{ID: "inner", Func: func(*event) error { return errors.New("mine") }})
	err := h.Trigger(new(event), nil)
	if len(seen) != 2 || seen[0] != err || seen[1] != err || err.Error() != "hook inner: mine" {
		t.Errorf("got %v, handlers saw %v", err, seen)
	}
}

func TestPanics(t *testing.T) {
	for _, c := range []struct {
		name string
		bind func(h *hooks.Hook[*event])
		want string
	}{
		{"before next", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{ID: "h", Func: func(*event) error { panic("boom") }})
		}, "a{}"},
		{"after next", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{ID: "h", Func: func(e *event) error {
				if err := e.Next(); err != nil {
					return err
				}
				panic("boom")
			}})
		}, "a{core}"},
		{"of another handler, replaced", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{ID: "outer", Func: func(e *event) error { return fmt.Errorf("failed: %w", e.Next()) }})
			h.Bind(&hooks.Handler[*event]{ID: "h", Func: func(*event) error { panic("boom") }})
		}, "a{}"},
		{"inside of another hook", func(h *hooks.Hook[*event]) {
			h.Bind(&hooks.Handler[*event]{ID: "outer", Func: func(*event) error {
				var other hooks.Hook[*event]
				other.Bind(&hooks.Handler[*event]{ID: "h", Func: func(*event) error { panic("boom") }})
				return other.Trigger(new(event), nil)
			}})
		}, "a{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h hooks.Hook[*event]
			h.BindFunc(around("a"))
			c.bind(&h)
			e := new(event)
			err := h.Trigger(e, func(e *event) error { e.log = append(e.log, "core"); return nil })
			var p *routine.Panic
			if !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(string(p.Stack), "event_test.go") {
				t.Fatalf("got %#v", err)
			}
			if !strings.HasSuffix(err.Error(), "hook h: panic: boom") {
				t.Errorf("got %v", err)
			}
			if made := (*hooks.Error)(nil); errors.As(err, &made) {
				t.Error("it counts as an error that the handler made")
			}
			if got := strings.Join(e.log, ""); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if err := e.Next(); err != nil {
				t.Errorf("the event is stuck in its chain: %v", err)
			}
		})
	}
}

// TestPanicSwallowed: a handler outside may take a panic for an error like any other.
func TestPanicSwallowed(t *testing.T) {
	var h hooks.Hook[*event]
	h.BindFunc(func(e *event) error { _ = e.Next(); return nil })
	h.BindFunc(func(*event) error { panic("boom") })
	for range 2 {
		if err := h.Trigger(new(event), nil); err != nil {
			t.Error(err)
		}
	}
}

// TestEventOnAnotherHook: one event goes through several hooks, one inside of the other.
func TestEventOnAnotherHook(t *testing.T) {
	var outer, inner, empty hooks.Hook[*event]
	outer.BindFunc(around("a"))
	outer.BindFunc(func(e *event) error {
		// Inside of a handler, before its own next.
		if err := inner.Trigger(e, func(e *event) error { e.log = append(e.log, "one"); return nil }); err != nil {
			return err
		}
		if err := empty.Trigger(e, nil); err != nil {
			return err
		}
		return e.Next()
	})
	outer.BindFunc(around("b"))
	inner.BindFunc(around("x"))
	inner.BindFunc(around("y"))
	e := new(event)
	err := outer.Trigger(e, func(e *event) error {
		// Inside of the core.
		return inner.Trigger(e, func(e *event) error { e.log = append(e.log, "two"); return nil })
	})
	if got, want := strings.Join(e.log, ""), "a{x{y{one}}b{x{y{two}}}}"; err != nil || got != want {
		t.Errorf("got %s, want %s; %v", got, want, err)
	}
}

// TestSameHookAgain: an event may be triggered on the hook that it is in.
func TestSameHookAgain(t *testing.T) {
	var h hooks.Hook[*event]
	depth := 0
	h.BindFunc(func(e *event) error {
		if depth++; depth < 4 {
			if err := h.Trigger(e, nil); err != nil {
				return err
			}
		}
		return e.Next()
	})
	h.BindFunc(around("b"))
	if got := trigger(t, &h); got != "b{}b{}b{}b{core}" {
		t.Errorf("got %s", got)
	}
}

// TestErrorInsideOfAnotherHook is passed through the handlers of the outer one like any other.
func TestErrorInsideOfAnotherHook(t *testing.T) {
	var outer, inner hooks.Hook[*event]
	outer.BindFunc(around("a"))
	inner.Bind(&hooks.Handler[*event]{ID: "i", Func: func(*event) error { return errors.New("mine") }})
	e := new(event)
	err := outer.Trigger(e, func(e *event) error { return inner.Trigger(e, nil) })
	if err == nil || err.Error() != "hook i: mine" || strings.Join(e.log, "") != "a{}" {
		t.Errorf("got %v, %q", err, e.log)
	}
	if err := e.Next(); err != nil {
		t.Errorf("the event is stuck in its chain: %v", err)
	}
}

// TestChangesAreShared: handlers share the event, on the way in and on the way out.
func TestChangesAreShared(t *testing.T) {
	var h hooks.Hook[*event]
	h.BindFunc(func(e *event) error {
		e.tags = []string{"outer"}
		err := e.Next()
		if e.tags[0] != "inner" {
			t.Errorf("outside after next: %v", e.tags)
		}
		return err
	})
	h.BindFunc(func(e *event) error {
		if e.tags[0] != "outer" {
			t.Errorf("inside: %v", e.tags)
		}
		e.tags = []string{"inner"}
		return e.Next()
	})
	trigger(t, &h)
}
