package troupe_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe"
)

// TestExtensions: a program sees which extensions are loaded, and their hooks and its own run around the same records.
func TestExtensions(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, troupe.ExtensionsDir)
	wasm, err := os.ReadFile("extensions/examples/c/slugs/slugs-c.wasm")
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "slugs.wasm"), wasm, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	app := troupe.New(troupe.Options{Dir: filepath.Join(home, "data")})
	if app.Extensions() != nil || !errors.Is(app.ReloadExtensions(t.Context()), troupe.ErrNotOpen) {
		t.Error("there are extensions before it is open")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = app.RunWith(ctx, "127.0.0.1:0", func(net.Addr) error {
		defer stop()
		list := app.Extensions()
		if len(list) != 1 || list[0].Name == "" || list[0].Version == "" || list[0].File != "slugs.wasm" {
			t.Errorf("loaded are %+v", list)
		}
		if err := app.ImportCollections(ctx, []byte(collections), false); err != nil {
			return err
		}
		seen := ""
		app.OnRecordCreateExecute("posts").BindFunc(func(e *troupe.RecordEvent) error {
			seen = e.Record.Text("slug")
			return e.Next()
		})
		if newPost(ctx, app, "Hello World"); seen != "hello-world" {
			t.Errorf("the program's hook sees %q of the extension's", seen)
		}
		if err := os.Remove(filepath.Join(dir, "slugs.wasm")); err != nil {
			return err
		}
		if err := app.ReloadExtensions(ctx); err != nil {
			return err
		}
		if list := app.Extensions(); len(list) != 0 {
			t.Errorf("still loaded are %+v", list)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestGrants: what no extension can be granted keeps the server from starting.
func TestGrants(t *testing.T) {
	app := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data"), Grants: []string{"slugs:everything"}})
	if err := app.Run(t.Context(), "127.0.0.1:0"); err == nil {
		t.Error("it runs")
	}
}
