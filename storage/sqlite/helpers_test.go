package sqlite

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// openTest opens a database in a directory of the test's own; it is closed with the test unless the test does.
func openTest(t testing.TB, o Options, schema ...string) *DB {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "data.db")
	}
	if o.Logger == nil {
		o.Logger = quiet
	}
	db, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, sql := range schema {
		mustDo(t, db, func(tx *Tx) error { return tx.Exec(sql) })
	}
	return db
}

func mustDo(t testing.TB, db *DB, f func(tx *Tx) error) {
	t.Helper()
	if err := db.Do(context.Background(), WorkFunc(f)); err != nil {
		t.Fatal(err)
	}
}

// insert returns work that writes one row into table t (id, v).
func insert(id int) Work {
	return WorkFunc(func(tx *Tx) error {
		tx.Touch("t")
		if err := tx.Exec("INSERT INTO t (id, v) VALUES (?, ?)", id, "v"); err != nil {
			return err
		}
		tx.Emit(id)
		return nil
	})
}

// hold occupies the Writer until release is called, so that what is submitted meanwhile becomes one group.
func hold(t testing.TB, db *DB) (release func()) {
	t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	err := db.Submit(&Unit{Work: WorkFunc(func(*Tx) error {
		once.Do(func() { close(entered) })
		<-leave
		return nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	<-entered
	return func() { close(leave) }
}

// together runs all works in one group, as far as they let it, and returns their outcomes.
func together(t testing.TB, db *DB, works []Work) []error {
	t.Helper()
	return togetherAs(t, db, false, works)
}

// togetherAs is together for units of one kind.
func togetherAs(t testing.TB, db *DB, shared bool, works []Work) []error {
	t.Helper()
	release := hold(t, db)
	errs := make([]error, len(works))
	var wg sync.WaitGroup
	for i, w := range works {
		wg.Add(1)
		if err := db.Submit(&Unit{Work: w, Shared: shared, Done: func(err error) { errs[i] = err; wg.Done() }}); err != nil {
			t.Fatal(err)
		}
	}
	release()
	wg.Wait()
	return errs
}

// ints reads one column of numbers on a Reader.
func ints(t testing.TB, db *DB, sql string, args ...any) (all []int) {
	t.Helper()
	err := db.Read(context.Background(), func(r *Reader) error {
		all = all[:0]
		s, err := r.Prepare(sql)
		if err != nil {
			return err
		}
		if err := Bind(s, args...); err != nil {
			return err
		}
		for {
			row, err := s.Step()
			if err != nil || !row {
				return err
			}
			all = append(all, s.ColumnInt(0))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// interruptor adds the SQL function interrupt(), which interrupts the statement that calls it.
func interruptor(conn *zsqlite.Conn) error {
	return conn.CreateFunction("interrupt", &zsqlite.FunctionImpl{
		Scalar: func(zsqlite.Context, []zsqlite.Value) (zsqlite.Value, error) {
			c := &connection{Conn: conn}
			if err := c.findHandle(); err != nil {
				return zsqlite.Value{}, err
			}
			c.interrupt(c.tls)
			return zsqlite.IntegerValue(0), nil
		},
	})
}

const tableT = "CREATE TABLE t (id INTEGER PRIMARY KEY, v)"
