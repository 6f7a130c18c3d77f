package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// point is a unit's step that makes a savepoint and returns it.
func point(t *testing.T, tx *Tx) Savepoint {
	t.Helper()
	s, err := tx.Savepoint()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// savepointCases are what a unit does with savepoints, and the rows that are there afterwards.
var savepointCases = []struct {
	name  string
	steps func(t *testing.T, tx *Tx, write func(id int))
	want  []int
}{
	{"kept", func(t *testing.T, tx *Tx, write func(id int)) {
		write(1)
		s := point(t, tx)
		write(2)
		must(t, s.Keep())
		write(3)
	}, []int{1, 2, 3}},
	{"undone", func(t *testing.T, tx *Tx, write func(id int)) {
		write(1)
		s := point(t, tx)
		write(2)
		must(t, s.Undo())
		write(3)
	}, []int{1, 3}},
	{"undone at the beginning", func(t *testing.T, tx *Tx, write func(id int)) {
		s := point(t, tx)
		write(1)
		must(t, s.Undo())
	}, nil},
	{"empty", func(t *testing.T, tx *Tx, write func(id int)) {
		write(1)
		must(t, point(t, tx).Undo())
		must(t, point(t, tx).Keep())
		write(2)
	}, []int{1, 2}},
	{"inner undone, outer kept", func(t *testing.T, tx *Tx, write func(id int)) {
		outer := point(t, tx)
		write(1)
		inner := point(t, tx)
		write(2)
		must(t, inner.Undo())
		write(3)
		must(t, outer.Keep())
	}, []int{1, 3}},
	{"inner kept, outer undone", func(t *testing.T, tx *Tx, write func(id int)) {
		write(1)
		outer := point(t, tx)
		write(2)
		inner := point(t, tx)
		write(3)
		must(t, inner.Keep())
		must(t, outer.Undo())
		write(4)
	}, []int{1, 4}},
	{"three deep", func(t *testing.T, tx *Tx, write func(id int)) {
		a := point(t, tx)
		write(1)
		b := point(t, tx)
		write(2)
		c := point(t, tx)
		write(3)
		must(t, c.Undo())
		write(4)
		must(t, b.Keep())
		write(5)
		must(t, a.Keep())
	}, []int{1, 2, 4, 5}},
	{"one after the other", func(t *testing.T, tx *Tx, write func(id int)) {
		for id := range 10 {
			s := point(t, tx)
			write(id)
			if id%3 == 0 {
				must(t, s.Undo())
			} else {
				must(t, s.Keep())
			}
		}
	}, []int{1, 2, 4, 5, 7, 8}},
	{"a row written again after it was undone", func(t *testing.T, tx *Tx, write func(id int)) {
		s := point(t, tx)
		write(1)
		must(t, s.Undo())
		write(1)
	}, []int{1}},
}

// TestSavepoints: what was written and emitted since an undone savepoint is gone, all else is there, in order; inside of a
// unit that has a transaction of its own and inside of one that shares it.
func TestSavepoints(t *testing.T) {
	for _, c := range savepointCases {
		t.Run(c.name, func(t *testing.T) {
			for _, company := range []int{0, 3} {
				testSavepoints(t, company, c.steps, c.want)
			}
		})
	}
}

// testSavepoints runs the steps in a unit beside company others, and holds rows and changes against what is wanted.
func testSavepoints(t *testing.T, company int, steps func(t *testing.T, tx *Tx, write func(id int)), want []int) {
	var committed []int
	db := openTest(t, Options{Committed: func(g Group) {
		for _, change := range g.Changes {
			committed = append(committed, change.(int))
		}
	}}, tableT)
	works := []Work{WorkFunc(func(tx *Tx) error {
		steps(t, tx, func(id int) { t.Helper(); must(t, insert(id).Apply(tx)) })
		return nil
	})}
	want = slices.Clone(want)
	for i := range company {
		works = append(works, insert(100+i))
		want = append(want, 100+i)
	}
	for _, err := range together(t, db, works) {
		must(t, err)
	}
	if got := ints(t, db, "SELECT id FROM t ORDER BY id"); !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	must(t, db.Close())
	if !slices.Equal(committed, want) {
		t.Errorf("changes %v, want %v", committed, want)
	}
}

// TestSavepointOfAFailingUnit: what a savepoint kept goes with the unit.
func TestSavepointOfAFailingUnit(t *testing.T) {
	var committed []int
	db := openTest(t, Options{Committed: func(g Group) {
		for _, change := range g.Changes {
			committed = append(committed, change.(int))
		}
	}}, tableT)
	errs := together(t, db, []Work{insert(1), WorkFunc(func(tx *Tx) error {
		s := point(t, tx)
		must(t, insert(2).Apply(tx))
		must(t, s.Keep())
		open := point(t, tx) // left open: it ends with the unit
		_ = open
		must(t, insert(3).Apply(tx))
		return errors.New("no")
	}), insert(4)})
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("outcomes %v", errs)
	}
	if got := ints(t, db, "SELECT id FROM t ORDER BY id"); !slices.Equal(got, []int{1, 4}) {
		t.Errorf("rows %v", got)
	}
	must(t, db.Close())
	if !slices.Equal(committed, []int{1, 4}) {
		t.Errorf("changes %v", committed)
	}
}

// TestUndoneTablesStayTouched: a cache that was filled from a look between must not survive.
func TestUndoneTablesStayTouched(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	before := db.Version("t")
	mustDo(t, db, func(tx *Tx) error {
		s := point(t, tx)
		must(t, insert(1).Apply(tx))
		must(t, s.Undo())
		if !tx.Touched("t") {
			t.Error("the table is not touched any more")
		}
		return nil
	})
	if after := db.Version("t"); after == before {
		t.Errorf("the version stayed %d", after)
	}
}

// TestLaw1_SavepointOfALostTransaction: when SQLite ended the transaction inside of a savepoint, the unit can tell, neither
// end of the savepoint makes it whole again, and nothing of it is written.
func TestLaw1_SavepointOfALostTransaction(t *testing.T) {
	for _, f := range faults {
		if f.name != "interrupt" && f.name != "or rollback" && f.name != "own rollback" {
			continue // the others leave the transaction
		}
		for _, end := range []struct {
			name string
			end  func(s Savepoint) error
		}{{"undo", Savepoint.Undo}, {"keep", Savepoint.Keep}} {
			t.Run(f.name+"/"+end.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "data.db")
				db := openTest(t, Options{Path: path, Connect: interruptor}, faultSchema...)
				err := db.Do(context.Background(), WorkFunc(func(tx *Tx) error {
					must(t, insert(1).Apply(tx))
					s := point(t, tx)
					must(t, insert(2).Apply(tx))
					if err := f.fail(tx); err == nil && f.name != "own rollback" {
						t.Error("the fault did not fail")
					}
					if !tx.Lost() {
						t.Error("the transaction is still there")
					}
					if err := end.end(s); err == nil {
						t.Error("a savepoint ended without its transaction")
					}
					if !tx.Lost() {
						t.Error("the transaction came back")
					}
					return nil // the error is swallowed
				}))
				if err == nil {
					t.Error("a lost transaction was answered with success")
				}
				must(t, db.Close())
				db = openTest(t, Options{Path: path})
				if got := ints(t, db, "SELECT id FROM t"); !slices.Equal(got, []int{1000}) {
					t.Errorf("rows %v", got)
				}
			})
		}
	}
}

// TestLaw1_FaultsInASavepointThatLeaveTheTransaction: a full disk or a violated constraint is undone by the savepoint alone.
func TestLaw1_FaultsInASavepointThatLeaveTheTransaction(t *testing.T) {
	for _, f := range faults {
		if f.name != "unique" && f.name != "full" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			db := openTest(t, Options{Connect: interruptor}, faultSchema...)
			lost := false
			err := db.Do(context.Background(), WorkFunc(func(tx *Tx) error {
				must(t, insert(1).Apply(tx))
				s := point(t, tx)
				must(t, insert(2).Apply(tx))
				if err := f.fail(tx); !f.check(err) {
					t.Errorf("the fault: %v", err)
				}
				if lost = tx.Lost(); lost {
					return nil
				}
				must(t, s.Undo())
				return insert(3).Apply(tx)
			}))
			want := []int{1, 3, 1000}
			if lost {
				want = []int{1000}
			}
			if lost == (err == nil) {
				t.Errorf("lost %v, outcome %v", lost, err)
			}
			if got := ints(t, db, "SELECT id FROM t ORDER BY id"); !slices.Equal(got, want) {
				t.Errorf("rows %v, want %v", got, want)
			}
		})
	}
}

// TestReadInATransactionEndsWithItsContext: a read of user code must not keep the Writer, and takes nothing of the transaction
// along when it is ended.
func TestReadInATransactionEndsWithItsContext(t *testing.T) {
	db := openTest(t, Options{}, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	mustDo(t, db, func(tx *Tx) error {
		must(t, tx.Exec("INSERT INTO t VALUES (1)"))
		ctx, cancel := context.WithCancel(context.Background())
		err := tx.Read(ctx, func() error {
			s, err := tx.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
			if err != nil {
				return err
			}
			time.AfterFunc(10*time.Millisecond, cancel)
			_, err = s.Step()
			return err
		})
		if !errors.Is(err, ErrInterrupted) {
			t.Errorf("an endless read ended with %v", err)
		}
		if tx.Lost() {
			t.Error("the transaction is gone")
		}
		return tx.Exec("INSERT INTO t VALUES (2)")
	})
	if got := ints(t, db, "SELECT id FROM t"); len(got) != 2 {
		t.Errorf("stored: %v", got)
	}
}
