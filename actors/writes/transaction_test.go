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
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

var errNo = errors.New("no")

// limitTransactions sets how long a transaction may take, to the shortest that the settings know.
func limitTransactions(t testing.TB, a *app.App) {
	t.Helper()
	_, err := a.SaveSettings(context.Background(), func(s *settings.Settings) error { s.Batch.Timeout = 1; return nil })
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
	a.OnRecordCreate().BindFunc(on("create"))
	a.OnRecordAfterCreateSuccess().BindFunc(on("success"))
	a.OnRecordAfterCreateError().BindFunc(on("error"))
	a.OnRecordUpdate().BindFunc(on("update"))
	a.OnRecordAfterUpdateSuccess().BindFunc(on("updated"))
	a.OnRecordDelete().BindFunc(on("delete"))
	a.OnRecordAfterDeleteSuccess().BindFunc(on("deleted"))
	a.OnRecordAfterDeleteError().BindFunc(on("not deleted"))
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
	a.OnRecordAfterCreateSuccess().BindFunc(func(e *writes.RecordEvent) error {
		if writes.InTransaction(e.Context()) || count(t, a, c) != 2 {
			t.Error("an after-hook ran inside of the transaction")
		}
		return e.Next()
	})
	ctx := context.Background()
	err := a.RunInTransaction(ctx, func(tx context.Context) error {
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
			err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
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
	err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
		write(ctx, "outer 1")
		err := a.RunInTransaction(ctx, func(ctx context.Context) error {
			write(ctx, "inner 1")
			if err := a.RunInTransaction(ctx, func(ctx context.Context) error { write(ctx, "innermost"); return nil }); err != nil {
				t.Error(err)
			}
			return errNo
		})
		if !errors.Is(err, errNo) {
			t.Errorf("the part ended with %v", err)
		}
		write(ctx, "outer 2")
		err = a.RunInTransaction(ctx, func(ctx context.Context) error { write(ctx, "inner 2"); panic("boom") })
		if p := (*routine.Panic)(nil); !errors.As(err, &p) {
			t.Errorf("the panicking part ended with %v", err)
		}
		return a.RunInTransaction(ctx, func(ctx context.Context) error { write(ctx, "inner 3"); return nil })
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
	err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
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

// TestLaw9_TransactionTimeout: a transaction that takes too long is over, whoever still holds it; nothing of it is written and
// the server goes on.
func TestLaw9_TransactionTimeout(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	limitTransactions(t, a)
	log := logHooks(a)
	free, held := make(chan struct{}), make(chan struct{})
	outcome := make(chan error, 1)
	go func() {
		outcome <- a.RunInTransaction(context.Background(), func(ctx context.Context) error {
			if _, err := add(ctx, a, c, map[string]any{"t": "a"}); err != nil {
				t.Error(err)
			}
			close(held)
			<-free
			if _, err := add(ctx, a, c, map[string]any{"t": "late"}); !errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("a late write: %v", err)
			}
			if err := a.RunInTransaction(ctx, func(context.Context) error { t.Error("it ran"); return nil }); !errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("a late part: %v", err)
			}
			err := a.Writes().Look(ctx)(func(records.Preparer) error { t.Error("it read"); return nil })
			if !errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("a late read: %v", err)
			}
			return nil
		})
	}()
	await(t, "the transaction", held)
	mustAdd(t, a, c, map[string]any{"t": "b"}) // waits until the time is up
	close(free)
	if err := await(t, "the outcome", outcome); !errors.Is(err, writes.ErrTransactionTimeout) {
		t.Errorf("it ended with %v", err)
	}
	if n := count(t, a, c); n != 1 {
		t.Errorf("%d records", n)
	}
	got := log()
	if !slices.Contains(got, "error a: "+writes.ErrTransactionTimeout.Error()) || !slices.Contains(got, "success b") || slices.Contains(got, "success a") {
		t.Errorf("got %q", got)
	}
}

// TestLaw9_UseAfterTheEnd of a transaction is refused.
func TestLaw9_UseAfterTheEnd(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	var kept context.Context
	if err := a.RunInTransaction(context.Background(), func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := add(kept, a, c, nil); !errors.Is(err, writes.ErrTransactionOver) {
		t.Errorf("a write: %v", err)
	}
	if err := a.RunInTransaction(kept, func(context.Context) error { return nil }); !errors.Is(err, writes.ErrTransactionOver) {
		t.Errorf("a part: %v", err)
	}
	if count(t, a, c) != 0 {
		t.Error("it was written")
	}
}

// TestLaw9_WriteBesideTheOwnTransaction: whoever writes on another context than the transaction's waits for himself, but not for
// ever.
func TestLaw9_WriteBesideTheOwnTransaction(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	var late error
	within(t, "the transaction", func() {
		err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
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
	a.OnRecordCreate("counters").BindFunc(func(e *writes.RecordEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		_, err := add(e.Context(), a, logs, map[string]any{"t": e.Record.Text("t")})
		return err
	})
	for _, fails := range []bool{true, false} {
		err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
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
	a.OnRecordAfterCreateSuccess().BindFunc(func(e *writes.RecordEvent) error {
		switch e.Record.Text("t") {
		case "a":
			return errNo
		case "b":
			panic("boom")
		}
		return e.Next()
	})
	err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
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
	err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
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

// TestLaw1_TransactionLostUnderUserCode: when SQLite ends the transaction by itself while user code holds it, nothing that
// comes later commits alone, whatever user code does with the errors.
func TestLaw1_TransactionLostUnderUserCode(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"or rollback", "INSERT OR ROLLBACK INTO counters (id, n, m, t) SELECT id, 0, 0, '' FROM counters LIMIT 1"},
		{"own rollback", "ROLLBACK"},
	} {
		for _, nested := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", c.name, nested), func(t *testing.T) {
				a := open(t)
				col := define(t, a, counters)
				mustAdd(t, a, col, map[string]any{"t": "there"})
				log := logHooks(a)
				lose := func(ctx context.Context) error {
					// What the engine could do at any statement.
					return writes.ApplyInTransaction(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec(c.sql) }))
				}
				err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
					if _, err := add(ctx, a, col, map[string]any{"t": "before"}); err != nil {
						t.Error(err)
					}
					var err error
					if nested {
						err = a.RunInTransaction(ctx, lose)
					} else {
						err = lose(ctx)
					}
					if err == nil {
						t.Error("the loss was answered with success")
					}
					if _, err := add(ctx, a, col, map[string]any{"t": "alone"}); !errors.Is(err, writes.ErrTransactionOver) {
						t.Errorf("a later write: %v", err)
					}
					if err := a.RunInTransaction(ctx, func(context.Context) error { return nil }); !errors.Is(err, writes.ErrTransactionOver) {
						t.Errorf("a later part: %v", err)
					}
					return nil // swallowed
				})
				if err == nil {
					t.Error("a lost transaction was answered with success")
				}
				if n := count(t, a, col); n != 1 {
					t.Errorf("%d records", n)
				}
				if got := log(); len(got) != 4 || got[0] != "create before" || got[1] != "create alone" || got[3][:13] != "error before:" {
					t.Errorf("got %q", got)
				}
				mustAdd(t, a, col, map[string]any{"t": "after"})
			})
		}
	}
}

// TestLaw1_FaultsUnderUserCode: a disk that is full fails the write that meets it and no other; a commit that is refused takes
// all back, and the hooks after the writes are told.
func TestLaw1_FaultsUnderUserCode(t *testing.T) {
	work := func(a *app.App, ctx context.Context, sql ...string) error {
		w := sqlite.WorkFunc(func(tx *sqlite.Tx) error {
			for _, s := range sql {
				if err := tx.Exec(s); err != nil {
					return err
				}
			}
			return nil
		})
		if writes.InTransaction(ctx) {
			return writes.ApplyInTransaction(ctx, w)
		}
		return a.DB().Do(ctx, w)
	}
	t.Run("full", func(t *testing.T) {
		a := open(t)
		c := define(t, a, counters)
		err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
			if _, err := add(ctx, a, c, map[string]any{"t": "before"}); err != nil {
				return err
			}
			if err := work(a, ctx, "PRAGMA max_page_count = 1"); err != nil {
				return err
			}
			full := work(a, ctx, "INSERT INTO counters (id, t) VALUES ('half', 'half')", "UPDATE counters SET t = zeroblob(1000000)")
			if full == nil {
				t.Error("the disk is not full")
			}
			if err := work(a, ctx, "PRAGMA max_page_count = 1073741823"); errors.Is(err, writes.ErrTransactionOver) {
				return nil // SQLite gave the transaction up; its outcome must say so
			}
			_, err := add(ctx, a, c, map[string]any{"t": "after"})
			return err
		})
		want := 2
		if err != nil {
			want = 0
		}
		if n := count(t, a, c); n != want {
			t.Errorf("%v, %d records", err, n)
		}
	})
	t.Run("commit refused", func(t *testing.T) {
		a := open(t)
		c := define(t, a, counters)
		log := logHooks(a)
		err := work(a, context.Background(), "CREATE TABLE one (id INTEGER PRIMARY KEY)",
			"CREATE TABLE many (one INTEGER REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED)")
		if err != nil {
			t.Fatal(err)
		}
		err = a.RunInTransaction(context.Background(), func(ctx context.Context) error {
			if _, err := add(ctx, a, c, map[string]any{"t": "a"}); err != nil {
				return err
			}
			return work(a, ctx, "INSERT INTO many VALUES (77)")
		})
		if err == nil || count(t, a, c) != 0 {
			t.Errorf("%v, %d records", err, count(t, a, c))
		}
		if got := log(); len(got) != 2 || got[1][:8] != "error a:" {
			t.Errorf("got %q", got)
		}
		mustAdd(t, a, c, map[string]any{"t": "after"})
	})
}

// TestLaw9_TransactionTimeoutEndsReads: a search that takes for ever does not keep the Writer beyond the time of the transaction.
func TestLaw9_TransactionTimeoutEndsReads(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	limitTransactions(t, a)
	err := a.DB().Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		return tx.Exec("INSERT INTO counters (id, n, m, t) WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 3000) SELECT 'r' || i, i, i, 'x' FROM x")
	}))
	if err != nil {
		t.Fatal(err)
	}
	slow := app.Find{Filter: "@collection.counters:a.t ~ t && @collection.counters:b.t ~ t && @collection.counters:c.t !~ t"}
	within(t, "the transaction", func() {
		err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
			_, err := a.CountRecords(ctx, "counters", slow)
			return err
		})
		if !errors.Is(err, writes.ErrTransactionTimeout) {
			t.Errorf("the transaction ended with %v", err)
		}
	})
	within(t, "the write after it", func() { mustAdd(t, a, c, map[string]any{"n": 1}) })
}

// TestLaw9_TransactionOfTwoGoroutines: parts that do not nest would be undone and kept one for the other, so nothing is written.
func TestLaw9_TransactionOfTwoGoroutines(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	within(t, "the transaction", func() {
		err := a.RunInTransaction(context.Background(), func(ctx context.Context) error {
			first, second := make(chan struct{}), make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_ = a.RunInTransaction(ctx, func(ctx context.Context) error {
					_, err := add(ctx, a, c, map[string]any{"t": "undone"})
					close(first)
					<-second
					return errors.Join(err, errNo)
				})
			})
			<-first
			_ = a.RunInTransaction(ctx, func(ctx context.Context) error {
				close(second)
				wg.Wait()
				_, err := add(ctx, a, c, map[string]any{"t": "kept"})
				return err
			})
			return nil
		})
		if !errors.Is(err, writes.ErrTransactionShared) {
			t.Errorf("the transaction ended with %v", err)
		}
	})
	if n := count(t, a, c); n != 0 {
		t.Errorf("%d records were written", n)
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
	a.OnRecordDelete("counters").BindFunc(func(e *writes.RecordEvent) error {
		if asked++; asked > 100 {
			return errors.New("asked again and again")
		}
		if e.Record.Text("t") == "kept" {
			return nil
		}
		return e.Next()
	})
	cmd, err := a.Store().PrepareTruncate(c.ID, records.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(context.Background(), c, cmd, "test"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, c); n != 2 || asked != 3 {
		t.Errorf("%d records are left, the hook was asked %d times", n, asked)
	}
}
