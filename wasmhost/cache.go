package wasmhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tetratelabs/wazero"
)

// cacheLife is how long compiled code is kept. It is named by what it was compiled from, so every version of a module stays
// until then; compiling one that is still in use again takes a second at most.
const cacheLife = 90 * 24 * time.Hour

// openCache opens the cache of compiled code, in memory for an empty dir.
func openCache(dir string, now time.Time) (wazero.CompilationCache, error) {
	if dir == "" {
		return wazero.NewCompilationCache(), nil
	}
	if err := pruneCache(dir, now.Add(-cacheLife)); err != nil {
		return nil, fmt.Errorf("wasmhost: clear the cache %s: %w", dir, err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("wasmhost: open the cache %s: %w", dir, err)
	}
	return cache, nil
}

// pruneCache removes the files that were written before a time.
func pruneCache(dir string, before time.Time) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.ModTime().Before(before) {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}
