package app

import (
	"context"
	"log/slog"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

func open(t testing.TB) *App {
	t.Helper()
	a, err := Open(context.Background(), Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

// define makes a collection of a definition in JSON.
func define(t testing.TB, a *App, definition string) (c *schema.Collection) {
	t.Helper()
	err := a.ChangeSchema(context.Background(), func(ch *schema.Change) (err error) {
		if c, err = schema.DecodeNew([]byte(definition)); err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Catalogue().ByID(c.ID)
}
