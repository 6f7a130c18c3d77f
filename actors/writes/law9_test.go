package writes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// redefinitions are the ways to change collections and settings.
func redefinitions(a *app.App) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"settings": func(ctx context.Context) error {
			_, err := a.Settings.Save(ctx, func(s *settings.Settings) error { s.Meta.AppName = "changed"; return nil })
			return err
		},
		"collections": func(ctx context.Context) error {
			return a.Catalogue.ChangeFunc(ctx, func(ch *schema.Change) error {
				c, err := schema.DecodeNew([]byte(`{"name":"changed","type":"base"}`))
				if err != nil {
					return err
				}
				return ch.Create(c)
			})
		},
		"import": func(ctx context.Context) error {
			return a.Catalogue.Import(ctx, []byte(`[{"name":"changed","type":"base"}]`), false)
		},
		"console": func(ctx context.Context) error {
			_, err := a.Console.Run(ctx, "CREATE TABLE changed (a)")
			return err
		},
	}
}

// TestLaw9_DefinitionsInATransaction: a change of collections or settings inside of a transaction is refused at once, wherever
// the transaction comes from, and nothing is kept of it. It does not wait for the Writer, which its own ancestor holds: then
// the transaction would run out of its time.
func TestLaw9_DefinitionsInATransaction(t *testing.T) {
	for name := range redefinitions(nil) {
		t.Run(name, func(t *testing.T) {
			a := open(t)
			limitTransactions(t, a)
			parents := define(t, a, `{"name":"parents","type":"base"}`)
			children := define(t, a, `{"name":"children","type":"base","fields":[{"name":"p","type":"relation","collectionId":"@parents","cascadeDelete":true,"maxSelect":1}]}`)
			redefine := redefinitions(a)[name]
			refused := 0
			try := func(ctx context.Context) {
				if err := redefine(ctx); !errors.Is(err, writes.ErrInTransaction) {
					t.Errorf("got %v", err)
					return
				}
				refused++
			}
			a.Hooks.OnRecordDelete("children").BindFunc(func(e *writes.RecordEvent) error { // under a cascade and a truncate
				try(e.Context())
				return e.Next()
			})
			parent := mustAdd(t, a, parents, nil)
			mustAdd(t, a, children, map[string]any{"p": parent})
			ctx := context.Background()
			if err := remove(ctx, a, parents, parent); err != nil {
				t.Error(err)
			}
			mustAdd(t, a, children, nil)
			cmd, err := a.Store.PrepareTruncate(children.ID, records.Caller{})
			if err == nil {
				err = a.Writes.DoCommand(ctx, children, cmd, "test")
			}
			if err != nil {
				t.Error(err)
			}
			undo := errors.New("undo")
			err = a.Records.RunInTransaction(ctx, func(ctx context.Context) error {
				try(ctx)
				return errors.Join(undo, a.Records.RunInTransaction(ctx, func(ctx context.Context) error { try(ctx); return nil }))
			})
			if !errors.Is(err, undo) || errors.Is(err, writes.ErrTransactionTimeout) {
				t.Errorf("the transaction ended with %v", err)
			}
			if refused != 4 {
				t.Errorf("%d of 4 were refused", refused)
			}
			if a.Settings.Current().Meta.AppName == "changed" || a.Catalogue.Current().Find("changed") != nil {
				t.Error("it was kept")
			}
			if err := redefine(ctx); err != nil {
				t.Errorf("outside of a transaction: %v", err)
			}
		})
	}
}

// TestLaw9_TimeUnderTheWriter: how long user code may hold the Writer, for each way in which it does.
func TestLaw9_TimeUnderTheWriter(t *testing.T) {
	a := open(t)
	limitTransactions(t, a)
	c := define(t, a, counters)
	define(t, a, `{"name":"children","type":"base","fields":[{"name":"p","type":"relation","collectionId":"@counters","cascadeDelete":true,"maxSelect":1}]}`)
	a.Hooks.OnRecordDelete("children", "counters").BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
	del, err := a.Store.PrepareDelete("x", input(a, c, nil))
	if err != nil {
		t.Fatal(err)
	}
	truncate, err := a.Store.PrepareTruncate(c.ID, records.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	for what, is := range map[string][2]time.Duration{
		"a batch or a transaction": {a.Writes.TransactionTimeout(), time.Second},
		"a cascade":                {a.Writes.RemovalLimit(c, del), time.Second},
		"a truncate":               {a.Writes.RemovalLimit(c, truncate), 30 * time.Second},
		"where nothing is set":     {writes.DefaultTimeout, 3 * time.Second},
		"a call of an extension":   {writes.MaxCallUnderWriter, time.Second},
	} {
		if is[0] != is[1] {
			t.Errorf("%s may take %v instead of %v", what, is[0], is[1])
		}
	}
	if writes.MaxDepth != 8 {
		t.Errorf("writes nest %d deep instead of 8", writes.MaxDepth)
	}
}

// TestLaw9_CallsUnderTheWriterHaveAnEnd: the bound is there in a transaction and nowhere else.
func TestLaw9_CallsUnderTheWriterHaveAnEnd(t *testing.T) {
	a := open(t)
	if most := writes.UnderWriter(context.Background()); most != 0 {
		t.Errorf("a call outside of a transaction is bounded by %v", most)
	}
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		if most := writes.UnderWriter(ctx); most != writes.MaxCallUnderWriter {
			t.Errorf("a call in a transaction may run for %v", most)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLaw9_NobodyWaitsForTheirAncestor: a write of a hook skips the line that its own ancestor stands in, the record's turn and
// the Writer alike.
func TestLaw9_NobodyWaitsForTheirAncestor(t *testing.T) {
	a := open(t)
	limitTransactions(t, a)
	c := define(t, a, counters)
	id := mustAdd(t, a, c, nil)
	a.Hooks.OnRecordUpdate("counters").BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Number("m") > 0 {
			return e.Next()
		}
		if err := change(e.Context(), a, c, id, map[string]any{"m+": 1}); err != nil {
			return err
		}
		return e.Next()
	})
	eventually.Returns(t, "a write of the same record", func() {
		if err := change(context.Background(), a, c, id, map[string]any{"n+": 1}); err != nil {
			t.Error(err)
		}
	})
	eventually.Returns(t, "the same in a transaction", func() {
		err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
			return change(ctx, a, c, id, map[string]any{"m": 0, "n+": 1})
		})
		if err != nil || errors.Is(err, sqlite.ErrNotWritten) {
			t.Error(err)
		}
	})
	// The outer write sets m itself, after the nested one.
	if r := find(t, context.Background(), a, c, id); r.Number("n") != 2 || r.Number("m") != 0 {
		t.Errorf("n %v, m %v", r.Number("n"), r.Number("m"))
	}
}
