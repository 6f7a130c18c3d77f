package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/storage/sqlite/faultfs"
)

// TestLaw5_SwappedNames swaps the names of a public and a hidden column under read load. Readers compile their statement for the catalogue they
// load, keep it as a cache would, and must never return the hidden column's value.
func TestLaw5_SwappedNames(t *testing.T) {
	db := openTest(t, Options{Sync: Normal}, "CREATE TABLE t (a TEXT, b TEXT)", "INSERT INTO t VALUES ('public', 'hidden')")
	var public atomic.Pointer[string] // the catalogue: which column is public
	first := "a"
	public.Store(&first)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var reads, reruns atomic.Int64
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				runs, value := 0, ""
				err := db.Read(context.Background(), func(r *Reader) error {
					runs++
					s, err := r.Prepare("SELECT " + *public.Load() + " FROM t")
					if err != nil {
						return err
					}
					if row, err := s.Step(); err != nil || !row {
						return errors.Join(err, errors.New("no row"))
					}
					value = s.ColumnText(0)
					return nil
				})
				if err != nil || value != "public" {
					t.Errorf("read %q, %v", value, err)
					return
				}
				reads.Add(1)
				reruns.Add(int64(runs - 1))
			}
		})
	}
	for i := range 200 {
		next := []string{"b", "a"}[i%2]
		err := db.Change(context.Background(), func(tx *Tx) error {
			for _, sql := range []string{"a TO x", "b TO a", "x TO b"} {
				if err := tx.Exec("ALTER TABLE t RENAME COLUMN " + sql); err != nil {
					return err
				}
			}
			return nil
		}, func() { public.Store(&next) })
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	t.Logf("%d reads, %d run again", reads.Load(), reruns.Load())
}

// TestLaw5_ReadAcrossAChangeRunsAgain makes the overlap certain.
func TestLaw5_ReadAcrossAChangeRunsAgain(t *testing.T) {
	db := openTest(t, Options{}, tableT, "INSERT INTO t VALUES (1, 'v')")
	version := db.Version("t")
	runs := 0
	err := db.Read(context.Background(), func(r *Reader) error {
		runs++
		if err := r.Snapshot(); err != nil {
			return err
		}
		s, err := r.Prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'later'")
		if err != nil {
			return err
		}
		if _, err := s.Step(); err != nil {
			return err
		}
		if n := s.ColumnInt(0); n != runs-1 {
			t.Errorf("run %d sees %d", runs, n)
		}
		if runs > 1 {
			return nil
		}
		swapped := false
		err = db.Change(context.Background(), func(tx *Tx) error { return tx.Exec("CREATE TABLE later (a)") }, func() { swapped = true })
		if !swapped {
			t.Error("answered before the catalogue was swapped")
		}
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
	if db.Version("t") == version {
		t.Error("the change raised nothing")
	}
}

func TestLaw5_FailedChangeSwapsNothing(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	for name, apply := range map[string]func(tx *Tx) error{
		"error": func(tx *Tx) error { return errors.Join(tx.Exec("CREATE TABLE later (a)"), errors.New("no")) },
		"panic": func(tx *Tx) error { panic("no") },
	} {
		err := db.Change(context.Background(), apply, func() { t.Errorf("%s: swapped", name) })
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := ints(t, db, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"); n[0] != 0 {
		t.Error("half of the change is there")
	}
	if err := db.Change(context.Background(), func(tx *Tx) error { return tx.Exec("CREATE TABLE later (a)") }, func() { panic("swap") }); err != nil {
		t.Error(err)
	}
	if n := ints(t, db, "SELECT count(*) FROM later"); n[0] != 0 {
		t.Error(n)
	}
}

// A change whose COMMIT failed is in force exactly if it is in the file: with one failed sync it is not, with a second one, while the file is closed,
// whoever opens it next finds it in the log.
func TestLaw5_UnknownOutcomeOfAChange(t *testing.T) {
	for failures, written := range map[int]bool{1: false, 2: true} {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			disk := newDisk(t)
			var db *DB
			db = openTest(t, onDisk(disk, Options{Foreign: func() {
				_ = db.Read(context.Background(), func(*Reader) error { return nil }) // would hang if called behind the gate
			}}), tableT)
			left := failures
			disk.Inject(func(c faultfs.Call) faultfs.Fault {
				if c.Op != faultfs.Sync || left == 0 {
					return faultfs.None
				}
				left--
				return faultfs.IO
			})
			swapped := false
			err := db.Change(context.Background(), func(tx *Tx) error { return tx.Exec("CREATE TABLE later (a)") }, func() { swapped = true })
			n := ints(t, db, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'")[0]
			if (err == nil) != written || swapped != written || (n == 1) != written {
				t.Errorf("%v, swapped %v, %d tables", err, swapped, n)
			}
			mustDo(t, db, insert(1).Apply)
		})
	}
}

func TestPin_KeepsTheStateBeforeTheGroup(t *testing.T) {
	var db *DB
	var pinned *Reader
	var release func()
	var groups []string
	db = openTest(t, Options{
		Committing: func(g Group) {
			groups = append(groups, fmt.Sprint("committing ", g.Seq, g.Changes))
			var err error
			if pinned, release, err = db.Pin(context.Background()); err != nil {
				t.Error(err)
			}
		},
		Committed: func(g Group) { groups = append(groups, fmt.Sprint("committed ", g.Seq, g.Changes)) },
	}, tableT, "INSERT INTO t VALUES (1, 1), (2, 2)")
	mustDo(t, db, func(tx *Tx) error { tx.Emit("gone"); return tx.Exec("DELETE FROM t WHERE id = 1") })
	if got := ints(t, db, "SELECT id FROM t"); !slices.Equal(got, []int{2}) {
		t.Error(got)
	}
	s, err := pinned.Prepare("SELECT count(*) FROM t")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Step(); err != nil || s.ColumnInt(0) != 2 {
		t.Errorf("the pinned snapshot has %d rows, %v", s.ColumnInt(0), err)
	}
	release()
	if want := []string{"committing 1 [gone]", "committed 1 [gone]"}; !slices.Equal(groups, want) {
		t.Error(groups)
	}
}
