package writes_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

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
				err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
					if _, err := add(ctx, a, col, map[string]any{"t": "before"}); err != nil {
						t.Error(err)
					}
					var err error
					if nested {
						err = a.Records.RunInTransaction(ctx, lose)
					} else {
						err = lose(ctx)
					}
					if err == nil {
						t.Error("the loss was answered with success")
					}
					if _, err := add(ctx, a, col, map[string]any{"t": "alone"}); !errors.Is(err, writes.ErrTransactionOver) {
						t.Errorf("a later write: %v", err)
					}
					if err := a.Records.RunInTransaction(ctx, func(context.Context) error { return nil }); !errors.Is(err, writes.ErrTransactionOver) {
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
	t.Run("full", fullUnderUserCode)
	t.Run("commit refused", commitRefusedUnderUserCode)
}

func fullUnderUserCode(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		if _, err := add(ctx, a, c, map[string]any{"t": "before"}); err != nil {
			return err
		}
		if err := runSQL(ctx, a, "PRAGMA max_page_count = 1"); err != nil {
			return err
		}
		full := runSQL(ctx, a, "INSERT INTO counters (id, t) VALUES ('half', 'half')", "UPDATE counters SET t = zeroblob(1000000)")
		if full == nil {
			t.Error("the disk is not full")
		}
		if err := runSQL(ctx, a, "PRAGMA max_page_count = 1073741823"); errors.Is(err, writes.ErrTransactionOver) {
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
}

func commitRefusedUnderUserCode(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	log := logHooks(a)
	err := runSQL(context.Background(), a, "CREATE TABLE one (id INTEGER PRIMARY KEY)",
		"CREATE TABLE many (one INTEGER REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED)")
	if err != nil {
		t.Fatal(err)
	}
	err = a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		if _, err := add(ctx, a, c, map[string]any{"t": "a"}); err != nil {
			return err
		}
		return runSQL(ctx, a, "INSERT INTO many VALUES (77)")
	})
	if err == nil || count(t, a, c) != 0 {
		t.Errorf("%v, %d records", err, count(t, a, c))
	}
	if got := log(); len(got) != 2 || got[1][:8] != "error a:" {
		t.Errorf("got %q", got)
	}
	mustAdd(t, a, c, map[string]any{"t": "after"})
}

// runSQL runs statements in the transaction of ctx, or in one of their own.
func runSQL(ctx context.Context, a *app.App, sql ...string) error {
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
	return a.DB.Do(ctx, w)
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
		outcome <- a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			if _, err := add(ctx, a, c, map[string]any{"t": "a"}); err != nil {
				t.Error(err)
			}
			close(held)
			<-free
			if _, err := add(ctx, a, c, map[string]any{"t": "late"}); !errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("a late write: %v", err)
			}
			if err := a.Records.RunInTransaction(ctx, func(context.Context) error { t.Error("it ran"); return nil }); !errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("a late part: %v", err)
			}
			err := a.Writes.Look(ctx)(func(records.Preparer) error { t.Error("it read"); return nil })
			if !errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("a late read: %v", err)
			}
			return nil
		})
	}()
	eventually.Receive(t, "the transaction", held)
	mustAdd(t, a, c, map[string]any{"t": "b"}) // waits until the time is up
	close(free)
	if err := eventually.Receive(t, "the outcome", outcome); !errors.Is(err, writes.ErrTransactionTimeout) {
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

// TestLaw9_TransactionTimeoutEndsReads: a search that takes for ever does not keep the Writer beyond the time of the transaction.
func TestLaw9_TransactionTimeoutEndsReads(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	limitTransactions(t, a)
	err := a.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		return tx.Exec("INSERT INTO counters (id, n, m, t) WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 3000) SELECT 'r' || i, i, i, 'x' FROM x")
	}))
	if err != nil {
		t.Fatal(err)
	}
	slow := programs.Find{Filter: "@collection.counters:a.t ~ t && @collection.counters:b.t ~ t && @collection.counters:c.t !~ t"}
	eventually.Returns(t, "the transaction", func() {
		err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			_, err := a.Records.Count(ctx, "counters", slow)
			return err
		})
		if !errors.Is(err, writes.ErrTransactionTimeout) {
			t.Errorf("the transaction ended with %v", err)
		}
	})
	eventually.Returns(t, "the write after it", func() { mustAdd(t, a, c, map[string]any{"n": 1}) })
}

// TestLaw9_TransactionOfTwoGoroutines: parts that do not nest would be undone and kept one for the other, so nothing is written.
func TestLaw9_TransactionOfTwoGoroutines(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	eventually.Returns(t, "the transaction", func() {
		err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			first, second := make(chan struct{}), make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_ = a.Records.RunInTransaction(ctx, func(ctx context.Context) error {
					_, err := add(ctx, a, c, map[string]any{"t": "undone"})
					close(first)
					<-second
					return errors.Join(err, errNo)
				})
			})
			<-first
			_ = a.Records.RunInTransaction(ctx, func(ctx context.Context) error {
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

// TestLaw9_UseAfterTheEnd of a transaction is refused.
func TestLaw9_UseAfterTheEnd(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	var kept context.Context
	if err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := add(kept, a, c, nil); !errors.Is(err, writes.ErrTransactionOver) {
		t.Errorf("a write: %v", err)
	}
	if err := a.Records.RunInTransaction(kept, func(context.Context) error { return nil }); !errors.Is(err, writes.ErrTransactionOver) {
		t.Errorf("a part: %v", err)
	}
	if count(t, a, c) != 0 {
		t.Error("it was written")
	}
}
