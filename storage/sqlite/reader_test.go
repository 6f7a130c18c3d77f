package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"
)

// endless is a query that does not end by itself within a test's time.
const endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

func run(r *Reader, sql string) error {
	s, err := r.Prepare(sql)
	if err != nil {
		return err
	}
	_, err = s.Step()
	return err
}

func TestRead_Interrupts(t *testing.T) {
	t.Run("read limit", func(t *testing.T) {
		db := openTest(t, Options{ReadLimit: 20 * time.Millisecond})
		err := db.Read(context.Background(), func(r *Reader) error { return run(r, endless) })
		if !errors.Is(err, ErrInterrupted) {
			t.Error(err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		db := openTest(t, Options{})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		err := db.Read(ctx, func(r *Reader) error {
			if err := r.Snapshot(); err != nil {
				return err
			}
			err := run(r, endless)
			if !r.Interrupted() {
				t.Error("Interrupted says no")
			}
			if next := run(r, endless); !errors.Is(next, ErrInterrupted) {
				t.Errorf("the next statement: %v", next)
			}
			return err
		})
		if !errors.Is(err, ErrInterrupted) {
			t.Error(err)
		}
	})
	t.Run("caller gone", func(t *testing.T) {
		db := openTest(t, Options{})
		ctx, cancel := context.WithCancel(context.Background())
		err := db.Read(ctx, func(r *Reader) error { cancel(); return run(r, endless) })
		if !errors.Is(err, ErrInterrupted) {
			t.Error(err)
		}
		if err := db.Read(ctx, func(r *Reader) error { return nil }); !errors.Is(err, ErrInterrupted) {
			t.Error(err)
		}
		for range 10 { // the connection is as good as new
			if got := ints(t, db, "SELECT 1"); !slices.Equal(got, []int{1}) {
				t.Error(got)
			}
		}
	})
}

// TestRead_LongReadsHoldUpNobody fills every place for short reads with endless ones.
func TestRead_LongReadsHoldUpNobody(t *testing.T) {
	db := openTest(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var long sync.WaitGroup
	for range db.pool.limits.cores + 2 {
		long.Go(func() {
			if err := db.Read(ctx, func(r *Reader) error { return run(r, endless) }); !errors.Is(err, ErrInterrupted) {
				t.Error(err)
			}
		})
	}
	for range 20 {
		ints(t, db, "SELECT 1")
	}
	cancel()
	long.Wait()
}

func TestLaw13_ReadersAreBounded(t *testing.T) {
	db := openTest(t, Options{})
	leave := make(chan struct{})
	var inside, held sync.WaitGroup
	for range db.pool.limits.of[short] + db.pool.limits.of[apart] {
		inside.Add(1)
		held.Go(func() {
			err := db.Read(context.Background(), func(r *Reader) error { inside.Done(); <-leave; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	inside.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	err := db.Read(ctx, func(r *Reader) error { return nil })
	if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrInterrupted) {
		t.Errorf("one too many: %v", err)
	}
	close(leave)
	held.Wait()
	ints(t, db, "SELECT 1")
	db.pool.mu.Lock()
	defer db.pool.mu.Unlock()
	if p := db.pool; p.open > p.limits.readers() || p.taken != [places]int{} || p.waiting[short].n != 0 {
		t.Errorf("open %d, taken %d, waiting %d", p.open, p.taken, p.waiting[short].n)
	}
}

func TestRead_ManyAtOnce(t *testing.T) {
	db := openTest(t, Options{Sync: Normal}, tableT)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 200 {
				if i%50 == 0 {
					mustDo(t, db, insert(g*1000+i).Apply)
				}
				ints(t, db, "SELECT count(*) FROM t WHERE id <> ?", i)
			}
		})
	}
	wg.Wait()
}

func TestRead_CannotWrite(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	err := db.Read(context.Background(), func(r *Reader) error { return run(r, "INSERT INTO t VALUES (1, 1)") })
	if err == nil {
		t.Error("a Reader wrote")
	}
}

func TestReader_Snapshot(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	count := func(r *Reader) int {
		s, err := r.Prepare("SELECT count(*) FROM t")
		if err == nil {
			_, err = s.Step()
		}
		if err != nil {
			t.Fatal(err)
		}
		n := s.ColumnInt(0)
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, snapshot := range []bool{true, false} {
		err := db.Read(context.Background(), func(r *Reader) error {
			if snapshot {
				if err := r.Snapshot(); err != nil {
					return err
				}
			}
			before := count(r)
			mustDo(t, db, insert(i).Apply)
			if after := count(r); (after == before) != snapshot {
				t.Errorf("snapshot %v: %d, then %d", snapshot, before, after)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestStatements(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	mustDo(t, db, func(tx *Tx) error {
		for i := range 3 * maxStatements {
			s, err := tx.Prepare(fmt.Sprintf("SELECT %d, ?", i))
			if err != nil {
				return err
			}
			if err := Bind(s, i); err != nil {
				return err
			}
			if _, err := s.Step(); err != nil {
				return err
			}
		}
		return nil
	})
	mustDo(t, db, func(tx *Tx) error {
		c := &tx.w.conn.cache
		if n := len(c.byKey); n > maxStatements {
			t.Errorf("%d statements are kept", n)
		}
		s, err := tx.Prepare(fmt.Sprintf("SELECT %d, ?", 3*maxStatements-1))
		if err != nil {
			return err
		}
		if _, err := s.Step(); err != nil || !s.ColumnIsNull(1) {
			t.Errorf("an old binding is left: %v", err)
		}
		for _, sql := range []string{"", " ", "-- nothing", "SELECT 1; SELECT 2", "SELEC"} {
			if _, err := tx.Prepare(sql); err == nil {
				t.Errorf("%q was prepared", sql)
			}
		}
		_, err = tx.Prepare("SELECT 1; \n")
		return err
	})
}

func TestBind(t *testing.T) {
	db := openTest(t, Options{})
	mustDo(t, db, func(tx *Tx) error {
		s, err := tx.Prepare("SELECT ?||typeof(?1), ?||typeof(?2), ?||typeof(?3), ?||typeof(?4), ?||typeof(?5), typeof(?), ?||typeof(?7), ?||typeof(?8)")
		if err != nil {
			return err
		}
		if err := Bind(s, "a", []byte("b"), 1, int64(2), 1.5, nil, true, uint64(9)); err != nil {
			return err
		}
		if _, err := s.Step(); err != nil {
			return err
		}
		for i, want := range []string{"atext", "bblob", "1integer", "2integer", "1.5real", "null", "1integer", "9integer"} {
			if got := s.ColumnText(i); got != want {
				t.Errorf("column %d: %q, want %q", i, got, want)
			}
		}
		if err := Bind(s, struct{}{}); err == nil {
			t.Error("a struct was bound")
		}
		return nil
	})
}

// TestDoubleQuotedStrings opens a file as PocketBase leaves it: its driver takes "active" for a string where no column is called so.
func TestDoubleQuotedStrings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	db := openTest(t, Options{Path: path},
		`CREATE TABLE task (id INTEGER PRIMARY KEY, status TEXT DEFAULT "active" NOT NULL)`,
		`CREATE INDEX live ON task (id) WHERE status = "active"`,
		`CREATE VIEW live_tasks AS SELECT id FROM task WHERE status = "active"`,
		`INSERT INTO task (id) VALUES (1), (2)`,
		`UPDATE task SET status = "done" WHERE id = 2`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openTest(t, Options{Path: path})
	if got := ints(t, db, "SELECT id FROM live_tasks"); !slices.Equal(got, []int{1}) {
		t.Error(got)
	}
	if got := ints(t, db, `SELECT id FROM task INDEXED BY live WHERE status = "active"`); !slices.Equal(got, []int{1}) {
		t.Error(got)
	}
	mustDo(t, db, func(tx *Tx) error {
		return tx.Exec(`CREATE VIEW done_tasks AS SELECT id FROM task WHERE status = "done"`)
	})
	if got := ints(t, db, "SELECT id FROM done_tasks"); !slices.Equal(got, []int{2}) {
		t.Error(got)
	}
}

func TestPragmas(t *testing.T) {
	for _, mode := range []SyncMode{Full, Normal} {
		db := openTest(t, Options{Sync: mode})
		err := db.Maintain(context.Background(), func(c *zsqlite.Conn) error {
			s, _, err := c.PrepareTransient("SELECT s.synchronous, j.journal_mode = 'wal', f.foreign_keys, c.cache_size FROM pragma_synchronous s, pragma_journal_mode j, pragma_foreign_keys f, pragma_cache_size c")
			if err != nil {
				return err
			}
			defer s.Finalize()
			if _, err := s.Step(); err != nil {
				return err
			}
			want := map[SyncMode]int{Full: 2, Normal: 1}[mode]
			if s.ColumnInt(0) != want || s.ColumnInt(1) != 1 || s.ColumnInt(2) != 1 || s.ColumnInt(3) != -writerCacheKB {
				t.Errorf("%v: %d %d %d %d", mode, s.ColumnInt(0), s.ColumnInt(1), s.ColumnInt(2), s.ColumnInt(3))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
