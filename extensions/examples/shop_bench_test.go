package examples

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// BenchmarkShopStart measures what docs/extensions.md says of the shops: the time from the start of the server until the first call is
// answered by a module that was never seen before, and by one that was.
func BenchmarkShopStart(b *testing.B) {
	for language := range shops {
		dir, cache := b.TempDir(), b.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "shop.wasm"), committedShop(b, language), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run(language+"/new", func(b *testing.B) {
			for b.Loop() {
				firstCall(b, dir, b.TempDir())
			}
		})
		b.Run(language+"/known", func(b *testing.B) {
			firstCall(b, dir, cache)
			for b.Loop() {
				firstCall(b, dir, cache)
			}
		})
	}
}

// firstCall opens a directory, asks its extension for a basket that is none, and closes it.
func firstCall(b *testing.B, dir, cache string) {
	b.Helper()
	m, err := wasmhost.Open(context.Background(), wasmhost.Options{Dir: dir, CacheDir: cache, Host: newStore(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	x := m.Extensions()[0]
	_, err = x.Serve(context.Background(), 0, &wasmhost.Call{Request: &request{body: "none"}})
	if no := refused(b, err); no == nil || no.Status != 400 {
		b.Fatal(err)
	}
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
}
