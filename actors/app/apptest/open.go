// Package apptest opens applications for tests.
package apptest

import (
	"context"
	"testing"

	"github.com/troupebase/troupe/actors/app"
)

// Open opens an application with an empty data directory. It is closed when the test ends, which fails when that does.
func Open(t testing.TB) *app.App {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{Dir: t.TempDir()})
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
