package writes_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestOneHookedCommandPerRecord: the hooks around a record's writes never overlap, those after it come in the order of the
// writes, and none of 200 increments on each record is lost.
func TestOneHookedCommandPerRecord(t *testing.T) {
	const commands, each = 200, 2
	a := open(t)
	c := define(t, a, counters)
	var busy [each]atomic.Int32
	var last [each]float64
	ids := make(map[string]int)
	for i := range each {
		ids[mustAdd(t, a, c, nil)] = i
	}
	enter := func(e *writes.RecordEvent) int {
		i := ids[e.Record.ID()]
		if n := busy[i].Add(1); n != 1 {
			t.Errorf("%d chains are inside of the hooks of one record", n)
		}
		return i
	}
	around := func(e *writes.RecordEvent) error {
		i := enter(e)
		busy[i].Add(-1)
		if err := e.Next(); err != nil {
			return err
		}
		enter(e)
		busy[i].Add(-1)
		return nil
	}
	a.Hooks.OnRecordUpdate().BindFunc(around)
	a.Hooks.OnRecordUpdateExecute().BindFunc(around)
	a.Hooks.OnRecordAfterUpdateSuccess().BindFunc(func(e *writes.RecordEvent) error {
		i := enter(e)
		defer busy[i].Add(-1)
		if n := e.Record.Number("n"); n != last[i]+1 {
			t.Errorf("after the write of %v comes that of %v", last[i], n)
		} else {
			last[i] = n // no lock: the turn of the record is one
		}
		return e.Next()
	})
	eventually.Returns(t, "the updates", func() { increment(t, a, c, ids, commands) })
	for id := range ids {
		if n := find(t, context.Background(), a, c, id).Number("n"); n != commands {
			t.Errorf("%v instead of %d", n, commands)
		}
	}
	if held, waiting := a.Writes.RecordLocks(); held+waiting != 0 {
		t.Errorf("%d records are locked, %d chains wait", held, waiting)
	}
}

// increment adds one to each record, many times side by side.
func increment(t *testing.T, a *app.App, c *schema.Collection, ids map[string]int, times int) {
	t.Helper()
	var wg sync.WaitGroup
	for id := range ids {
		for range times {
			wg.Go(func() {
				if err := change(context.Background(), a, c, id, map[string]any{"n+": 1}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

// TestHooksIncrement: what hooks count themselves, with the record as they see it, is not lost either.
func TestHooksIncrement(t *testing.T) {
	const commands = 100
	a := open(t)
	c := define(t, a, counters)
	id := mustAdd(t, a, c, nil)
	a.Hooks.OnRecordUpdate().BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Original().Number("m") != e.Record.Number("m") || e.Record.Original().Number("n")+1 != e.Record.Number("n") {
			t.Errorf("the hook sees %v of %v", e.Record.Values, e.Record.Original().Values)
		}
		e.Record.Set("m+", 1)
		return e.Next()
	})
	var wg sync.WaitGroup
	for range commands {
		wg.Go(func() {
			if err := change(context.Background(), a, c, id, map[string]any{"n+": 1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if r := find(t, context.Background(), a, c, id); r.Number("n") != commands || r.Number("m") != commands {
		t.Errorf("n %v, m %v", r.Number("n"), r.Number("m"))
	}
}

// TestChangeBetweenHookAndWrite: what was written beside the hooks of a record, without any, is not lost; hooks' changes are
// laid over the row as it is.
func TestChangeBetweenHookAndWrite(t *testing.T) {
	a := open(t)
	parents := define(t, a, `{"name":"parents","type":"base"}`)
	c := define(t, a, `{"name":"counters","type":"base","fields":[{"name":"n","type":"number"},{"name":"m","type":"number"},{"name":"t","type":"text"},`+
		`{"name":"p","type":"relation","collectionId":"@parents","maxSelect":5}]}`)
	p, q := mustAdd(t, a, parents, nil), mustAdd(t, a, parents, nil)
	id := mustAdd(t, a, c, map[string]any{"n": 10, "p": []any{p, q}})
	reached, free := make(chan struct{}), make(chan struct{})
	a.Hooks.OnRecordUpdate("counters").BindFunc(func(e *writes.RecordEvent) error {
		e.Record.Set("m", 7)
		close(reached)
		<-free
		return e.Next()
	})
	outcome := make(chan error, 1)
	go func() { outcome <- change(context.Background(), a, c, id, map[string]any{"n+": 1}) }()
	eventually.Receive(t, "the hook", reached)
	// As a cascade does whose collections nobody watches: no hook, no turn.
	beside := func(sql string) {
		t.Helper()
		err := a.DB.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec(sql, id) }))
		if err != nil {
			t.Fatal(err)
		}
	}
	beside("UPDATE counters SET n = n + 100, t = 'beside', p = '[\"" + q + "\"]' WHERE id = ?")
	close(free)
	if err := eventually.Receive(t, "the outcome", outcome); err != nil {
		t.Fatal(err)
	}
	r := find(t, context.Background(), a, c, id)
	if r.Number("n") != 111 || r.Number("m") != 7 || r.Text("t") != "beside" || fmt.Sprint(r.Texts("p")) != "["+q+"]" {
		t.Errorf("n %v, m %v, t %q, p %v", r.Number("n"), r.Number("m"), r.Text("t"), r.Texts("p"))
	}
}

// TestDeletedBetweenHookAndWrite: an update of a record that went meanwhile fails, and so do its hooks.
func TestDeletedBetweenHookAndWrite(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	id := mustAdd(t, a, c, nil)
	log := logHooks(a)
	a.Hooks.OnRecordUpdate().BindFunc(func(e *writes.RecordEvent) error {
		err := a.DB.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec("DELETE FROM counters WHERE id = ?", id) }))
		if err != nil {
			t.Error(err)
		}
		return e.Next()
	})
	if err := change(context.Background(), a, c, id, map[string]any{"n": 1}); err == nil || count(t, a, c) != 0 {
		t.Errorf("%v, %d records", err, count(t, a, c))
	}
	for _, line := range log() {
		if line == "updated " {
			t.Error("it was told of success")
		}
	}
}

// TestSchemaChangeBetweenHookAndWrite: values are stored by the ids of fields, not by their names or positions.
func TestSchemaChangeBetweenHookAndWrite(t *testing.T) {
	rename := func(c *schema.Collection, from, to string) { c.Field(from).Base().Name = to }
	for _, c := range []schemaChangeCase{
		{"rename", func(c *schema.Collection) { rename(c, "n", "count"); rename(c, "t", "title") },
			map[string]any{"count": 5.0, "m": 7.0, "title": "hook"}},
		{"swapped names", func(c *schema.Collection) { rename(c, "n", "x"); rename(c, "m", "n"); rename(c, "x", "m") },
			map[string]any{"m": 5.0, "n": 7.0, "t": "hook"}},
		{"removal", func(c *schema.Collection) { c.Fields = append(c.Fields[:1], c.Fields[2:]...) }, // n
			map[string]any{"m": 7.0, "t": "hook"}},
		{"another order", func(c *schema.Collection) { c.Fields[1], c.Fields[3] = c.Fields[3], c.Fields[1] },
			map[string]any{"n": 5.0, "m": 7.0, "t": "hook"}},
	} {
		for _, update := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/update %v", c.name, update), func(t *testing.T) { c.run(t, update) })
		}
	}
}

// schemaChangeCase is a change of the definition while a write is inside of its hooks.
type schemaChangeCase struct {
	name  string
	alter func(c *schema.Collection)
	want  map[string]any // by name after the change
}

func (c schemaChangeCase) run(t *testing.T, update bool) {
	a := open(t)
	col := define(t, a, counters)
	var id string
	if update {
		id = mustAdd(t, a, col, map[string]any{"n": 1, "m": 1, "t": "row"})
	}
	hook := func(e *writes.RecordEvent) error {
		e.Record.Set("m", 7)
		e.Record.Set("t", "hook")
		alterCounters(t, a, c.alter)
		return e.Next()
	}
	a.Hooks.OnRecordCreateExecute().BindFunc(hook)
	a.Hooks.OnRecordUpdateExecute().BindFunc(hook)
	var err error
	if update {
		err = change(context.Background(), a, col, id, map[string]any{"n": 5})
	} else {
		r, failed := add(context.Background(), a, col, map[string]any{"n": 5})
		if err = failed; err == nil {
			id = r.ID()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	r := find(t, context.Background(), a, a.Catalogue.Current().ByID(col.ID), id)
	for field, want := range c.want {
		if got := r.Get(field); got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
}

func alterCounters(t *testing.T, a *app.App, fn func(c *schema.Collection)) {
	t.Helper()
	err := a.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error {
		c := a.Catalogue.Current().Find("counters").Clone()
		fn(c)
		return ch.Update(c.ID, c)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAfterHooksInOrder: whoever wants a record that was just written waits until the hooks after that write have run, in a
// transaction and without.
func TestAfterHooksInOrder(t *testing.T) {
	for _, inside := range []bool{false, true} {
		for _, first := range []string{"create", "update"} {
			t.Run(fmt.Sprintf("%s/transaction %v", first, inside), func(t *testing.T) { writeBehindHooks(t, first, inside) })
		}
	}
}

// writeBehindHooks writes a record while the hooks after its first write, which is a create or an update, are held.
func writeBehindHooks(t *testing.T, first string, inside bool) {
	a := open(t)
	c := define(t, a, counters)
	const id = "record000000001"
	if first == "update" {
		if _, err := add(context.Background(), a, c, map[string]any{"id": id}); err != nil {
			t.Fatal(err)
		}
	}
	reached, free := make(chan struct{}), make(chan struct{})
	var done atomic.Bool
	held := func(e *writes.RecordEvent) error {
		if e.Record.Text("t") == "first" {
			close(reached)
			<-free
			done.Store(true)
		}
		return e.Next()
	}
	a.Hooks.OnRecordAfterCreateSuccess().BindFunc(held)
	a.Hooks.OnRecordAfterUpdateSuccess().BindFunc(held)
	a.Hooks.OnRecordUpdate().BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Text("t") == "second" && !done.Load() {
			t.Error("the second write began before the hooks after the first had run")
		}
		return e.Next()
	})
	outcomes := make(chan error, 2)
	go func() {
		write := func(ctx context.Context) (err error) {
			if first == "create" {
				_, err = add(ctx, a, c, map[string]any{"id": id, "t": "first"})
				return err
			}
			return change(ctx, a, c, id, map[string]any{"t": "first"})
		}
		if inside {
			outcomes <- a.Records.RunInTransaction(context.Background(), write)
		} else {
			outcomes <- write(context.Background())
		}
	}()
	eventually.Receive(t, "the hook", reached)
	go func() { outcomes <- change(context.Background(), a, c, id, map[string]any{"t": "second"}) }()
	eventually.True(t, "the second write", func() bool { return a.Writes.WaitingFor(c, id) == 1 })
	close(free)
	for range 2 {
		if err := eventually.Receive(t, "an outcome", outcomes); err != nil {
			t.Error(err)
		}
	}
	if got := find(t, context.Background(), a, c, id).Text("t"); got != "second" {
		t.Errorf("it is the %s in the end", got)
	}
}
