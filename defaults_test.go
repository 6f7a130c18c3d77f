package troupe_test

import (
	"os"
	"testing"

	"github.com/troupebase/troupe"
)

// Who serves in a working copy of the repository, as its README says, does not get a folder of the sources for extensions or
// static files.
func TestDefaultsAreNoFoldersOfTheSources(t *testing.T) {
	for _, name := range []string{troupe.DefaultDir, troupe.ExtensionsDir, "pb_public"} {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}
