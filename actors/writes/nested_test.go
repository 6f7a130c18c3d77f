package writes_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/records"
)

// writeStages are the stages around a write of each kind, with a way to make a write of the kind.
var writeStages = []struct {
	name string
	bind func(a *app.App, on func(e *writes.RecordEvent) error)
}{
	{"create", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordCreate("counters").BindFunc(on)
	}},
	{"create validate", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordValidate("counters").BindFunc(func(e *writes.RecordEvent) error {
			if e.Action != records.Created {
				return e.Next()
			}
			return on(e)
		})
	}},
	{"create execute", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordCreateExecute("counters").BindFunc(on)
	}},
	{"create success", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordAfterCreateSuccess("counters").BindFunc(on)
	}},
	{"update", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordUpdate("counters").BindFunc(on)
	}},
	{"update validate", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordValidate("counters").BindFunc(func(e *writes.RecordEvent) error {
			if e.Action != records.Updated {
				return e.Next()
			}
			return on(e)
		})
	}},
	{"update execute", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordUpdateExecute("counters").BindFunc(on)
	}},
	{"update success", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordAfterUpdateSuccess("counters").BindFunc(on)
	}},
	{"delete", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordDelete("counters").BindFunc(on)
	}},
	{"delete execute", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordDeleteExecute("counters").BindFunc(on)
	}},
	{"delete success", func(a *app.App, on func(e *writes.RecordEvent) error) {
		a.Hooks.OnRecordAfterDeleteSuccess("counters").BindFunc(on)
	}},
}

// whole makes a record, changes it and deletes it.
func whole(ctx context.Context, a *app.App, id string) error {
	c := a.Catalogue.Current().Find("counters")
	if _, err := add(ctx, a, c, map[string]any{"id": id}); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if err := change(ctx, a, c, id, map[string]any{"n+": 1}); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if err := remove(ctx, a, c, id); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// TestWritesFromEachStage: a hook may write to its own collection at every stage, before and after next, on its own record and
// on others, in a transaction and without.
func TestWritesFromEachStage(t *testing.T) {
	for _, stage := range writeStages {
		t.Run(stage.name, func(t *testing.T) {
			a := open(t)
			c := define(t, a, counters)
			other := mustAdd(t, a, c, nil)
			var runs int
			var late bool
			write := func(e *writes.RecordEvent) error {
				if runs++; runs > 1 {
					return nil
				}
				if err := whole(e.Context(), a, "nested000000001"); err != nil {
					return err
				}
				err := change(e.Context(), a, c, "outermost000001", map[string]any{"m+": 1})
				if err != nil && !errors.Is(err, records.ErrNotFound) {
					return err
				}
				return change(e.Context(), a, c, other, map[string]any{"n+": 1})
			}
			stage.bind(a, func(e *writes.RecordEvent) error {
				if e.Record.ID() != "outermost000001" {
					return e.Next()
				}
				if late {
					if err := e.Next(); err != nil {
						return err
					}
					return write(e)
				}
				if err := write(e); err != nil {
					return err
				}
				return e.Next()
			})
			for i, inside := range []bool{false, true, false, true} {
				late, runs = i > 1, 0
				eventually.Returns(t, "the write", func() {
					run := func(ctx context.Context) error { return whole(ctx, a, "outermost000001") }
					var err error
					if inside {
						err = a.Records.RunInTransaction(context.Background(), run)
					} else {
						err = run(context.Background())
					}
					if err != nil {
						t.Errorf("late %v, in a transaction %v: %v", late, inside, err)
					}
				})
				if n := find(t, context.Background(), a, c, other).Number("n"); n != float64(i+1) || runs == 0 {
					t.Errorf("the hook ran %d times, the other record was changed %v times", runs, n)
				}
				if count(t, a, c) != 1 {
					t.Errorf("%d records", count(t, a, c))
				}
			}
		})
	}
}

// TestLaw9_EndlessWrites end with an error, wherever they come from, and leave nothing held.
func TestLaw9_EndlessWrites(t *testing.T) {
	for _, stage := range writeStages[:8] {
		for _, own := range []bool{false, true} { // transactions of their own
			t.Run(fmt.Sprintf("%s/transaction %v", stage.name, own), func(t *testing.T) {
				a := open(t)
				c := define(t, a, counters)
				id := mustAdd(t, a, c, nil)
				var runs atomic.Int32
				var stop atomic.Bool
				stage.bind(a, func(e *writes.RecordEvent) error {
					if runs.Add(1) > 100 {
						return errors.New("endless")
					}
					again := func(ctx context.Context) error {
						if stop.Load() {
							return nil
						}
						if e.Action == records.Updated {
							return change(ctx, a, c, id, map[string]any{"n+": 1})
						}
						_, err := add(ctx, a, c, nil)
						return err
					}
					var err error
					if own {
						err = a.Records.RunInTransaction(e.Context(), again)
					} else {
						err = again(e.Context())
					}
					if err != nil {
						return err
					}
					return e.Next()
				})
				eventually.Returns(t, "the write", func() {
					_, err := add(context.Background(), a, c, nil)
					if err == nil {
						err = change(context.Background(), a, c, id, map[string]any{"n+": 1})
					}
					if !errors.Is(err, writes.ErrDepth) {
						t.Errorf("got %v", err)
					}
				})
				if n := runs.Load(); n < 2 || n > 2*writes.MaxDepth {
					t.Errorf("%d hooks ran", n)
				}
				stop.Store(true)
				eventually.Returns(t, "a write after it", func() {
					if err := change(context.Background(), a, c, id, map[string]any{"m": 1}); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// TestLaw9_EndlessDeletes: the hooks of cascaded records count, too.
func TestLaw9_EndlessDeletes(t *testing.T) {
	a := open(t)
	parents := define(t, a, `{"name":"parents","type":"base"}`)
	children := define(t, a, `{"name":"children","type":"base","fields":[{"name":"p","type":"relation","collectionId":"@parents","cascadeDelete":true,"maxSelect":1}]}`)
	family := func(ctx context.Context) (string, error) {
		p, err := add(ctx, a, parents, nil)
		if err != nil {
			return "", err
		}
		_, err = add(ctx, a, children, map[string]any{"p": p.ID()})
		return p.ID(), err
	}
	id, err := family(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	a.Hooks.OnRecordDelete("children").BindFunc(func(e *writes.RecordEvent) error {
		if runs++; runs > 100 {
			return errors.New("endless")
		}
		id, err := family(e.Context())
		if err != nil {
			return err
		}
		if err := remove(e.Context(), a, parents, id); err != nil {
			return err
		}
		return e.Next()
	})
	eventually.Returns(t, "the delete", func() {
		if err := remove(context.Background(), a, parents, id); !errors.Is(err, writes.ErrDepth) {
			t.Errorf("got %v", err)
		}
	})
	if count(t, a, parents) != 1 || count(t, a, children) != 1 || runs > 2*writes.MaxDepth {
		t.Errorf("%d hooks, %d parents and %d children", runs, count(t, a, parents), count(t, a, children))
	}
}

// TestThereAndBack: a hook of one collection writes to another, whose hook writes back to the record that is being written.
func TestThereAndBack(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	others := define(t, a, `{"name":"others","type":"base","fields":[{"name":"n","type":"number"}]}`)
	id, other := mustAdd(t, a, c, nil), mustAdd(t, a, others, nil)
	a.Hooks.OnRecordUpdate("counters").BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Number("m") == 0 { // not the way back
			if err := change(e.Context(), a, others, other, map[string]any{"n+": 1}); err != nil {
				return err
			}
		}
		return e.Next()
	})
	a.Hooks.OnRecordUpdate("others").BindFunc(func(e *writes.RecordEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		return change(e.Context(), a, c, id, map[string]any{"m": 1})
	})
	eventually.Returns(t, "the write", func() {
		if err := change(context.Background(), a, c, id, map[string]any{"n": 5}); err != nil {
			t.Error(err)
		}
	})
	r := find(t, context.Background(), a, c, id)
	if r.Number("n") != 5 || r.Number("m") != 1 {
		t.Errorf("n %v, m %v", r.Number("n"), r.Number("m"))
	}
}

// TestCircle: two chains that hold a record each and want the other's both finish, and lose nothing.
func TestCircle(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	ids := []string{mustAdd(t, a, c, nil), mustAdd(t, a, c, nil)}
	other := map[string]string{ids[0]: ids[1], ids[1]: ids[0]}
	var both sync.WaitGroup
	both.Add(2)
	a.Hooks.OnRecordUpdate().BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Number("n") == 0 { // the nested ones do not change it
			return e.Next()
		}
		if e.Record.Number("m") == 0 && e.Record.Text("t") == "" {
			both.Done()
			both.Wait() // each holds its record now
		}
		if e.Record.Text("t") != "" {
			return e.Next()
		}
		if err := change(e.Context(), a, c, other[e.Record.ID()], map[string]any{"m+": 1, "t": "nested"}); err != nil {
			return err
		}
		return e.Next()
	})
	eventually.Returns(t, "the circle", func() {
		var wg sync.WaitGroup
		for _, id := range ids {
			wg.Go(func() {
				if err := change(context.Background(), a, c, id, map[string]any{"n": 1}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	for _, id := range ids {
		r := find(t, context.Background(), a, c, id)
		if r.Number("n") != 1 || r.Number("m") != 1 || r.Text("t") != "nested" {
			t.Errorf("n %v, m %v, t %q", r.Number("n"), r.Number("m"), r.Text("t"))
		}
	}
}

// TestLaw9_CircleWithTheWriter: a chain that holds the Writer does not wait for the record of one that waits for the Writer.
func TestLaw9_CircleWithTheWriter(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	id := mustAdd(t, a, c, nil)
	held, go2 := make(chan struct{}), make(chan struct{})
	a.Hooks.OnRecordUpdate().BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Text("t") == "holds" && e.Record.Number("n") == 0 {
			close(held)
			<-go2
		}
		return e.Next()
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := change(context.Background(), a, c, id, map[string]any{"t": "holds"}); err != nil {
			t.Error(err)
		}
	})
	eventually.Receive(t, "the record", held)
	eventually.Returns(t, "the transaction", func() {
		err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			close(go2) // that one goes for the Writer now
			return change(ctx, a, c, id, map[string]any{"n+": 1})
		})
		if err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if r := find(t, context.Background(), a, c, id); r.Text("t") != "holds" || r.Number("n") != 1 {
		t.Errorf("t %q, n %v", r.Text("t"), r.Number("n"))
	}
}

// TestShowing: while a record is shown nothing is written, whichever way.
func TestShowing(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	id := mustAdd(t, a, c, nil)
	ctx := writes.Showing(context.Background())
	for _, hooked := range []bool{false, true} {
		if hooked {
			a.Hooks.OnRecordCreate().BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
			a.Hooks.OnRecordDelete().BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
		}
		if _, err := add(ctx, a, c, nil); !errors.Is(err, writes.ErrReadOnly) {
			t.Errorf("create: %v", err)
		}
		if err := remove(ctx, a, c, id); !errors.Is(err, writes.ErrReadOnly) {
			t.Errorf("delete: %v", err)
		}
	}
	if err := a.Records.RunInTransaction(ctx, func(context.Context) error { return nil }); !errors.Is(err, writes.ErrReadOnly) {
		t.Errorf("transaction: %v", err)
	}
	if count(t, a, c) != 1 {
		t.Error("something was written")
	}
}
