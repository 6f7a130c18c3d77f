package writes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
)

// atomicStages bind a handler to one stage of the writes of counters, atomic or not, that calls fn.
var atomicStages = []struct {
	name    string
	request bool // it is around requests alone
	deletes bool // it is around deletions, too
	bind    func(a *app.App, atomic bool, fn func(ctx context.Context) error)
}{
	{"request", true, true, func(a *app.App, atomic bool, fn func(ctx context.Context) error) {
		handler := &hooks.Handler[*writes.RecordRequestEvent]{Atomic: atomic, Func: func(e *writes.RecordRequestEvent) error {
			return errors.Join(fn(e.Context()), e.Next(), fn(e.Context()))
		}}
		a.Hooks.OnRecordCreateRequest("counters").Bind(handler)
		a.Hooks.OnRecordUpdateRequest("counters").Bind(handler)
		a.Hooks.OnRecordDeleteRequest("counters").Bind(handler)
	}},
	{"write", false, true, func(a *app.App, atomic bool, fn func(ctx context.Context) error) {
		a.Hooks.OnRecordCreate("counters").Bind(recordHandler(atomic, fn))
		a.Hooks.OnRecordUpdate("counters").Bind(recordHandler(atomic, fn))
		a.Hooks.OnRecordDelete("counters").Bind(recordHandler(atomic, fn))
	}},
	{"validate", false, false, func(a *app.App, atomic bool, fn func(ctx context.Context) error) {
		a.Hooks.OnRecordValidate("counters").Bind(recordHandler(atomic, fn))
	}},
	{"execute", false, true, func(a *app.App, atomic bool, fn func(ctx context.Context) error) {
		a.Hooks.OnRecordCreateExecute("counters").Bind(recordHandler(atomic, fn))
		a.Hooks.OnRecordUpdateExecute("counters").Bind(recordHandler(atomic, fn))
		a.Hooks.OnRecordDeleteExecute("counters").Bind(recordHandler(atomic, fn))
	}},
}

func recordHandler(atomic bool, fn func(ctx context.Context) error) *hooks.Handler[*writes.RecordEvent] {
	return &hooks.Handler[*writes.RecordEvent]{Atomic: atomic, Func: func(e *writes.RecordEvent) error {
		return errors.Join(fn(e.Context()), e.Next(), fn(e.Context()))
	}}
}

// ways are the ways in for one write of counters.
var ways = []struct {
	name    string
	request bool
	do      func(a *app.App, action records.Action, id string) error
}{
	{"request", true, func(a *app.App, action records.Action, id string) error {
		_, err := a.Writes.Do(context.Background(), requested(a, action, id))
		return err
	}},
	{"form", false, func(a *app.App, action records.Action, id string) error {
		w := requested(a, action, id)
		w.Info = nil
		_, err := a.Writes.Do(context.Background(), w)
		return err
	}},
	{"program", false, func(a *app.App, action records.Action, id string) error {
		r, err := a.Records.New("counters")
		r.Set("id", id)
		if action != records.Created && err == nil {
			r, err = a.Records.FindByID(context.Background(), "counters", id)
		}
		if err != nil {
			return err
		}
		if action == records.Deleted {
			return a.Records.Delete(context.Background(), r)
		}
		r.Set("n", 1)
		return a.Records.Save(context.Background(), r)
	}},
	{"command", false, func(a *app.App, action records.Action, id string) error {
		c := a.Catalogue.Current().Find("counters")
		switch action {
		case records.Created:
			_, err := add(context.Background(), a, c, map[string]any{"id": id})
			return err
		case records.Updated:
			return change(context.Background(), a, c, id, map[string]any{"n": 1})
		}
		return remove(context.Background(), a, c, id)
	}},
	{"batch", true, func(a *app.App, action records.Action, id string) error {
		_, err := a.Writes.Do(context.Background(), &writes.Write{Parts: []*writes.Write{requested(a, action, id)}})
		return err
	}},
}

// requested is a write of counters as a request asks for it.
func requested(a *app.App, action records.Action, id string) *writes.Write {
	c := a.Catalogue.Current().Find("counters")
	w := &writes.Write{Collection: c, Action: action, ID: id, Input: input(a, c, map[string]any{"n": 1}), Client: "test",
		Info: func() *writes.RequestInfo { return &writes.RequestInfo{Caller: records.Caller{}} }}
	if action == records.Created {
		w.ID, w.Input.Body["id"] = "", id
	}
	return w
}

// TestLaw9_AtomicHooks: whichever hook on the way asks for it, and whichever way the write comes, all of it is one transaction:
// hooks of other stages, what they write, and the write. Nothing is one where nobody asks.
func TestLaw9_AtomicHooks(t *testing.T) {
	for _, stage := range atomicStages {
		for _, way := range ways {
			for _, atomic := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%v", stage.name, way.name, atomic), func(t *testing.T) {
					a := open(t)
					define(t, a, counters)
					var seen []bool
					watch := func(ctx context.Context) error { seen = append(seen, writes.InTransaction(ctx)); return nil }
					stage.bind(a, atomic, watch)
					for _, other := range atomicStages {
						if other.name != stage.name {
							other.bind(a, false, watch)
						}
					}
					for _, action := range []records.Action{records.Created, records.Updated, records.Deleted} {
						seen = nil
						if err := way.do(a, action, "one000000000001"); err != nil {
							t.Fatalf("%s: %v", action, err)
						}
						want := atomic && (way.request || !stage.request) && (action != records.Deleted || stage.deletes) || way.name == "batch"
						if len(seen) < 4 || slices.Contains(seen, !want) {
							t.Errorf("%s: in a transaction %v, want %v", action, seen, want)
						}
					}
				})
			}
		}
	}
}

// orders sells from a stock: the hook looks, and takes what is there.
func orders(t testing.TB, a *app.App, atomic bool, stock int) (order func() error, left func() float64) {
	t.Helper()
	c := define(t, a, counters)
	sold := define(t, a, `{"name":"orders","type":"base","fields":[{"name":"product","type":"text"},{"name":"qty","type":"number","max":5}]}`)
	product := mustAdd(t, a, c, map[string]any{"n": stock})
	a.Hooks.OnRecordCreate("orders").Bind(&hooks.Handler[*writes.RecordEvent]{Atomic: atomic, Func: func(e *writes.RecordEvent) error {
		r, err := a.Records.FindByID(e.Context(), "counters", e.Record.Text("product"))
		if err != nil {
			return err
		}
		if r.Number("n") < e.Record.Number("qty") {
			return errNo
		}
		r.Set("n", r.Number("n")-e.Record.Number("qty"))
		if err := a.Records.Save(e.Context(), r); err != nil {
			return err
		}
		return e.Next()
	}})
	order = func() error {
		_, err := add(context.Background(), a, sold, map[string]any{"product": product, "qty": 1})
		return err
	}
	return order, func() float64 { return find(t, context.Background(), a, c, product).Number("n") }
}

// TestLaw9_AtomicOrders: with find, check and update in an atomic hook nobody sells what is not there, and what is refused
// costs nothing.
func TestLaw9_AtomicOrders(t *testing.T) {
	a := open(t)
	order, left := orders(t, a, true, 10)
	var wg sync.WaitGroup
	outcomes := make([]error, 50)
	for i := range outcomes {
		wg.Go(func() { outcomes[i] = order() })
	}
	wg.Wait()
	sold := 0
	for _, err := range outcomes {
		switch {
		case err == nil:
			sold++
		case !errors.Is(err, errNo):
			t.Errorf("refused with %v", err)
		}
	}
	if n := count(t, a, a.Catalogue.Current().Find("orders")); sold != 10 || n != 10 || left() != 0 {
		t.Errorf("%d sold, %d orders, %v left", sold, n, left())
	}
}

// TestLaw9_RefusedAtomicWrite: what a hook wrote is taken back when the write is refused after it, by its check or by the data,
// and the program's record stays new.
func TestLaw9_RefusedAtomicWrite(t *testing.T) {
	a := open(t)
	_, left := orders(t, a, true, 10)
	c := a.Catalogue.Current().Find("orders")
	all, err := a.Records.FindAll(context.Background(), "counters", programs.Find{})
	if err != nil {
		t.Fatal(err)
	}
	product := all[0].ID()
	there := mustAdd(t, a, c, map[string]any{"product": product, "qty": 1})
	for name, body := range map[string]map[string]any{
		"check":        {"product": product, "qty": 7},
		"duplicate id": {"id": there, "product": product, "qty": 2},
	} {
		r, err := a.Records.New("orders")
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range body {
			r.Set(k, v)
		}
		if err := a.Records.Save(context.Background(), r); err == nil {
			t.Errorf("%s: it was written", name)
		}
		if left() != 9 || !r.IsNew() {
			t.Errorf("%s: %v left, the record is new: %v", name, left(), r.IsNew())
		}
	}
	var failed string
	a.Hooks.OnRecordAfterCreateError("orders").BindFunc(func(e *writes.RecordEvent) error { failed = e.Record.ID(); return e.Next() })
	a.Hooks.OnRecordCreate("orders").Bind(&hooks.Handler[*writes.RecordEvent]{Priority: -1, Func: func(e *writes.RecordEvent) error {
		return errors.Join(e.Next(), errNo) // a no after the statement
	}})
	r, _ := a.Records.New("orders")
	r.Set("product", product)
	r.Set("qty", 1)
	if err := a.Records.Save(context.Background(), r); !errors.Is(err, errNo) || left() != 9 || !r.IsNew() || failed == "" {
		t.Errorf("%v, %v left, the record is new: %v, the hook after the error saw %q", err, left(), r.IsNew(), failed)
	}
}

// TestLaw9_AtomicUpdatesKeepTheOrderOfSuccess: the hooks after the outcome of one record run in the order of the writes.
func TestLaw9_AtomicUpdatesKeepTheOrderOfSuccess(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	id := mustAdd(t, a, c, nil)
	a.Hooks.OnRecordUpdate("counters").Bind(recordHandler(true, func(context.Context) error { return nil }))
	var mu sync.Mutex
	var seen []float64
	a.Hooks.OnRecordAfterUpdateSuccess("counters").BindFunc(func(e *writes.RecordEvent) error {
		mu.Lock()
		seen = append(seen, e.Record.Number("n"))
		mu.Unlock()
		return e.Next()
	})
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if err := change(context.Background(), a, c, id, map[string]any{"n+": 1}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if !slices.IsSorted(seen) || len(seen) != 30 {
		t.Errorf("in the order %v", seen)
	}
	if held, waiting := a.Writes.RecordLocks(); held+waiting != 0 {
		t.Errorf("%d locks are held, %d wait", held, waiting)
	}
}

// TestAtomicAnswer is made when the transaction has ended, of the record as it was stored, and not for what was not written.
func TestAtomicAnswer(t *testing.T) {
	a := open(t)
	define(t, a, counters)
	skip := false
	a.Hooks.OnRecordCreateRequest("counters").Bind(&hooks.Handler[*writes.RecordRequestEvent]{Atomic: true, Func: func(e *writes.RecordRequestEvent) error {
		if skip {
			return nil
		}
		return e.Next()
	}})
	answers := 0
	ask := func(id string) (*records.Record, error) {
		w := requested(a, records.Created, id)
		w.Answer = func(ctx context.Context, r *records.Record) error {
			if answers++; writes.InTransaction(ctx) || writes.RequestOf(ctx) == nil || r.ID() != id {
				t.Errorf("in a transaction %v, request %v, record %s", writes.InTransaction(ctx), writes.RequestOf(ctx), r.ID())
			}
			return errNo
		}
		return a.Writes.Do(context.Background(), w)
	}
	r, err := ask("one000000000001")
	if written := (*writes.WrittenError)(nil); !errors.As(err, &written) || r == nil || answers != 1 {
		t.Errorf("%v, %v, %d answers", r, err, answers)
	}
	skip = true
	if r, err := ask("two000000000001"); r != nil || err != nil || answers != 1 {
		t.Errorf("kept from happening: %v, %v, %d answers", r, err, answers)
	}
	if n := count(t, a, a.Catalogue.Current().Find("counters")); n != 1 {
		t.Errorf("%d records", n)
	}
}
