package troupe

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// TestHookCost: a handler of a program costs one small allocation more than the server's own hook, which is its form of the event.
func TestHookCost(t *testing.T) {
	var own, programs hooks.Hook[*writes.RecordEvent]
	own.BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
	around(programs.Tag(), new(App).recordEvent).BindFunc(func(e *RecordEvent) error { return e.Next() })
	e := &writes.RecordEvent{Record: records.NewRecord(schema.NewCollection(schema.Base, "posts"))}
	cost := func(h *hooks.Hook[*writes.RecordEvent]) float64 {
		return testing.AllocsPerRun(1000, func() {
			if err := h.Trigger(e, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
	if without, with := cost(&own), cost(&programs); with > without+1 {
		t.Errorf("%v allocations, %v without the program's form of the event", with, without)
	}
}

func BenchmarkHook(b *testing.B) {
	var own, programs hooks.Hook[*writes.RecordEvent]
	own.BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
	around(programs.Tag(), new(App).recordEvent).BindFunc(func(e *RecordEvent) error { return e.Next() })
	e := &writes.RecordEvent{Record: records.NewRecord(schema.NewCollection(schema.Base, "posts"))}
	for _, bench := range []struct {
		name string
		hook *hooks.Hook[*writes.RecordEvent]
	}{{"server", &own}, {"program", &programs}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.hook.Trigger(e, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestEventIsShared: what a handler puts into its form of an event, those further inside see, and those outside after Next, in
// whatever package they are bound; so does what the server puts there.
func TestEventIsShared(t *testing.T) {
	posts := schema.NewCollection(schema.Base, "posts")
	record := func(id string) *records.Record {
		r := records.NewRecord(posts)
		r.Set("id", id)
		return r
	}
	var h hooks.Hook[*writes.RecordEvent]
	app := new(App)
	var seen []string
	see := func(where string, r *Record) { seen = append(seen, where+" "+r.ID()) }
	hook := around(h.Tag(), app.recordEvent)
	hook.BindFunc(func(e *RecordEvent) error {
		if e.App != app {
			t.Error("the App of the event is another one")
		}
		see("outer", e.Record)
		e.Record = record("b")
		err := e.Next()
		see("outer after", e.Record)
		return err
	})
	h.BindFunc(func(e *writes.RecordEvent) error {
		see("server's", e.Record)
		e.Record = record("c")
		err := e.Next()
		see("server's after", e.Record)
		return err
	})
	hook.BindFunc(func(e *RecordEvent) error {
		see("inner", e.Record)
		err := e.Next()
		e.Record = record("e") // without another Next
		return err
	})
	no := errors.New("no")
	e := &writes.RecordEvent{Record: record("a")}
	err := h.Trigger(e, func(e *writes.RecordEvent) error {
		see("core", e.Record)
		e.Record = record("d")
		return no
	})
	if !errors.Is(err, no) {
		t.Errorf("the error is %v", err)
	}
	want := []string{"outer a", "server's b", "inner c", "core c", "server's after e", "outer after e"}
	if len(seen) != len(want) || e.Record.ID() != "e" {
		t.Fatalf("got %q and %s", seen, e.Record.ID())
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("got %q, want %q", seen[i], want[i])
		}
	}
}

// TestHookIDs: handlers of programs and of the server are in one list, by their IDs.
func TestHookIDs(t *testing.T) {
	var h hooks.Hook[*writes.RecordEvent]
	hook := around(h.Tag("posts"), new(App).recordEvent)
	ran := ""
	add := func(id, mark string, priority int) string {
		return hook.Bind(&Handler[*RecordEvent]{ID: id, Priority: priority, Func: func(e *RecordEvent) error { ran += mark; return e.Next() }})
	}
	trigger := func(collection string) string {
		ran = ""
		if err := h.Trigger(&writes.RecordEvent{Record: records.NewRecord(schema.NewCollection(schema.Base, collection))}, nil); err != nil {
			t.Fatal(err)
		}
		return ran
	}
	add("x", "1", 0)
	add("y", "2", -1)
	made := add("", "3", 5)
	add("x", "4", 0)
	if got := trigger("posts"); got != "243" || made == "" || hook.Length() != 3 {
		t.Errorf("%q ran, %d are bound", got, hook.Length())
	}
	if got := trigger("others"); got != "" {
		t.Errorf("%q ran for another collection", got)
	}
	hook.Unbind("y", made, "unknown")
	if got := trigger("posts"); got != "4" {
		t.Errorf("%q ran", got)
	}
	hook.UnbindAll()
	if got := trigger("posts"); got != "" || hook.Length() != 0 {
		t.Errorf("%q ran", got)
	}
}
