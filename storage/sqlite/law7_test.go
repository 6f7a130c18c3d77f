package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"
)

// console runs SQL that we did not write, as a change does, and then returns another failure when there is none of its own.
func console(t *testing.T, db *DB, sql string, then error) error {
	t.Helper()
	return db.wait(t.Context(), &Unit{Alone: true, Work: WorkFunc(func(tx *Tx) error {
		if _, err := tx.Console(t.Context(), sql); err != nil {
			return err
		}
		return then
	})})
}

// Law 7: SQL that we did not write cannot leave its transaction, nor change what the connection or the engine rests on.
func TestLaw7_WhatTheConsoleMayNot(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	for _, sql := range []string{
		"COMMIT", "ROLLBACK", "BEGIN", "END", "SAVEPOINT x", "RELEASE unit", "ROLLBACK TO unit", "INSERT INTO t VALUES (1, 1); COMMIT; INSERT INTO t VALUES (2, 2)",
		"ATTACH ':memory:' AS other", "DETACH main", "VACUUM", "VACUUM INTO '/tmp/never'",
		"PRAGMA journal_mode = DELETE", "PRAGMA synchronous = OFF", "PRAGMA foreign_keys = OFF", "PRAGMA writable_schema = ON", "PRAGMA user_version = 7",
		"PRAGMA wal_checkpoint", "PRAGMA query_only = OFF", "PRAGMA data_version = 1", "PRAGMA shrink_memory", "PRAGMA locking_mode = EXCLUSIVE",
		"DELETE FROM _troupe_commits", "UPDATE `_TROUPE_commits` SET seq = 0", "DROP TABLE _troupe_commits", "ALTER TABLE _troupe_commits ADD COLUMN x",
	} {
		if err := console(t, db, sql, nil); err == nil {
			t.Errorf("%s was run", sql)
		}
		err := db.Read(t.Context(), func(r *Reader) error { _, err := r.Console(sql); return err })
		if err == nil {
			t.Errorf("%s was run on a Reader", sql)
		}
	}
	if got := ints(t, db, "SELECT COUNT(*) FROM t"); got[0] != 0 {
		t.Errorf("%d rows of refused statements are there", got[0])
	}
	if got := ints(t, db, "SELECT COUNT(*) FROM _troupe_commits"); got[0] != 1 {
		t.Errorf("_troupe_commits has %d rows", got[0])
	}
	mustDo(t, db, insert(1).Apply) // and the connection works as before
	if got := ints(t, db, "SELECT id FROM t"); len(got) != 1 {
		t.Errorf("rows: %v", got)
	}
}

// Law 7: it runs in its own transaction, as a whole or not at all, and what it touched is raised in both cases.
func TestLaw7_WhatItTouchedIsRaised(t *testing.T) {
	db := openTest(t, Options{}, tableT, "CREATE TABLE other (id)", "CREATE TRIGGER copy AFTER INSERT ON t BEGIN INSERT INTO other VALUES (new.id); END")
	failure := errors.New("no")
	for _, c := range []struct {
		name, sql string
		then      error
		rows      int
	}{
		{"written", "INSERT INTO t VALUES (1, 1); UPDATE t SET v = 2", nil, 1},
		{"a second statement fails", "INSERT INTO t VALUES (2, 2); INSERT INTO t VALUES (1, 1)", nil, 1},
		{"rolled back", "DELETE FROM t", failure, 1},
	} {
		noted := Versions{"t": db.Version("t")}
		ofTrigger := Versions{"other": db.Version("other")}
		err := console(t, db, c.sql, c.then)
		if (err == nil) != (c.name == "written") {
			t.Errorf("%s: %v", c.name, err)
		}
		if db.Current(noted) {
			t.Errorf("%s: what was worked out from the table before still counts", c.name)
		}
		if c.name == "written" && db.Current(ofTrigger) {
			t.Errorf("%s: the table that a trigger wrote still counts", c.name)
		}
		if got := ints(t, db, "SELECT id FROM t"); len(got) != c.rows {
			t.Errorf("%s: rows %v", c.name, got)
		}
	}
}

// Law 7: it is alone, so that a statement that does not end takes nobody along, and it ends with its context.
func TestLaw7_EndsWithItsContext(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := db.wait(t.Context(), &Unit{Alone: true, Work: WorkFunc(func(tx *Tx) error {
		_, err := tx.Console(ctx, "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
		return err
	})})
	if err == nil {
		t.Error("an endless statement ended without an error")
	}
	mustDo(t, db, insert(1).Apply)
	if got := ints(t, db, "SELECT id FROM t"); len(got) != 1 || got[0] != 1 {
		t.Errorf("rows: %v", got)
	}
}
