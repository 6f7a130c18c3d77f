package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/internal/routine"
)

// faults are the ways in which one unit of a group fails after it wrote its row.
var faults = []struct {
	name  string
	fail  func(tx *Tx) error
	check func(err error) bool
}{
	{"unique", func(tx *Tx) error { return tx.Exec("INSERT INTO t (id, v) VALUES (1000, 'again')") },
		func(err error) bool {
			u := (*UniqueError)(nil)
			return errors.As(err, &u) && slices.Equal(u.Columns, []string{"t.id"})
		}},
	{"interrupt", func(tx *Tx) error { return tx.Exec("INSERT INTO t (v) SELECT interrupt() FROM many") },
		func(err error) bool { return isCode(err, zsqlite.ResultInterrupt) }},
	{"or rollback", func(tx *Tx) error { return tx.Exec("INSERT OR ROLLBACK INTO t (id, v) VALUES (1000, 'again')") },
		func(err error) bool { return err != nil }},
	{"full", func(tx *Tx) (err error) {
		if err := tx.Exec("PRAGMA max_page_count = 1"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tx.Exec("PRAGMA max_page_count = 1073741823")) }()
		return tx.Exec("INSERT INTO t (v) VALUES (zeroblob(1000000))")
	}, func(err error) bool { return errors.Is(err, ErrDiskFull) && isCode(err, zsqlite.ResultFull) }},
	{"deferred foreign key", func(tx *Tx) error { return tx.Exec("INSERT INTO child VALUES (77)") },
		func(err error) bool { return isCode(err, zsqlite.ResultConstraint) }},
	{"panic", func(tx *Tx) error { panic("boom") },
		func(err error) bool { p := (*routine.Panic)(nil); return errors.As(err, &p) }},
	{"panic in the middle of a statement", func(tx *Tx) error {
		s, err := tx.Prepare("INSERT INTO t (v) SELECT 1 FROM many RETURNING id")
		if err != nil {
			return err
		}
		if _, err := s.Step(); err != nil {
			return err
		}
		panic("boom")
	}, func(err error) bool { p := (*routine.Panic)(nil); return errors.As(err, &p) }},
	{"own rollback", func(tx *Tx) error { return tx.Exec("ROLLBACK") },
		func(err error) bool { return errors.Is(err, errTransactionEnded) }},
	{"own rollback, then writing", func(tx *Tx) error {
		return errors.Join(tx.Exec("ROLLBACK"), errors.New("gave up"))
	}, func(err error) bool { return err != nil }},
}

var faultSchema = []string{
	tableT,
	"INSERT INTO t VALUES (1000, 'there')",
	"CREATE TABLE many (n)",
	"INSERT INTO many VALUES (1), (2), (3), (4), (5), (6), (7), (8)",
	"CREATE TABLE parent (id INTEGER PRIMARY KEY)",
	"CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
}

func TestLaw1_FailingUnitTakesNobodyAlong(t *testing.T) {
	const units = 16
	for _, f := range faults {
		for _, at := range []int{0, 7, units - 1} {
			t.Run(fmt.Sprintf("%s/%d", f.name, at), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "data.db")
				var committed []int
				db := openTest(t, Options{Path: path, Connect: interruptor, Committed: func(g Group) {
					for _, c := range g.Changes {
						committed = append(committed, c.(int))
					}
				}}, faultSchema...)
				works := make([]Work, units)
				for i := range works {
					works[i] = insert(i)
				}
				works[at] = WorkFunc(func(tx *Tx) error {
					if err := insert(at).Apply(tx); err != nil {
						return err
					}
					return f.fail(tx)
				})
				errs := together(t, db, works)
				if !f.check(errs[at]) {
					t.Errorf("the failing unit was answered %v", errs[at])
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				db = openTest(t, Options{Path: path})
				want := auditUnits(t, db, errs)
				if len(want) != units-1 {
					t.Errorf("%d units succeeded: %v", len(want), errs)
				}
				if !slices.Equal(committed, want) {
					t.Errorf("reported changes of %v, want %v", committed, want)
				}
			})
		}
	}
}

// auditUnits compares the rows below 1000 with the answers: unit i wrote row i if and only if it was answered with nil.
func auditUnits(t *testing.T, db *DB, errs []error) (want []int) {
	t.Helper()
	for i, err := range errs {
		if err == nil {
			want = append(want, i)
		}
	}
	if got := ints(t, db, "SELECT id FROM t WHERE id < 1000 ORDER BY id"); !slices.Equal(got, want) {
		t.Errorf("rows %v, but the answers say %v", got, want)
	}
	if extra := ints(t, db, "SELECT count(*) FROM t WHERE id > 1000")[0]; extra != 0 {
		t.Errorf("%d rows of a failed unit are there", extra)
	}
	return want
}

func TestLaw1_EachUnitIsRunInOrderAgain(t *testing.T) {
	db := openTest(t, Options{}, faultSchema...)
	var seqs []uint64
	db.options.Committed = func(g Group) { seqs = append(seqs, g.Seq) }
	runs := make([]int, 3)
	works := make([]Work, 3)
	for i := range works {
		works[i] = WorkFunc(func(tx *Tx) error {
			runs[i]++
			tx.Emit(i)
			if i == 1 {
				return tx.Exec("INSERT OR ROLLBACK INTO t VALUES (1000, 'again')")
			}
			return tx.Exec("INSERT INTO t VALUES (?, 0)", i)
		})
	}
	errs := together(t, db, works)
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("answers %v", errs)
	}
	if !slices.Equal(runs, []int{2, 2, 1}) {
		t.Errorf("runs %v", runs)
	}
	if len(seqs) != 2 || seqs[1] != seqs[0]+1 {
		t.Errorf("sequence %v", seqs)
	}
}

func TestUniqueError(t *testing.T) {
	db := openTest(t, Options{},
		"CREATE TABLE a (id TEXT PRIMARY KEY NOT NULL, b TEXT, c TEXT, d TEXT)",
		"CREATE UNIQUE INDEX bc ON a (b, c)", "CREATE UNIQUE INDEX lowd ON a (lower(d))",
		"INSERT INTO a VALUES ('1', 'b', 'c', 'd')")
	for _, c := range []struct{ values, columns, index string }{
		{"'1', '', '', ''", "a.id", ""},
		{"'2', 'b', 'c', ''", "a.b a.c", ""},
		{"'2', '', '', 'D'", "", "lowd"},
	} {
		err := db.Do(context.Background(), WorkFunc(func(tx *Tx) error {
			return fmt.Errorf("wrapped: %w", tx.Exec("INSERT INTO a VALUES ("+c.values+")"))
		}))
		u := (*UniqueError)(nil)
		if !errors.As(err, &u) || strings.Join(u.Columns, " ") != c.columns || u.Index != c.index {
			t.Errorf("%s: %v, %+v", c.values, err, u)
		}
	}
	if err := Classify(&unknownError{zsqlite.ResultFull.ToError()}); errors.Is(err, ErrDiskFull) || !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("an unknown outcome became %v", err)
	}
	if err := Classify(errors.New("other")); err == nil || err.Error() != "other" {
		t.Error(err)
	}
}
