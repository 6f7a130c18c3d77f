package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/storage/sqlite/faultfs"
	zsqlite "zombiezen.com/go/sqlite"
)

const tableRows = "CREATE TABLE rows (id INTEGER PRIMARY KEY, v UNIQUE)"

// rowsRig writes at random to the table "rows". One goroutine may use it.
type rowsRig struct {
	t       *testing.T
	db      *DB
	disk    *faultfs.Disk
	foreign *zsqlite.Conn
	random  *rand.Rand
	steps   []func(g *rowsRig, tx *Tx) error
	next    int
}

// runRows prepares and runs a statement of our own.
func runRows(tx *Tx, e Effect, sql string, args ...any) error {
	s, err := tx.Prepare(sql)
	if err != nil {
		return err
	}
	if err := Bind(s, args...); err != nil {
		return err
	}
	return tx.Run(s, "rows", e)
}

func (g *rowsRig) add(tx *Tx) error {
	g.next++
	return runRows(tx, Adds, "INSERT INTO rows (v) VALUES (?)", g.next)
}

func (g *rowsRig) remove(tx *Tx) error {
	return runRows(tx, Removes, "DELETE FROM rows WHERE id IN (SELECT id FROM rows ORDER BY v % ? LIMIT ?)", g.random.IntN(9)+1, g.random.IntN(4))
}

var errWanted = errors.New("wanted")

// rowsSteps are what happens to the table, each as a unit of its own or as one among others. A unit may run twice.
var rowsSteps = []func(g *rowsRig, tx *Tx) error{
	func(g *rowsRig, tx *Tx) error { return g.add(tx) },
	func(g *rowsRig, tx *Tx) error { return errors.Join(g.add(tx), g.add(tx)) },
	func(g *rowsRig, tx *Tx) error { return g.remove(tx) },
	func(g *rowsRig, tx *Tx) error { return runRows(tx, Keeps, "UPDATE rows SET v = -id WHERE v % 3 = 0") },
	func(g *rowsRig, tx *Tx) error { return errors.Join(g.add(tx), errWanted) },
	func(g *rowsRig, tx *Tx) error { return errors.Join(g.remove(tx), errWanted) },
	func(g *rowsRig, tx *Tx) error { // unique violation in the middle of a statement
		return runRows(tx, Adds, "INSERT INTO rows (v) SELECT abs(v) FROM rows ORDER BY v")
	},
	func(g *rowsRig, tx *Tx) error { // savepoints, one of them undone
		for _, undo := range []bool{true, false} {
			s, err := tx.Savepoint()
			if err == nil {
				err = errors.Join(g.add(tx), g.remove(tx))
			}
			if err == nil && undo {
				err = s.Undo()
			} else if err == nil {
				err = s.Keep()
			}
			if err != nil {
				return err
			}
		}
		return nil
	},
	func(g *rowsRig, tx *Tx) error { // unknown to the counter
		g.next++
		tx.Touch("rows")
		return tx.Exec("INSERT INTO rows (v) VALUES (?)", g.next)
	},
	func(g *rowsRig, tx *Tx) error {
		g.next++
		_, err := tx.Console(context.Background(), fmt.Sprintf("INSERT INTO rows (v) VALUES (%d); DELETE FROM rows WHERE id %% 7 = 0", g.next))
		return err
	},
	func(g *rowsRig, tx *Tx) error {
		_, err := tx.Query(context.Background(), &Query{SQL: "DELETE FROM rows WHERE id % 5 = ?", Args: []any{g.random.IntN(5)}})
		return err
	},
	func(g *rowsRig, tx *Tx) error { // a trigger that comes and goes
		_, err := tx.Console(context.Background(), "CREATE TRIGGER one_out AFTER INSERT ON rows BEGIN DELETE FROM rows WHERE id = new.id - 1; END")
		if err != nil {
			_, err = tx.Console(context.Background(), "DROP TRIGGER one_out")
		}
		return err
	},
	func(g *rowsRig, tx *Tx) error { // a COMMIT whose outcome has to be looked up
		fault := []faultfs.Fault{faultfs.IO, faultfs.ShortFull}[g.random.IntN(2)]
		failed := false
		g.disk.Inject(func(c faultfs.Call) faultfs.Fault {
			if failed || c.File != "data.db-wal" {
				return faultfs.None
			}
			failed = true
			return fault
		})
		return g.add(tx)
	},
	func(g *rowsRig, tx *Tx) error { // the end of everybody's transaction, and a statement that is committed alone
		err := runRows(tx, Adds, "INSERT OR ROLLBACK INTO rows (id, v) SELECT max(id), 0 FROM rows")
		if tx.Lost() {
			err = errors.Join(err, g.add(tx))
		}
		return err
	},
}

// group runs some steps together; their errors are part of the test.
func (g *rowsRig) group() {
	works := make([]Work, g.random.IntN(6)+1)
	for i := range works {
		step := g.steps[g.random.IntN(len(g.steps))]
		works[i] = WorkFunc(func(tx *Tx) error { return step(g, tx) })
	}
	together(g.t, g.db, works)
}

// others writes from another connection and waits until the Writer has noticed.
func (g *rowsRig) others() {
	for _, sql := range []string{"DELETE FROM rows WHERE id % 4 = 0", "INSERT OR IGNORE INTO rows (v) VALUES (-0.5)"} {
		s, _, err := g.foreign.PrepareTransient(sql)
		if err == nil {
			_, err = s.Step()
			err = errors.Join(err, s.Finalize())
		}
		if err != nil {
			g.t.Fatal(err)
		}
	}
	mustDo(g.t, g.db, func(*Tx) error { return nil })
}

func (g *rowsRig) define() {
	err := g.db.Change(context.Background(), func(tx *Tx) error { return tx.Exec("INSERT INTO rows (v) VALUES ('at a change of the schema')") }, nil)
	if err != nil && !errors.As(err, new(*UniqueError)) {
		g.t.Fatal(err)
	}
}

// rowsNow asks for the number of rows.
func (db *DB) rowsNow(t *testing.T) (n int) {
	t.Helper()
	err := db.Read(context.Background(), func(r *Reader) (err error) {
		n, err = db.Rows(context.Background(), r, "rows")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Whatever is done to a table, its number of rows is what COUNT(*) says.
func TestLaw4_RowsAfterRandomWrites(t *testing.T) {
	disk := newDisk(t)
	db := openTest(t, onDisk(disk, Options{Sync: Normal}), tableRows)
	conn, err := zsqlite.OpenConn(db.options.Path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	g := &rowsRig{t: t, db: db, disk: disk, foreign: conn, random: rand.New(rand.NewPCG(1, 2)), steps: rowsSteps}
	followed := 0
	for i := range 500 {
		known := db.counts.known("rows")
		switch g.random.IntN(20) {
		case 0:
			g.others()
		case 1:
			g.define()
		default:
			g.group()
		}
		if known && db.counts.known("rows") {
			followed++
		}
		if got, want := db.rowsNow(t), ints(t, db, "SELECT COUNT(*) FROM rows")[0]; got != want {
			t.Fatalf("after step %d: %d rows, want %d", i, got, want)
		}
	}
	if followed < 50 {
		t.Errorf("only %d of 500 steps kept the number of rows", followed)
	}
}

func (c *counts) known(table string) bool {
	_, ok, _ := c.current(table)
	return ok
}

// stated returns the number of rows and the group as of which it is that, if it is known.
func (c *counts) stated(table string) (group uint64, rows int, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t := c.tables[table]
	if t == nil || !t.known {
		return 0, 0, false
	}
	return max(c.group, t.group), t.rows, true
}

// Readers that count while groups are committed find, for each group, one number: that of the snapshots with that group.
func TestLaw4_RowsBesideReaders(t *testing.T) {
	db := openTest(t, Options{Sync: Normal}, tableRows)
	var stop atomic.Bool
	var wg sync.WaitGroup
	var mu sync.Mutex
	counted, stated := make(map[uint64]int), make(map[uint64]int)
	note := func(seen map[uint64]int, group uint64, rows int) {
		mu.Lock()
		defer mu.Unlock()
		if was, ok := seen[group]; ok && was != rows {
			t.Errorf("group %d has %d rows and %d", group, was, rows)
		}
		seen[group] = rows
	}
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				if n := db.rowsNow(t); n < 0 {
					t.Errorf("%d rows", n)
				}
				if group, rows, ok := db.counts.stated("rows"); ok {
					note(stated, group, rows)
				}
				err := db.Read(context.Background(), func(r *Reader) error {
					rows, group, err := countRows(r, "rows")
					note(counted, group, rows)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	// The last step makes a commit without a group, which these readers cannot tell from others.
	g := &rowsRig{t: t, db: db, random: rand.New(rand.NewPCG(3, 4)), steps: rowsSteps[:len(rowsSteps)-1]}
	for range 500 {
		g.group()
	}
	stop.Store(true)
	wg.Wait()
	both := 0
	for group, rows := range stated {
		if want, ok := counted[group]; ok {
			both++
			if rows != want {
				t.Errorf("as of group %d: %d rows, want %d", group, rows, want)
			}
		}
	}
	if both < 20 {
		t.Errorf("only %d groups were seen both ways", both)
	}
}

func TestRowsOfTablesThatCannotBeFollowed(t *testing.T) {
	db := openTest(t, Options{}, "CREATE TABLE kept (v)", "CREATE TABLE rows (v UNIQUE ON CONFLICT REPLACE)", "CREATE VIEW seen AS SELECT v FROM kept")
	for table, want := range map[string]error{"kept": nil, "rows": ErrUncounted, "seen": ErrUncounted} {
		for range 2 {
			err := db.Read(context.Background(), func(r *Reader) error {
				_, err := db.Rows(context.Background(), r, table)
				return err
			})
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", table, err, want)
			}
		}
	}
}

// Between COMMIT and its publication a snapshot holds what no version tells of yet: nobody may say that rows were only added.
func TestLaw4_OnlyGrewKnowsOfUnpublishedGroups(t *testing.T) {
	db := openTest(t, Options{Sync: Normal}, tableRows)
	mustDo(t, db, func(tx *Tx) error { return runRows(tx, Adds, "INSERT INTO rows (v) VALUES (1), (2)") })
	for _, tt := range []struct {
		effect Effect
		sql    string
		want   bool
	}{{Adds, "INSERT INTO rows (v) VALUES (3)", true}, {Removes, "DELETE FROM rows WHERE v = 1", false}, {Keeps, "UPDATE rows SET v = 4 WHERE v = 2", false}} {
		noted := db.Rewrites("rows")
		group := func() uint64 { return uint64(ints(t, db, "SELECT "+LastGroup)[0]) }
		if !db.OnlyGrew("rows", noted, group()) {
			t.Errorf("before %s: false", tt.sql)
		}
		mustDo(t, db, func(tx *Tx) error {
			tx.w.committed = func() {
				tx.w.committed = nil
				if db.OnlyGrew("rows", noted, group()) {
					t.Errorf("%s, committed and not published: true", tt.sql)
				}
			}
			return runRows(tx, tt.effect, tt.sql)
		})
		if got := db.OnlyGrew("rows", noted, group()); got != tt.want {
			t.Errorf("after %s: %v", tt.sql, got)
		}
	}
}

func TestRewritesStayWhenRowsAreAdded(t *testing.T) {
	db := openTest(t, Options{Sync: Normal}, tableRows)
	for _, tt := range []struct {
		name  string
		apply func(tx *Tx) error
		moves bool
	}{
		{"insert", func(tx *Tx) error { return runRows(tx, Adds, "INSERT INTO rows (v) VALUES (1), (2)") }, false},
		{"failure", func(tx *Tx) error {
			return errors.Join(runRows(tx, Removes, "DELETE FROM rows"), errWanted)
		}, false},
		{"nothing deleted", func(tx *Tx) error { return runRows(tx, Removes, "DELETE FROM rows WHERE v = 77") }, false},
		{"update", func(tx *Tx) error { return runRows(tx, Keeps, "UPDATE rows SET v = 8 WHERE v = 1") }, true},
		{"delete", func(tx *Tx) error { return runRows(tx, Removes, "DELETE FROM rows WHERE v = 2") }, true},
		{"touch", func(tx *Tx) error { tx.Touch("rows"); return tx.Exec("INSERT INTO rows (v) VALUES (10)") }, true},
		{"console", func(tx *Tx) error {
			_, err := tx.Console(context.Background(), "INSERT INTO rows (id, v) VALUES (-5, 9)")
			return err
		}, true},
	} {
		noted := db.Rewrites("rows")
		if err := db.Do(context.Background(), WorkFunc(tt.apply)); err != nil && !errors.Is(err, errWanted) {
			t.Fatal(tt.name, err)
		}
		if moved := db.Rewrites("rows") != noted; moved != tt.moves {
			t.Errorf("%s: moved %v, want %v", tt.name, moved, tt.moves)
		}
	}
	noted := db.Rewrites("rows")
	if err := db.Change(context.Background(), func(*Tx) error { return nil }, nil); err != nil {
		t.Fatal(err)
	}
	if db.Rewrites("rows") == noted {
		t.Error("stays at a change of the schema")
	}
}
