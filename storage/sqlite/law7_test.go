package sqlite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"
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

// Law 7: nothing stays on the connection that comes before the tables of the file, and the authorizer refuses it, whatever else would.
func TestLaw7_NothingTemporary(t *testing.T) {
	db := openTest(t, Options{}, tableT, "CREATE TABLE other (id)")
	for _, sql := range []string{
		"CREATE TEMP TABLE t AS SELECT * FROM main.t",
		"CREATE TABLE temp.t (id)",
		"CREATE TEMP TABLE _troupe_commits (id)",
		"CREATE TEMP VIEW t AS SELECT 7 AS id",
		"CREATE VIEW temp.t AS SELECT 7 AS id",
		"CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN DELETE FROM other; END",
		"CREATE TRIGGER temp.tr AFTER INSERT ON main.t BEGIN DELETE FROM other; END",
		"CREATE VIRTUAL TABLE temp.t USING fts5(a)",
		"INSERT INTO t VALUES (5, 5); CREATE TEMPORARY TABLE IF NOT EXISTS other (id)",
		"SELECT load_extension('x')",
		"CREATE VIRTUAL TABLE pages USING sqlite_dbpage",
		"UPDATE sqlite_dbpage SET data = zeroblob(4096) WHERE pgno = 1",
		"SELECT * FROM pragma_writable_schema",
		"PRAGMA temp_store = FILE", "PRAGMA case_sensitive_like = ON", "PRAGMA recursive_triggers = ON", "PRAGMA reverse_unordered_selects = ON",
		"PRAGMA defer_foreign_keys = ON", "PRAGMA ignore_check_constraints = ON", "PRAGMA trusted_schema = OFF", "PRAGMA main.cache_size = 1",
	} {
		err := console(t, db, sql, nil)
		if strings.Contains(sql, "TRIGGER temp.") && errors.Is(err, ErrDenied) {
			err = zsqlite.ResultAuth.ToError() // seen when it is there
		}
		if !isCode(err, zsqlite.ResultAuth) && !strings.Contains(fmt.Sprint(err), "not authorized") {
			t.Errorf("%s: %v", sql, err)
		}
		if err := db.Read(t.Context(), func(r *Reader) error { _, err := r.Console(sql); return err }); err == nil {
			t.Errorf("%s was run on a Reader", sql)
		}
		for name, run := range map[string]func(testing.TB, *Query) (*QueryResult, error){"read": db.ask, "written": db.change} {
			if _, err := run(t, &Query{SQL: sql}); err == nil {
				t.Errorf("%s of an extension was %s", sql, name)
			}
		}
	}
	mustDo(t, db, func(tx *Tx) error {
		return errors.Join(insert(1).Apply(tx), tx.Exec("INSERT INTO other VALUES (1)"), tx.Exec("INSERT INTO t VALUES (2, 2)"))
	})
	if got := ints(t, db, "SELECT (SELECT count(*) FROM t) * 10 + (SELECT count(*) FROM other)"); got[0] != 21 {
		t.Errorf("rows: %v", got)
	}
	if err := db.Read(t.Context(), func(r *Reader) error {
		return r.conn.queryRow("SELECT 1 FROM temp.sqlite_schema", func(*zsqlite.Stmt) { t.Error("something temporary on a Reader") })
	}); err != nil {
		t.Error(err)
	}
}

// Law 7: what is left in the file does not build on the engine's own tables, so that they are written and read by the engine alone.
func TestLaw7_NothingBuiltOnTheEnginesTables(t *testing.T) {
	db := openTest(t, Options{}, tableT, "CREATE TABLE _troupe_state (id INTEGER PRIMARY KEY)")
	for _, sql := range []string{
		"CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM _troupe_commits; END",
		"CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO t SELECT seq + 1000, 1 FROM \"_TROUPE_commits\"; END",
		"CREATE TRIGGER tr AFTER INSERT ON t WHEN EXISTS (SELECT 1 FROM [_troupe_commits]) BEGIN SELECT 1; END",
		"CREATE TRIGGER tr AFTER INSERT ON _troupe_commits BEGIN DELETE FROM t; END",
		"CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM later; DELETE FROM _troupe_commits; END", // does not compile yet
		"CREATE VIEW v AS SELECT seq FROM `_troupe_commits`",
		"CREATE VIEW v AS SELECT seq FROM _troupe_commits; CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO t SELECT seq, 1 FROM v; END",
		"CREATE TABLE child (id REFERENCES _troupe_state (id))",
		"CREATE INDEX i ON _troupe_state (id)",
		"CREATE TABLE _troupe_mine (id)", "CREATE VIEW _troupe_mine AS SELECT 1", "CREATE TABLE _Troupe_mine AS SELECT 1 AS x",
		"ALTER TABLE t RENAME TO _troupe_t", "ALTER TABLE t ADD COLUMN c REFERENCES _troupe_state (id)",
		"CREATE TABLE plain (id); ALTER TABLE plain RENAME TO _troupe_plain",
		"CREATE VIRTUAL TABLE f USING fts5(id, content=_troupe_state)",
		"DROP TABLE _troupe_state", "DELETE FROM _troupe_state", "INSERT INTO _troupe_state VALUES (3)",
	} {
		if err := console(t, db, sql, nil); !errors.Is(err, ErrDenied) && !isCode(err, zsqlite.ResultAuth) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	mustDo(t, db, insert(1).Apply)
	if got := ints(t, db, "SELECT seq FROM _troupe_commits"); got[0] != 1 {
		t.Errorf("the sequence is at %v", got)
	}
	if got := ints(t, db, "SELECT count(*) FROM sqlite_schema WHERE type IN ('trigger', 'view', 'index')"); got[0] != 0 {
		t.Errorf("%d definitions are left", got[0])
	}
}

// action makes what SQLite tells an authorizer, which only zombiezen can.
func action(op zsqlite.OpType, second string) (a zsqlite.Action) {
	v := reflect.ValueOf(&a).Elem()
	*(*zsqlite.OpType)(v.FieldByName("op").Addr().UnsafePointer()) = op
	*(*string)(v.FieldByName("arg2").Addr().UnsafePointer()) = second
	return a
}

// Law 7: an action that a later SQLite may have is refused, until somebody has thought about it; so is a function that configures the connection.
func TestLaw7_UnknownActionsAreRefused(t *testing.T) {
	g := &consoleGuard{written: make(map[string]struct{})}
	named := 0
	for op := range zsqlite.OpType(200) {
		known := !strings.HasPrefix(op.String(), "OpType(")
		if known {
			named++
		}
		if g.Authorize(action(op, "")) == zsqlite.AuthResultOK && !known {
			t.Errorf("action %d is allowed", op)
		}
	}
	if named < 34 {
		t.Errorf("%d actions have names", named)
	}
	for function, want := range map[string]zsqlite.AuthResult{"lower": zsqlite.AuthResultOK, "Load_Extension": zsqlite.AuthResultDeny, "fts3_tokenizer": zsqlite.AuthResultDeny} {
		if got := g.Authorize(action(zsqlite.OpFunction, function)); got != want {
			t.Errorf("%s: %v", function, got)
		}
	}
}

// Law 7 does not take away what the console is for.
func TestLaw7_WhatTheConsoleMay(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	for _, sql := range []string{
		"CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT)", "INSERT INTO a VALUES (1, 'x'), (2, 'y') RETURNING id",
		"CREATE INDEX ab ON a (b)", "CREATE UNIQUE INDEX au ON a (lower(b))", "CREATE VIEW v AS SELECT * FROM a",
		"CREATE TRIGGER tr AFTER INSERT ON a BEGIN UPDATE t SET v = v + 1; END", "CREATE TRIGGER ti INSTEAD OF INSERT ON v BEGIN INSERT INTO a (b) VALUES (new.b); END",
		"INSERT INTO v (b) VALUES ('z')", "ALTER TABLE a ADD COLUMN c", "ALTER TABLE a RENAME COLUMN c TO d", "ALTER TABLE a RENAME TO aa", "ALTER TABLE aa DROP COLUMN d",
		"CREATE TABLE copy AS SELECT * FROM aa", "REINDEX", "ANALYZE", "UPDATE aa SET b = 'q' WHERE id = 1", "DELETE FROM aa WHERE id = 2",
		"CREATE VIRTUAL TABLE f USING fts5(b)", "INSERT INTO f VALUES ('one two')", "DROP TABLE f", "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)",
		"DROP TRIGGER ti", "DROP VIEW v", "DROP TRIGGER tr", "DROP INDEX ab", "DROP TABLE aa; DROP TABLE copy",
	} {
		if err := console(t, db, sql, nil); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{"SELECT seq FROM _troupe_commits", "PRAGMA table_info(t)", "PRAGMA integrity_check", "EXPLAIN QUERY PLAN SELECT * FROM t"} {
		if err := db.Read(t.Context(), func(r *Reader) error { _, err := r.Console(sql); return err }); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
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
