//go:build unix

package writes_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
)

// openUnder opens an application with a umask that takes nothing away, and returns what it logged.
func openUnder(t *testing.T, dir string) (*app.App, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	app, err := app.Open(t.Context(), app.Options{Dir: dir, Exclusive: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return app, log
}

// Other users of the machine read nothing of a data directory that was made here: database, log of writes, lock, notes and
// uploads, whatever the umask.
func TestNobodyElseMayReadWhatIsKept(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	s := &fileRig{t: t, dir: filepath.Join(t.TempDir(), "data")}
	var log *bytes.Buffer
	s.app, log = openUnder(t, s.dir)
	s.define()
	s.created("a", "one", "two")
	if _, err := s.app.Writes.Pending().Note([]string{"c/r/f"}); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(s.dir, path)
		seen[rel] = true
		if info.Mode()&0o077 != 0 {
			t.Errorf("%s: %s", rel, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", "data.db", "data.db-wal", "data.db-shm", "auxiliary.db", ".troupe.lock", "storage", "storage/" + s.col.ID, writes.PendingDir} {
		if !seen[name] {
			t.Errorf("%s was not made", name)
		}
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "other users") {
		t.Errorf("a private directory is warned of: %s", log)
	}
}

// What is there already keeps its mode, and the operator is told.
func TestModesOfAnExistingDirectoryStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.db"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	app, log := openUnder(t, dir)
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "other users"); n != 1 || !strings.Contains(log.String(), dir) {
		t.Errorf("%d warnings: %s", n, log)
	}
	for name, want := range map[string]fs.FileMode{dir: 0o755, filepath.Join(dir, "data.db"): 0o644} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
