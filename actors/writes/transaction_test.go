package writes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

var errNo = errors.New("no")

// limitTransactions sets how long a transaction may take, to the shortest that the settings know.
func limitTransactions(t testing.TB, a *app.App) {
	t.Helper()
	_, err := a.Settings.Save(context.Background(), func(s *settings.Settings) error { s.Batch.Timeout = 1; return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// logHooks logs the stages of all writes to a list that is read by its result.
func logHooks(a *app.App) func() []string {
	var mu sync.Mutex
	var log []string
	on := func(stage string) func(e *writes.RecordEvent) error {
		return func(e *writes.RecordEvent) error {
			mu.Lock()
			line := stage + " " + e.Record.Text("t")
			if e.Error != nil {
				line += ": " + e.Error.Error()
			}
			log = append(log, line)
			mu.Unlock()
			return e.Next()
		}
	}
	a.Hooks.OnRecordCreate().BindFunc(on("create"))
	a.Hooks.OnRecordAfterCreateSuccess().BindFunc(on("success"))
	a.Hooks.OnRecordAfterCreateError().BindFunc(on("error"))
	a.Hooks.OnRecordUpdate().BindFunc(on("update"))
	a.Hooks.OnRecordAfterUpdateSuccess().BindFunc(on("updated"))
	a.Hooks.OnRecordDelete().BindFunc(on("delete"))
	a.Hooks.OnRecordAfterDeleteSuccess().BindFunc(on("deleted"))
	a.Hooks.OnRecordAfterDeleteError().BindFunc(on("not deleted"))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := log
		log = nil
		return out
	}
}

// TestTransaction: what is written is seen inside, not outside, and there all at once after the end; the hooks after it
// come then, in order, and outside of it.
func TestTransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	log := logHooks(a)
	a.Hooks.OnRecordAfterCreateSuccess().BindFunc(func(e *writes.RecordEvent) error {
		if writes.InTransaction(e.Context()) || count(t, a, c) != 2 {
			t.Error("an after-hook ran inside of the transaction")
		}
		return e.Next()
	})
	ctx := context.Background()
	err := a.Records.RunInTransaction(ctx, func(tx context.Context) error {
		for _, text := range []string{"a", "b"} {
			r, err := add(tx, a, c, map[string]any{"t": text})
			if err != nil {
				return err
			}
			if find(t, tx, a, c, r.ID()) == nil || find(t, ctx, a, c, r.ID()) != nil {
				t.Error("it is not inside, or outside already")
			}
		}
		return nil
	})
	if err != nil || count(t, a, c) != 2 {
		t.Errorf("%v, %d records", err, count(t, a, c))
	}
	if got, want := log(), []string{"create a", "create b", "success a", "success b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTransactionRolledBack(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func() error
		is   func(err error) bool
		text string
	}{
		{"error", func() error { return errNo }, func(err error) bool { return errors.Is(err, errNo) }, "no"},
		{"panic", func() error { panic("boom") }, func(err error) bool { p := (*routine.Panic)(nil); return errors.As(err, &p) }, "panic: boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := open(t)
			col := define(t, a, counters)
			log := logHooks(a)
			err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
				if _, err := add(ctx, a, col, map[string]any{"t": "a"}); err != nil {
					return err
				}
				return c.end()
			})
			if !c.is(err) || count(t, a, col) != 0 {
				t.Errorf("%v, %d records", err, count(t, a, col))
			}
			if got, want := log(), []string{"create a", "error a: " + c.text}; !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			mustAdd(t, a, col, map[string]any{"t": "after"})
		})
	}
}

// TestNestedTransactions: a part whose error is swallowed takes back what it wrote, and only that; the hooks after its
// writes are told that they failed.
func TestNestedTransactions(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	log := logHooks(a)
	write := func(ctx context.Context, text string) {
		t.Helper()
		if _, err := add(ctx, a, c, map[string]any{"t": text}); err != nil {
			t.Errorf("write %s: %v", text, err)
		}
	}
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		write(ctx, "outer 1")
		err := a.Records.RunInTransaction(ctx, func(ctx context.Context) error {
			write(ctx, "inner 1")
			if err := a.Records.RunInTransaction(ctx, func(ctx context.Context) error { write(ctx, "innermost"); return nil }); err != nil {
				t.Error(err)
			}
			return errNo
		})
		if !errors.Is(err, errNo) {
			t.Errorf("the part ended with %v", err)
		}
		write(ctx, "outer 2")
		err = a.Records.RunInTransaction(ctx, func(ctx context.Context) error { write(ctx, "inner 2"); panic("boom") })
		if p := (*routine.Panic)(nil); !errors.As(err, &p) {
			t.Errorf("the panicking part ended with %v", err)
		}
		return a.Records.RunInTransaction(ctx, func(ctx context.Context) error { write(ctx, "inner 3"); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, c); n != 3 {
		t.Errorf("%d records", n)
	}
	want := []string{
		"create outer 1", "create inner 1", "create innermost", "create outer 2", "create inner 2", "create inner 3",
		"success outer 1", "error inner 1: no", "error innermost: no", "success outer 2", "error inner 2: panic: boom", "success inner 3",
	}
	if got := log(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestLaw9_FailedWriteInATransaction: a write whose error is swallowed leaves the others.
func TestLaw9_FailedWriteInATransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	log := logHooks(a)
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		r, err := add(ctx, a, c, map[string]any{"t": "a"})
		if err != nil {
			return err
		}
		if _, err := add(ctx, a, c, map[string]any{"id": r.ID(), "t": "b"}); err == nil {
			t.Error("the same id twice")
		}
		_, err = add(ctx, a, c, map[string]any{"t": "c"})
		return err
	})
	if err != nil || count(t, a, c) != 2 {
		t.Errorf("%v, %d records", err, count(t, a, c))
	}
	got := log()
	if len(got) != 6 || got[2][:7] != "error b" || !slices.Equal(got[4:], []string{"success a", "success c"}) {
		t.Errorf("got %q", got)
	}
}

// TestLaw9_WriteBesideTheOwnTransaction: whoever writes on another context than the transaction's waits for himself, but not for
// ever.
func TestLaw9_WriteBesideTheOwnTransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	var late error
	eventually.Returns(t, "the transaction", func() {
		err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			beside, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			_, late = add(beside, a, c, map[string]any{"t": "beside"})
			_, err := add(ctx, a, c, map[string]any{"t": "inside"})
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	if !errors.Is(late, sqlite.ErrNotWritten) {
		t.Errorf("the write beside ended with %v", late)
	}
	if count(t, a, c) != 1 {
		t.Errorf("%d records", count(t, a, c))
	}
}

// TestHooksInsideATransaction write as a part of it, and so do those of the records that they write.
func TestHooksInsideATransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	logs := define(t, a, `{"name":"logs","type":"base","fields":[{"name":"t","type":"text"}]}`)
	a.Hooks.OnRecordCreate("counters").BindFunc(func(e *writes.RecordEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		_, err := add(e.Context(), a, logs, map[string]any{"t": e.Record.Text("t")})
		return err
	})
	for _, fails := range []bool{true, false} {
		err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			_, err := add(ctx, a, c, map[string]any{"t": "a"})
			if err == nil && fails {
				err = errNo
			}
			return err
		})
		if want := map[bool]int{true: 0, false: 1}[fails]; count(t, a, c) != want || count(t, a, logs) != want {
			t.Errorf("fails %v: %v, %d and %d records", fails, err, count(t, a, c), count(t, a, logs))
		}
	}
}

// TestErrorsOfAfterHooksOfATransaction are its answer and take nothing back.
func TestErrorsOfAfterHooksOfATransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	a.Hooks.OnRecordAfterCreateSuccess().BindFunc(func(e *writes.RecordEvent) error {
		switch e.Record.Text("t") {
		case "a":
			return errNo
		case "b":
			panic("boom")
		}
		return e.Next()
	})
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		for _, text := range []string{"a", "b", "c"} {
			if _, err := add(ctx, a, c, map[string]any{"t": text}); err != nil {
				return err
			}
		}
		return nil
	})
	if p := (*routine.Panic)(nil); !errors.Is(err, errNo) || !errors.As(err, &p) || count(t, a, c) != 3 {
		t.Errorf("%v, %d records", err, count(t, a, c))
	}
}

// TestGoroutinesInATransaction: writes of several goroutines in one transaction do not undo one another.
func TestGoroutinesInATransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	taken := mustAdd(t, a, c, nil)
	var mu sync.Mutex
	var ids []string
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range 20 {
					body := map[string]any{"t": fmt.Sprint(i)}
					if i%2 == 0 {
						body["id"] = taken
					}
					r, err := add(ctx, a, c, body)
					if (err == nil) != (i%2 == 1) {
						t.Errorf("goroutine %d: %v", i, err)
					}
					if err == nil {
						mu.Lock()
						ids = append(ids, r.ID())
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if find(t, context.Background(), a, c, id) == nil {
			t.Errorf("acknowledged record %s is gone", id)
		}
	}
}

// TestTruncateWithAHookThatKeepsRecords: what a hook does not let go stays, and is not asked about for ever.
func TestTruncateWithAHookThatKeepsRecords(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	for _, text := range []string{"kept", "gone", "kept"} {
		mustAdd(t, a, c, map[string]any{"t": text})
	}
	asked := 0
	a.Hooks.OnRecordDelete("counters").BindFunc(func(e *writes.RecordEvent) error {
		if asked++; asked > 100 {
			return errors.New("asked again and again")
		}
		if e.Record.Text("t") == "kept" {
			return nil
		}
		return e.Next()
	})
	cmd, err := a.Store.PrepareTruncate(c.ID, records.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Writes.DoCommand(context.Background(), c, cmd, "test"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, c); n != 2 || asked != 3 {
		t.Errorf("%d records are left, the hook was asked %d times", n, asked)
	}
}
