package faultfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite/faultfs"
)

func newDisk(t *testing.T) *faultfs.Disk {
	t.Helper()
	d, err := faultfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func run(t *testing.T, conn *sqlite.Conn, sql string) error {
	t.Helper()
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer stmt.Finalize()
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
	}
}

func open(t *testing.T, dir string) *sqlite.Conn {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "data.db"), sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t, conn, "PRAGMA journal_mode=WAL"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// rows is how many rows a crash has left, -1 when there is no table.
func rows(t *testing.T, d *faultfs.Disk, loss faultfs.Loss) (n int) {
	t.Helper()
	dir := t.TempDir()
	if err := d.Crash(dir, loss, 1); err != nil {
		t.Fatal(err)
	}
	conn := open(t, dir)
	defer conn.Close()
	stmt, _, err := conn.PrepareTransient("SELECT count(*) FROM t")
	if err != nil {
		return -1
	}
	defer stmt.Finalize()
	if _, err := stmt.Step(); err != nil {
		t.Fatal(err)
	}
	return stmt.ColumnInt(0)
}

func TestCrashKeepsWhatWasSynced(t *testing.T) {
	d := newDisk(t)
	conn := open(t, d.Dir())
	for _, sql := range []string{"PRAGMA synchronous=FULL", "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)", "PRAGMA synchronous=OFF", "INSERT INTO t VALUES (2)"} {
		if err := run(t, conn, sql); err != nil {
			t.Fatal(err)
		}
	}
	if got := rows(t, d, faultfs.Dropped); got != 1 {
		t.Errorf("%d rows are left of what was synced, want 1", got)
	}
	if got := rows(t, d, faultfs.Kept); got != 2 {
		t.Errorf("%d rows are left of everything, want 2", got)
	}
	if got := rows(t, d, faultfs.Torn); got < 1 || got > 2 {
		t.Errorf("%d rows are left of a torn log", got)
	}
	if err := d.Close(); err == nil {
		t.Error("a disk was closed under an open file")
	}
	if err := run(t, conn, "PRAGMA synchronous=FULL"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, d, faultfs.Dropped); got != 2 {
		t.Errorf("%d rows are left after the log was moved into the file, want 2", got)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// What a failed sync left behind may be lost although a later sync succeeded, until it is written again.
func TestSyncDoesNotMakeUpForOneThatFailed(t *testing.T) {
	d := newDisk(t)
	conn := open(t, d.Dir())
	defer func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, sql := range []string{"PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0", "CREATE TABLE t (v)", "PRAGMA synchronous=OFF", "INSERT INTO t VALUES (1)", "PRAGMA synchronous=FULL"} {
		if err := run(t, conn, sql); err != nil {
			t.Fatal(err)
		}
	}
	fail := func(c faultfs.Call) faultfs.Fault {
		if c.Op == faultfs.Sync {
			return faultfs.IO
		}
		return faultfs.None
	}
	d.Inject(fail)
	if err := run(t, conn, "PRAGMA wal_checkpoint"); err == nil { // syncs the log first
		t.Fatal("no error")
	}
	d.Inject(nil)
	if err := run(t, conn, "INSERT INTO t VALUES (2)"); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, d, faultfs.Dropped); got != 0 {
		t.Errorf("%d rows are left", got)
	}
	if got := rows(t, d, faultfs.Kept); got != 2 {
		t.Errorf("%d rows are left of everything", got)
	}
}

func TestInject(t *testing.T) {
	for fault, want := range map[faultfs.Fault]sqlite.ResultCode{
		faultfs.IO: sqlite.ResultIOErr, faultfs.Full: sqlite.ResultFull, faultfs.ShortIO: sqlite.ResultIOErr, faultfs.ShortFull: sqlite.ResultFull,
	} {
		d := newDisk(t)
		conn := open(t, d.Dir())
		if err := run(t, conn, "CREATE TABLE t (v)"); err != nil {
			t.Fatal(err)
		}
		calls := 0
		d.Inject(func(c faultfs.Call) faultfs.Fault {
			if calls++; c.N != calls {
				t.Errorf("call %d is the %dth", c.N, calls)
			}
			if c.Op == faultfs.Write && c.Grows {
				return fault
			}
			return faultfs.None
		})
		if err := run(t, conn, "INSERT INTO t VALUES (1)"); sqlite.ErrCode(err).ToPrimary() != want {
			t.Errorf("fault %d gives %v", fault, err)
		}
		d.Inject(nil)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Files outside of the disk's directory are not its business.
func TestOtherDirectories(t *testing.T) {
	d := newDisk(t)
	d.Inject(func(faultfs.Call) faultfs.Fault { return faultfs.IO })
	dir := t.TempDir()
	conn := open(t, dir)
	if err := run(t, conn, "CREATE TABLE t (v)"); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data.db")); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
