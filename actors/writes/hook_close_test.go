package writes_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestCloseWhileHooksRun: whoever was answered with success finds his record after the next start; others are told that the
// server is closed, and nobody hangs.
func TestCloseWhileHooksRun(t *testing.T) {
	dir := t.TempDir()
	a, err := app.Open(context.Background(), app.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := define(t, a, counters)
	a.Hooks.OnRecordCreate().BindFunc(func(e *writes.RecordEvent) error {
		if e.Record.Text("t") != "nested" {
			if _, err := add(e.Context(), a, c, map[string]any{"t": "nested"}); err != nil {
				return err
			}
		}
		return e.Next()
	})
	const writers = 16
	started := make(chan struct{}, writers)
	var mu sync.Mutex
	var acknowledged []string
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := 0; ; i++ {
				ids, err := addOne(a, c, w%2 != 0)
				if errors.Is(err, sqlite.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, ids...)
				mu.Unlock()
				if i == 0 {
					started <- struct{}{}
				}
			}
		})
	}
	for range writers {
		eventually.Receive(t, "a writer", started)
	}
	eventually.Returns(t, "close", func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	again, err := app.Open(context.Background(), app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, id := range acknowledged {
		if find(t, context.Background(), again, c, id) == nil {
			t.Errorf("acknowledged record %s is gone", id)
		}
	}
}

// addOne creates a record and returns its id; a transaction that is begun again makes more than one.
func addOne(a *app.App, c *schema.Collection, inTransaction bool) (ids []string, err error) {
	write := func(ctx context.Context) error {
		r, err := add(ctx, a, c, map[string]any{"t": "x"})
		if err == nil {
			ids = append(ids, r.ID())
		}
		return err
	}
	if inTransaction {
		err = a.Records.RunInTransaction(context.Background(), write)
	} else {
		err = write(context.Background())
	}
	return ids, err
}

// TestCloseInsideATransaction: Close waits for the one that is under way.
func TestCloseInsideATransaction(t *testing.T) {
	dir := t.TempDir()
	a, err := app.Open(context.Background(), app.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := define(t, a, counters)
	closed := make(chan error, 1)
	err = a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
		go func() { closed <- a.Close() }()
		eventually.True(t, "the closing", a.Writes.Closing)
		_, err := add(ctx, a, c, map[string]any{"t": "last"})
		return err
	})
	if err != nil {
		t.Errorf("the transaction ended with %v", err)
	}
	if err := eventually.Receive(t, "close", closed); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := a.Records.RunInTransaction(context.Background(), func(context.Context) error { return nil }); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("a later one: %v", err)
	}
	again, err := app.Open(context.Background(), app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n := count(t, again, c); n != 1 {
		t.Errorf("%d records", n)
	}
}

// TestLifeHooks: a bootstrap hook can refuse, a terminate hook cannot keep anything open.
func TestLifeHooks(t *testing.T) {
	for _, c := range []struct {
		name string
		bind func(a *app.App)
		ok   bool
	}{
		{"around", func(a *app.App) {
			a.OnBootstrap().BindFunc(func(e *app.BootstrapEvent) error {
				if a.DB != nil {
					t.Error("open before next")
				}
				err := e.Next()
				if a.DB == nil || e.Context() == nil {
					t.Error("not open after next")
				}
				return err
			})
		}, true},
		{"error before", func(a *app.App) { a.OnBootstrap().BindFunc(func(*app.BootstrapEvent) error { return errNo }) }, false},
		{"error after", func(a *app.App) {
			a.OnBootstrap().BindFunc(func(e *app.BootstrapEvent) error { return errors.Join(e.Next(), errNo) })
		}, false},
		{"without next", func(a *app.App) { a.OnBootstrap().BindFunc(func(*app.BootstrapEvent) error { return nil }) }, false},
		{"panic", func(a *app.App) { a.OnBootstrap().BindFunc(func(*app.BootstrapEvent) error { panic("boom") }) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			a := app.New(app.Options{Dir: dir, Exclusive: true})
			c.bind(a)
			if err := a.Bootstrap(context.Background()); (err == nil) != c.ok {
				t.Fatalf("got %v", err)
			}
			if c.ok {
				var last atomic.Bool
				a.OnTerminate().BindFunc(func(*app.TerminateEvent) error { last.Store(true); return nil })
				if err := a.Close(); err != nil || !last.Load() {
					t.Errorf("close: %v, the hook ran: %v", err, last.Load())
				}
			}
			again, err := app.Open(context.Background(), app.Options{Dir: dir, Exclusive: true})
			if err != nil {
				t.Fatalf("something was left open: %v", err)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
