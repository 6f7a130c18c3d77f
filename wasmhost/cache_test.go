package wasmhost

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestCacheForgetsOldCode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	now := time.Now()
	if cache, err := openCache(dir, now); err != nil || cache.Close(t.Context()) != nil {
		t.Fatal(err) // a directory that is not there yet
	}
	ages := map[string]time.Duration{"old": cacheLife + time.Hour, "young": cacheLife - time.Hour}
	for name, age := range ages {
		path := filepath.Join(dir, "of-a-version", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("code"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := openCache(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close(t.Context())
	for name, age := range ages {
		_, err := os.Stat(filepath.Join(dir, "of-a-version", name))
		if gone := os.IsNotExist(err); gone != (age > cacheLife) {
			t.Errorf("code of %v: gone is %v", age, gone)
		}
	}
}
