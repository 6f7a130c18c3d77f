package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
)

// synced is the state of the files at the moment of an acknowledgement: with FULL everything up to the log's length is on disk.
type synced struct {
	wal          int64
	acknowledged []int
}

// TestPowerLoss keeps the length that the write-ahead log had at each acknowledgement, cuts the log there and at random places, as a loss of power may,
// and compares what the file then holds with what had been acknowledged.
func TestPowerLoss(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data.db")
	db := openTest(t, Options{Path: path}, tableT, "CREATE TABLE pair (id INTEGER PRIMARY KEY)")
	err := db.Maintain(context.Background(), func(c *zsqlite.Conn) error {
		return (&connection{Conn: c}).run("PRAGMA wal_checkpoint(TRUNCATE)")
	})
	if err != nil {
		t.Fatal(err)
	}

	states := acknowledgements(t, db, path)
	file, wal := mustRead(t, path), mustRead(t, path+"-wal")
	if len(states) == 0 || states[len(states)-1].wal > int64(len(wal)) {
		t.Fatal("the log was reset under the test; its cuts would mean nothing")
	}

	step := max(1, len(states)/25)
	for i := 0; i < len(states); i += step {
		auditCut(t, file, wal, states[i].wal, states)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		auditCut(t, file, wal, random.Int64N(int64(len(wal))+1), states)
	}
	auditCut(t, file, wal, int64(len(wal)), states)
}

// acknowledgements sends units from several clients at once and returns the state at each acknowledgement, in the order of these.
func acknowledgements(t *testing.T, db *DB, path string) (states []synced) {
	var mu sync.Mutex
	var acknowledged []int
	acknowledge := func(id int) {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		acknowledged = append(acknowledged, id)
		states = append(states, synced{info.Size(), slices.Clone(acknowledged)})
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 12 {
				id := g*100 + i
				err := make(chan error, 1)
				u := &Unit{Work: inPairs(id), Client: fmt.Sprint(g), Done: func(e error) {
					if e == nil {
						acknowledge(id)
					}
					err <- e
				}}
				if e := db.Submit(u); e != nil {
					t.Error(e)
					return
				}
				if e := <-err; (e != nil) != (i%5 == 4) {
					t.Errorf("unit %d: %v", id, e)
				}
			}
		})
	}
	wg.Wait()
	return states
}

// inPairs writes id into two tables, so that half of a unit shows. Every fifth unit fails after writing.
func inPairs(id int) Work {
	return WorkFunc(func(tx *Tx) error {
		for _, sql := range []string{"INSERT INTO t VALUES (?, zeroblob(500))", "INSERT INTO pair VALUES (?)"} {
			if err := tx.Exec(sql, id); err != nil {
				return err
			}
		}
		tx.Emit(id)
		if id%100%5 == 4 {
			return tx.Exec("INSERT OR FAIL INTO pair VALUES (?)", id)
		}
		return nil
	})
}

// auditCut opens the file with the first length bytes of the log.
func auditCut(t *testing.T, file, wal []byte, length int64, states []synced) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.db")
	for name, content := range map[string][]byte{path: file, path + "-wal": wal[:length]} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db := openTest(t, Options{Path: path})
	defer db.Close()
	rows := ints(t, db, "SELECT id FROM t")
	if pairs := ints(t, db, "SELECT id FROM pair ORDER BY id"); !slices.Equal(rows, pairs) {
		t.Errorf("cut at %d: half-done units: %v beside %v", length, rows, pairs)
	}
	if n := ints(t, db, "SELECT seq FROM _troupe_commits")[0]; n != len(rows) {
		t.Errorf("cut at %d: %d rows, but the sequence is at %d", length, len(rows), n)
	}
	for _, id := range rows {
		if id%100%5 == 4 {
			t.Errorf("cut at %d: unit %d failed and is there", length, id)
		}
	}
	for _, s := range states {
		if s.wal > length {
			continue
		}
		for _, id := range s.acknowledged {
			if _, found := slices.BinarySearch(rows, id); !found {
				t.Fatalf("cut at %d: unit %d was acknowledged at %d and is lost", length, id, s.wal)
			}
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
