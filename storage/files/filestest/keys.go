// Package filestest looks at stored files from outside of the store, for tests.
package filestest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Keys returns the keys of everything that lies in the file store of a data directory, sorted. What is kept beside a file about it is
// not named, unless its file is missing. Files may come and go meanwhile.
func Keys(t testing.TB, dir string) (keys []string) {
	t.Helper()
	root := filepath.Join(dir, "storage")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we look, or there were never any files
		}
		if err != nil || d.IsDir() {
			return err
		}
		if of, is := strings.CutSuffix(path, ".attrs"); is {
			if _, err := os.Stat(of); err == nil {
				return nil
			}
		}
		rel, err := filepath.Rel(root, path)
		keys = append(keys, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// KeysOf is [Keys] of one collection, which is named by its id.
func KeysOf(t testing.TB, dir, collection string) []string {
	t.Helper()
	return slices.DeleteFunc(Keys(t, dir), func(key string) bool { return !strings.HasPrefix(key, collection+"/") })
}
