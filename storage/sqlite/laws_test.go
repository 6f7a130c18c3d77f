package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/internal/routine"
)

func TestLaw3_DeadlineRemovesAQueuedUnit(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	release := hold(t, db)
	expired, given := make(chan error, 1), make(chan error, 1)
	if err := db.Submit(&Unit{Work: insert(1), Deadline: time.Now(), Done: func(err error) { expired <- err }}); err != nil {
		t.Fatal(err)
	}
	if err := <-expired; !errors.Is(err, ErrNotWritten) { // while the Writer is still held
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { given <- db.Do(ctx, insert(2)) }()
	cancel()
	if err := <-given; !errors.Is(err, ErrNotWritten) {
		t.Error(err)
	}
	release()
	mustDo(t, db, insert(3).Apply)
	if got := ints(t, db, "SELECT id FROM t"); !slices.Equal(got, []int{3}) {
		t.Error(got)
	}
}

func TestLaw3_OnceBegunTheCallerWaits(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	ctx, cancel := context.WithCancel(context.Background())
	err := db.Do(ctx, WorkFunc(func(tx *Tx) error {
		cancel()
		return insert(1).Apply(tx)
	}))
	if err != nil {
		t.Error(err)
	}
	if got := ints(t, db, "SELECT id FROM t"); !slices.Equal(got, []int{1}) {
		t.Error(got)
	}
}

func TestLaw4_VersionsMoveBeforeTheAnswer(t *testing.T) {
	var db *DB
	var inCommitted uint64
	db = openTest(t, Options{}, tableT)
	before, other := db.Version("t"), db.Version("other")
	noted := db.Note([]string{"t"})
	db.options.Committed = func(Group) { inCommitted = db.Version("t") }
	mustDo(t, db, func(tx *Tx) error {
		if !tx.Current(noted) {
			t.Error("moved before it was written")
		}
		if err := insert(1).Apply(tx); err != nil {
			return err
		}
		if db.Version("t") != before {
			t.Error("published before COMMIT")
		}
		if tx.Current(noted) || !tx.Touched("t") {
			t.Error("the group's own write does not count")
		}
		return nil
	})
	after := db.Version("t")
	if after == before || inCommitted != after || db.Current(noted) {
		t.Errorf("before %d, in Committed %d, after %d", before, inCommitted, after)
	}
	if db.Version("other") != other {
		t.Error("an untouched table moved")
	}
	err := db.Do(context.Background(), WorkFunc(func(tx *Tx) error { tx.Touch("t"); return errors.New("no") }))
	if err == nil || db.Version("t") == after {
		t.Error("a rolled-back unit raised nothing")
	}
}

// TestLaw4_NothingStaleIsUsed caches a count under the versions as a caller does, beside writers, and never sees less than what was answered.
func TestLaw4_NothingStaleIsUsed(t *testing.T) {
	db := openTest(t, Options{Sync: Normal}, tableT)
	type entry struct {
		noted Versions
		count int
	}
	var cached entry
	for i := range 300 {
		mustDo(t, db, insert(i).Apply)
		if cached.noted == nil || !db.Current(cached.noted) {
			noted := db.Note([]string{"t"})
			cached = entry{noted, ints(t, db, "SELECT count(*) FROM t")[0]}
		}
		if cached.count != i+1 {
			t.Fatalf("after %d writes the cache says %d", i+1, cached.count)
		}
	}
}

func TestLaw6_ForeignWrites(t *testing.T) {
	var mu sync.Mutex
	called := make(chan struct{}, 100)
	path := filepath.Join(t.TempDir(), "data.db")
	var db *DB
	db = openTest(t, Options{Path: path, Foreign: func() {
		mu.Lock()
		defer mu.Unlock()
		if got := ints(t, db, "SELECT count(*) FROM t"); got[0] == 0 { // reading is allowed here
			t.Error("called before the write")
		}
		called <- struct{}{}
	}}, tableT)
	other, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c := &connection{Conn: other}

	before := db.Version("t")
	if err := c.run("INSERT INTO t VALUES (1, 1)"); err != nil {
		t.Fatal(err)
	}
	<-called // by the idle Writer
	if db.Version("t") == before {
		t.Error("the version did not move")
	}

	before = db.Version("t")
	mustDo(t, db, func(tx *Tx) error { return nil })
	if db.Version("t") != before {
		t.Error("our own writes count as foreign")
	}
	if err := c.run("UPDATE _troupe_commits SET `group` = 500, seq = 7000"); err != nil {
		t.Fatal(err)
	}
	mustDo(t, db, func(tx *Tx) error {
		if db.Version("t") == before {
			t.Error("the group began without looking")
		}
		return insert(2).Apply(tx)
	})
	if got := ints(t, db, "SELECT seq FROM _troupe_commits"); got[0] != 7001 {
		t.Errorf("the sequence went back: %v", got)
	}
}

func TestLaw6_LockDir(t *testing.T) {
	dir := t.TempDir()
	unlock, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDir(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("a second lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestLaw8_AloneUnitsHaveTheirOwnGroup(t *testing.T) {
	var groups [][]any
	db := openTest(t, Options{Committed: func(g Group) { groups = append(groups, g.Changes) }}, tableT)
	release := hold(t, db)
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Add(1)
		if err := db.Submit(&Unit{Work: insert(i), Alone: i == 2, Done: func(error) { wg.Done() }}); err != nil {
			t.Fatal(err)
		}
	}
	release()
	wg.Wait()
	if got := fmt.Sprint(groups); got != "[[0 1] [2] [3 4]]" {
		t.Error(got)
	}
}

func TestLaw11_SequenceSurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	var numbers []uint64
	collect := func(g Group) {
		for i := range g.Changes {
			numbers = append(numbers, g.Seq+uint64(i))
		}
	}
	schema := []string{tableT}
	for round := range 3 {
		db := openTest(t, Options{Path: path, Committed: collect}, schema...)
		schema = nil
		works := make([]Work, 20)
		for i := range works {
			works[i] = insert(round*100 + i%15) // the last five fail
		}
		together(t, db, works)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(numbers) != 45 {
		t.Fatalf("%d changes", len(numbers))
	}
	for i, n := range numbers {
		if n != uint64(i+1) {
			t.Fatalf("numbers %v", numbers)
		}
	}
}

func TestLaw12_PanicsInCallbacks(t *testing.T) {
	db := openTest(t, Options{
		Committed:  func(Group) { panic("committed") },
		Committing: func(Group) { panic("committing") },
	}, tableT)
	if err := db.Submit(&Unit{Work: insert(1), Done: func(error) { panic("done") }}); err != nil {
		t.Fatal(err)
	}
	mustDo(t, db, insert(2).Apply)
	if got := ints(t, db, "SELECT id FROM t"); len(got) != 2 {
		t.Error(got)
	}
	func() {
		defer func() { recover() }()
		_ = db.Read(context.Background(), func(*Reader) error { panic("read") })
	}()
	if n := len(db.pool.lent); n != 0 {
		t.Errorf("%d Readers were not given back", n)
	}
}

// TestLaw12_PanicsInUnits: a unit that panics is answered so, leaves nothing, and takes neither the Writer nor other units along.
func TestLaw12_PanicsInUnits(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	err := db.Do(context.Background(), WorkFunc(func(tx *Tx) error {
		if err := insert(1).Apply(tx); err != nil {
			return err
		}
		panic("unit")
	}))
	var p *routine.Panic
	if !errors.As(err, &p) || p.Value != "unit" {
		t.Errorf("the unit was answered %v", err)
	}
	mustDo(t, db, insert(2).Apply)
	if got := ints(t, db, "SELECT id FROM t"); !slices.Equal(got, []int{2}) {
		t.Error(got)
	}
}

func TestLaw13_QueueIsBounded(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	release := hold(t, db)
	defer release()
	nothing := WorkFunc(func(*Tx) error { return nil })
	for range maxQueued {
		if err := db.Submit(&Unit{Work: nothing}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Submit(&Unit{Work: nothing}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	db := openTest(t, Options{Path: path}, tableT)
	release := hold(t, db)
	done := make(chan error, 1)
	if err := db.Submit(&Unit{Work: insert(1), Done: func(err error) { done <- err }}); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	release()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("an accepted unit was answered %v", err)
	}
	if err := db.Submit(&Unit{Work: insert(2)}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := db.Read(context.Background(), func(*Reader) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", suffix, err)
		}
	}
}

func TestMaintain(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	err := db.Maintain(context.Background(), func(c *zsqlite.Conn) error { return (&connection{Conn: c}).run("VACUUM") })
	if err != nil {
		t.Fatal(err)
	}
	err = db.Maintain(context.Background(), func(c *zsqlite.Conn) error { return (&connection{Conn: c}).run("BEGIN") })
	if err != nil {
		t.Fatal(err)
	}
	mustDo(t, db, insert(1).Apply) // the open transaction was ended
}
