package writes_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/records"
)

// begin begins a transaction, or a part of the one of ctx.
func begin(t testing.TB, ctx context.Context, a *app.App) *writes.Transaction {
	t.Helper()
	tr, err := a.Writes.Begin(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// names are the texts of all counters.
func names(t testing.TB, ctx context.Context, a *app.App) (all []string) {
	t.Helper()
	list, err := a.Records.FindAll(ctx, "counters", programs.Find{Sort: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		all = append(all, r.Text("t"))
	}
	return all
}

// TestLaw9_BegunTransactions: all or nothing, parts too, and the hooks after the writes run when it has ended.
func TestLaw9_BegunTransactions(t *testing.T) {
	a := open(t)
	c := define(t, a, counters)
	log := logHooks(a)
	write := func(tr *writes.Transaction, text string) {
		t.Helper()
		if _, err := add(tr.Context(), a, c, map[string]any{"t": text}); err != nil {
			t.Error(err)
		}
	}
	end := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	kept := begin(t, context.Background(), a)
	write(kept, "a")
	part := begin(t, kept.Context(), a)
	write(part, "b")
	inner := begin(t, part.Context(), a)
	write(inner, "c")
	if n := count(t, a, c); n != 0 {
		t.Errorf("others see %d records of it", n)
	}
	if got := names(t, inner.Context(), a); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("it sees %q", got)
	}
	end("commit of the innermost part", inner.Commit())
	end("rollback of the part around it", part.Rollback())
	part = begin(t, kept.Context(), a)
	write(part, "d")
	end("commit of another part", part.Commit())
	if got := log(); slices.ContainsFunc(got, func(s string) bool { return s[:7] == "success" }) {
		t.Errorf("before the end: %q", got)
	}
	end("commit", kept.Commit())
	undone := begin(t, context.Background(), a)
	write(undone, "e")
	end("rollback", undone.Rollback())
	if got := names(t, context.Background(), a); !slices.Equal(got, []string{"a", "d"}) {
		t.Errorf("there is %q", got)
	}
	got := log()
	if len(got) != 6 || got[0] != "success a" || got[1][:8] != "error b:" || got[2][:8] != "error c:" || got[3] != "success d" || got[5][:8] != "error e:" {
		t.Errorf("after the end: %q", got)
	}
}

// misuses are what can be done wrong with a transaction in which "a" was written, and what must be there afterwards.
var misuses = []struct {
	name string
	do   func(t *testing.T, a *app.App, tr *writes.Transaction)
	kept []string
}{
	{"commit twice", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		wantErrors(t, nil, tr.Commit())
		wantErrors(t, writes.ErrTransactionOver, tr.Commit(), tr.Rollback())
	}, []string{"a"}},
	{"rollback twice", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		wantErrors(t, nil, tr.Rollback())
		wantErrors(t, writes.ErrTransactionOver, tr.Rollback(), tr.Commit())
	}, nil},
	{"use after the end", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		wantErrors(t, nil, tr.Commit())
		wantErrors(t, writes.ErrTransactionOver, useAll(a, tr.Context())...)
	}, []string{"a"}},
	{"use of a part after its end", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		part := begin(t, tr.Context(), a)
		of := begin(t, part.Context(), a)
		wantErrors(t, nil, of.Commit(), part.Commit())
		wantErrors(t, writes.ErrTransactionOver, useAll(a, part.Context())...)
		wantErrors(t, writes.ErrTransactionOver, useAll(a, of.Context())...)
		wantErrors(t, nil, tr.Commit())
	}, []string{"a"}},
	{"a part that is never ended", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		part := begin(t, tr.Context(), a)
		wantErrors(t, writes.ErrTransactionShared, tr.Commit())
		wantErrors(t, writes.ErrTransactionShared, part.Commit())
	}, nil},
	{"parts ended in the order of their beginning", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		first := begin(t, tr.Context(), a)
		second := begin(t, tr.Context(), a)
		wantErrors(t, writes.ErrTransactionShared, first.Commit(), second.Commit(), tr.Commit())
	}, nil},
	{"two goroutines", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		first := begin(t, tr.Context(), a)
		var wg sync.WaitGroup
		wg.Go(func() {
			second := begin(t, tr.Context(), a)
			if err := first.Rollback(); !errors.Is(err, writes.ErrTransactionShared) {
				t.Errorf("the first part: %v", err)
			}
			_ = second.Commit()
		})
		wg.Wait()
		wantErrors(t, writes.ErrTransactionShared, tr.Commit())
	}, nil},
	{"two ends at once", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		errs := make(chan error, 2)
		for range 2 {
			go func() { errs <- tr.Commit() }()
		}
		one, two := eventually.Receive(t, "an end", errs), eventually.Receive(t, "the other end", errs)
		if (one == nil) == (two == nil) || !errors.Is(errors.Join(one, two), writes.ErrTransactionOver) {
			t.Errorf("%v and %v", one, two)
		}
	}, []string{"a"}},
	{"parts for ever", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		ctx, err := tr.Context(), error(nil)
		for err == nil {
			var part *writes.Transaction
			if part, err = a.Writes.Begin(ctx, "test"); err == nil {
				ctx = part.Context()
			}
		}
		wantErrors(t, writes.ErrDepth, err)
		wantErrors(t, writes.ErrTransactionShared, tr.Commit())
	}, nil},
	{"never ended", func(t *testing.T, a *app.App, tr *writes.Transaction) {
		eventually.True(t, "the end of its time", func() bool { held, _ := a.Writes.RecordLocks(); return held == 0 })
		wantErrors(t, writes.ErrTransactionTimeout, useAll(a, tr.Context())...)
		wantErrors(t, writes.ErrTransactionTimeout, tr.Commit())
	}, nil},
}

// useAll uses a transaction in each way.
func useAll(a *app.App, ctx context.Context) []error {
	_, write := add(ctx, a, a.Catalogue.Current().Find("counters"), nil)
	_, part := a.Writes.Begin(ctx, "test")
	return []error{write, part, a.Records.RunInTransaction(ctx, func(context.Context) error { return nil }),
		a.Writes.Look(ctx)(func(records.Preparer) error { return nil })}
}

func wantErrors(t *testing.T, want error, errs ...error) {
	t.Helper()
	for i, err := range errs {
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("error %d is %v, want %v", i, err, want)
		}
	}
}

// TestLaw9_MisusedTransactions: whatever is done wrong is refused, writes nothing that nobody asked for, and leaves nothing held.
func TestLaw9_MisusedTransactions(t *testing.T) {
	for _, m := range misuses {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			a := open(t)
			c := define(t, a, counters)
			limitTransactions(t, a)
			tr := begin(t, context.Background(), a)
			a.Hooks.OnRecordCreate("counters").BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
			if _, err := add(tr.Context(), a, c, map[string]any{"t": "a"}); err != nil {
				t.Fatal(err)
			}
			eventually.Returns(t, "the transaction", func() { m.do(t, a, tr) })
			if got := names(t, context.Background(), a); !slices.Equal(got, m.kept) {
				t.Errorf("there is %q, want %q", got, m.kept)
			}
			eventually.Returns(t, "a write after it", func() { mustAdd(t, a, c, nil) })
			if held, waiting := a.Writes.RecordLocks(); held+waiting != 0 {
				t.Errorf("%d locks are held, %d wait", held, waiting)
			}
		})
	}
}
