package troupe_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe"
)

// Who serves in a working copy of the repository, as its README says, does not get a folder of the sources for data,
// extensions or static files. Folders of these names that a server has made there are none.
func TestDefaultsAreNoFoldersOfTheSources(t *testing.T) {
	for _, name := range []string{troupe.DefaultDir, troupe.ExtensionsDir, "pb_public"} {
		err := filepath.WalkDir(name, func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) == ".go" {
				t.Errorf("%s is a source", path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}
