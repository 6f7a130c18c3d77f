package sqlite

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite/faultfs"
)

// The number of a group whose outcome was not known belongs to it for ever: its frames may be found when the next group is looked for.
func TestLaw2_NumbersOfGroupsAreUsedOnce(t *testing.T) {
	disk := newDisk(t)
	path := filepath.Join(disk.Dir(), "data.db")
	var other *zsqlite.Conn
	last := false
	db := openTest(t, onDisk(disk, Options{Committing: func(Group) {
		if last {
			if err := other.Close(); err != nil { // nobody is left who knows the end of the log
				t.Error(err)
			}
		}
	}}), tableT)
	db.writer.pause = 0
	other, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&connection{Conn: other}).run("SELECT id FROM t"); err != nil {
		t.Fatal(err)
	}
	disk.Inject(func(c faultfs.Call) faultfs.Fault {
		if c.Op == faultfs.Sync || c.Op == faultfs.Open {
			return faultfs.IO
		}
		return faultfs.None
	})
	if err := db.Do(t.Context(), insert(1)); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("answered %v", err)
	}
	if err := db.Do(t.Context(), insert(2)); !errors.Is(err, ErrNotWritten) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("the file is out of reach, and before a unit began it was answered %v", err)
	}
	disk.Inject(nil)
	mustDo(t, db, func(*Tx) error { return nil }) // opens the file
	last = true
	failed := 0
	disk.Inject(func(c faultfs.Call) faultfs.Fault {
		if c.Op != faultfs.Write && c.Op != faultfs.Sync || failed == 2 {
			return faultfs.None
		}
		failed++
		return faultfs.IO
	})
	if err := db.Do(t.Context(), insert(3)); err == nil || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("answered %v", err)
	}
	disk.Inject(nil)
	if got := ints(t, db, "SELECT id FROM t"); slices.Contains(got, 3) || slices.Contains(got, 2) || len(got) == 0 {
		t.Errorf("there are %v", got)
	}
	if err := errors.Join(db.Close(), disk.Close()); err != nil {
		t.Error(err)
	}
}
