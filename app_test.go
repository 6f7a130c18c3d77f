package troupe_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupebase/troupe"
)

// ends fails the test when f does not return.
func ends(t *testing.T, what string, f func() error) (err error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not return", what)
	}
	return err
}

// TestBeforeAndAfter: an App that is not open, or closed, says so, and opening it again disturbs nothing.
func TestBeforeAndAfter(t *testing.T) {
	ctx := t.Context()
	app := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
	uses := map[string]func() error{
		"new record":  func() error { _, err := app.NewRecord("users"); return err },
		"find":        func() error { _, err := app.FindRecords(ctx, "users", troupe.Find{}); return err },
		"transaction": func() error { return app.RunInTransaction(ctx, func(context.Context) error { return nil }) },
		"import": func() error {
			return app.ImportCollections(ctx, []byte(`[{"name":"posts","type":"base","fields":[]}]`), false)
		},
	}
	for what, use := range uses {
		if err := use(); !errors.Is(err, troupe.ErrNotOpen) {
			t.Errorf("%s before it is open: %v", what, err)
		}
	}
	if err := app.Bootstrap(ctx); err != nil {
		t.Fatal(err)
	}
	if err := app.Bootstrap(ctx); !errors.Is(err, troupe.ErrBegun) {
		t.Errorf("opened again: %v", err)
	}
	if err := app.Run(ctx, "127.0.0.1:0"); !errors.Is(err, troupe.ErrBegun) {
		t.Errorf("run although it is open: %v", err)
	}
	for what, use := range uses {
		if err := use(); err != nil {
			t.Errorf("%s after that: %v", what, err)
		}
	}
	user, err := app.NewRecord("users")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := app.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	user.Set("email", "a@example.com")
	user.Set("password", "a-password-1234")
	if app.Save(ctx, user) == nil || uses["transaction"]() == nil {
		t.Error("a closed application writes")
	}
}

// TestCloseAfterAFailedBootstrap: what a failed start has given back is not given back again.
func TestCloseAfterAFailedBootstrap(t *testing.T) {
	app := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
	no := errors.New("no")
	app.OnBootstrap().BindFunc(func(e *troupe.BootstrapEvent) error { return errors.Join(e.Next(), no) })
	if err := app.Bootstrap(t.Context()); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

// TestRunEndsAtAnyTime: a context that ends while the server starts, or while hooks around it are not done, ends it.
func TestRunEndsAtAnyTime(t *testing.T) {
	tests := map[string]func(e *troupe.ServeEvent, stop func()) error{
		"before it listens": func(e *troupe.ServeEvent, stop func()) error {
			stop()
			time.Sleep(100 * time.Millisecond) // until it was told to stop
			return e.Next()
		},
		"while it starts": func(e *troupe.ServeEvent, stop func()) error {
			go stop()
			return e.Next()
		},
		"before a hook is done": func(e *troupe.ServeEvent, stop func()) error {
			err := e.Next()
			stop()
			time.Sleep(200 * time.Millisecond)
			return err
		},
	}
	for name, hook := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			app := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
			app.OnServe().BindFunc(func(e *troupe.ServeEvent) error { return hook(e, stop) })
			err := ends(t, "Run", func() error {
				return app.RunWith(ctx, "127.0.0.1:0", func(net.Addr) error { return nil })
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
