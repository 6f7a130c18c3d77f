package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var queryTables = []string{
	"CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT, password TEXT, tokenKey TEXT)",
	"CREATE TABLE posts (id INTEGER PRIMARY KEY, title, by TEXT, hits INTEGER DEFAULT 0)",
	"CREATE TABLE _params (id TEXT PRIMARY KEY, value TEXT)",
	"CREATE TABLE _collections (id TEXT PRIMARY KEY, name TEXT, options TEXT)",
	"CREATE TABLE _troupe_state (id TEXT PRIMARY KEY, value TEXT)",
	"CREATE TABLE stash (v)",
	"CREATE VIEW keys AS SELECT id, tokenKey AS k FROM users",
	"CREATE VIEW names AS SELECT id, name FROM users",
	"CREATE UNIQUE INDEX posts_title ON posts (title)",
	"CREATE TRIGGER counted AFTER INSERT ON stash BEGIN UPDATE posts SET hits = hits + 1; END",
	"INSERT INTO users VALUES ('u1', 'Ann', 'hash1', 'secret1'), ('u2', 'Bob', 'hash2', 'secret2')",
	"INSERT INTO posts (id, title, by) VALUES (1, 'one', 'u1'), (2, 'two', 'u2'), (3, 'three', 'u1')",
	"INSERT INTO _params VALUES ('settings', 'secret3')",
	"INSERT INTO _collections VALUES ('c', 'users', 'secret4')",
	"INSERT INTO _troupe_state VALUES ('s', 'secret5')",
}

// ask runs a query on a Reader.
func (db *DB) ask(t testing.TB, q *Query) (out *QueryResult, err error) {
	t.Helper()
	err = db.Read(t.Context(), func(r *Reader) error {
		out, err = r.Query(t.Context(), q)
		return err
	})
	return out, err
}

// change runs a query in a unit of its own.
func (db *DB) change(t testing.TB, q *Query) (out *QueryResult, err error) {
	t.Helper()
	err = db.Do(t.Context(), WorkFunc(func(tx *Tx) error {
		out, err = tx.Query(t.Context(), q)
		return err
	}))
	return out, err
}

func (q *QueryResult) String() string {
	if q == nil {
		return ""
	}
	var rows []string
	for _, r := range q.Rows {
		rows = append(rows, string(r))
	}
	return strings.Join(rows, "")
}

func TestQueryReads(t *testing.T) {
	db := openTest(t, Options{}, queryTables...)
	for _, tt := range []struct {
		name string
		q    Query
		rows string
		err  error
	}{
		{"values", Query{SQL: `SELECT 1, -9007199254740993, 1.5, 1e300, 9e999, 'é"<', x'00ff', NULL`}, `[1,-9007199254740993,1.5,1e+300,null,"é\"\u003c","AP8=",null]`, nil},
		{"in order", Query{SQL: "SELECT ?, ?, ?, ?, ?, ?", Args: []any{nil, true, 2, 2.5, "x", []byte{1}}}, `[null,1,2,2.5,"x","AQ=="]`, nil},
		{"whole numbers", Query{SQL: "SELECT typeof(?), typeof(?), typeof(?), typeof(?)", Args: []any{1.0, json.Number("12"), json.Number("1.5"), int64(3)}}, `["integer","integer","real","integer"]`, nil},
		{"by name", Query{SQL: "SELECT title FROM posts WHERE by = :by AND id > @id AND id < $max AND by = :by ORDER BY id", Named: map[string]any{"by": "u1", "id": 0, "max": 9, "more": 1}}, `["one"]["three"]`, nil},
		{"a value is no SQL", Query{SQL: "SELECT count(*) FROM posts WHERE title = ?", Args: []any{"x' OR '1'='1"}}, `[0]`, nil},
		{"a view", Query{SQL: "SELECT * FROM names ORDER BY id"}, `["u1","Ann"]["u2","Bob"]`, nil},
		{"comments around it", Query{SQL: "-- a\n; SELECT 1; -- b\n /* c */ ; "}, `[1]`, nil},
		{"the schema", Query{SQL: "SELECT count(*) > 0 FROM sqlite_schema"}, `[1]`, nil},
		{"a pragma that tells", Query{SQL: "SELECT name FROM pragma_table_info('stash')"}, `["v"]`, nil},
		{"a table of JSON", Query{SQL: "SELECT sum(value) FROM json_each('[1,2]')"}, `[3]`, nil},
		{"other columns of a table", Query{SQL: "SELECT name FROM _collections"}, `["users"]`, nil},
		{"several", Query{SQL: "SELECT 1; SELECT 2"}, "", ErrSeveral},
		{"several, the second denied", Query{SQL: "SELECT 1; DROP TABLE posts"}, "", ErrDenied},
		{"none", Query{SQL: " -- nothing"}, "", ErrEmptyQuery},
		{"too few values", Query{SQL: "SELECT ?, ?", Args: []any{1}}, "", ErrParameters},
		{"too many values", Query{SQL: "SELECT ?", Args: []any{1, 2}}, "", ErrParameters},
		{"no value by that name", Query{SQL: "SELECT :a", Named: map[string]any{"b": 1}}, "", ErrParameters},
		{"a parameter without name", Query{SQL: "SELECT ?", Named: map[string]any{"b": 1}}, "", ErrParameters},
		{"both", Query{SQL: "SELECT :a", Named: map[string]any{"a": 1}, Args: []any{1}}, "", ErrParameters},
		{"a value of no type", Query{SQL: "SELECT ?", Args: []any{[]int{1}}}, "", ErrParameters},
		{"a write", Query{SQL: "UPDATE posts SET title = 'x'"}, "", ErrWrites},
		{"a hidden write", Query{SQL: "WITH x AS (SELECT 1) INSERT INTO stash SELECT * FROM x RETURNING v"}, "", ErrWrites},
		{"too much", Query{SQL: "SELECT printf('%.*c', 9000000, 'x') UNION ALL SELECT printf('%.*c', 9000000, 'y')"}, "", ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := db.ask(t, &tt.q)
			if out.String() != tt.rows || !errors.Is(err, tt.err) {
				t.Errorf("got %s, %v; want %s, %v", out, err, tt.rows, tt.err)
			}
			if out != nil {
				for _, r := range out.Rows {
					if !json.Valid(r) {
						t.Errorf("row %s is no JSON", r)
					}
				}
			}
		})
	}
	if _, err := db.ask(t, &Query{SQL: "SELECT length(printf('%.*c', 100000000, 'x'))"}); err == nil {
		t.Error("a value of any size can be made")
	}
	if _, err := db.ask(t, &Query{SQL: "SELEC 1"}); err == nil || errors.Is(err, ErrDenied) {
		t.Errorf("no SQL: %v", err)
	}
	// The connection is as it was: what the guard refuses works for the engine itself.
	if n := ints(t, db, "SELECT count(*) FROM users WHERE tokenKey LIKE 'secret%'"); n[0] != 2 {
		t.Errorf("%v rows", n)
	}
}

func TestQueryRowsAreBounded(t *testing.T) {
	db := openTest(t, Options{})
	const all = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n"
	for limit, want := range map[int]int{0: maxQueryRows, 5: 5, 3000: 3000, 9999: 3000} {
		out, err := db.ask(t, &Query{SQL: all, MaxRows: limit})
		if err != nil || len(out.Rows) != want || out.More != (want < 3000) {
			t.Errorf("limit %d: %d rows, more %v, %v", limit, len(out.Rows), out.More, err)
		}
	}
}

// secretStatements ask for what nobody may see, or write what only the server writes.
var secretStatements = []string{
	"SELECT password FROM users",
	"SELECT TOKENKEY FROM users",
	`SELECT "tokenKey" FROM users`,
	"SELECT * FROM users",
	"SELECT u.* FROM users u",
	"SELECT x.a FROM (SELECT tokenKey AS a FROM users) x",
	"WITH x(a) AS (SELECT password FROM users) SELECT a FROM x",
	"SELECT k FROM keys",
	"SELECT * FROM keys",
	"SELECT id FROM users WHERE tokenKey LIKE 's%'",
	"SELECT id FROM users ORDER BY password",
	"SELECT count(*) FROM users GROUP BY tokenKey",
	"SELECT id FROM posts WHERE (SELECT 1 FROM users WHERE tokenKey = title)",
	"SELECT users.id FROM users NATURAL JOIN (SELECT 'secret1' AS tokenKey)",
	"SELECT users.id FROM users JOIN (SELECT 'secret1' AS tokenKey) USING (tokenKey)",
	"SELECT value FROM _params",
	"SELECT count(*) FROM _params",
	"SELECT options FROM _collections",
	"SELECT * FROM _collections",
	"SELECT * FROM _troupe_state",
	"SELECT 1 WHERE EXISTS (SELECT 1 FROM _troupe_state)",
	"SELECT data FROM sqlite_dbpage",
	"INSERT INTO stash SELECT tokenKey FROM users",
	"UPDATE posts SET title = (SELECT password FROM users LIMIT 1)",
	"UPDATE users SET name = tokenKey",
	"UPDATE users SET name = name RETURNING tokenKey",
	"UPDATE users SET name = name RETURNING *",
	"DELETE FROM users RETURNING password",
	"DELETE FROM users WHERE tokenKey < 'x'",
	"UPDATE posts SET title = u.password FROM users u WHERE u.id = by",
	"INSERT INTO users (id, tokenKey) VALUES ('u1', 'x') ON CONFLICT (id) DO UPDATE SET name = users.tokenKey",
	"INSERT INTO users (id, password) VALUES ('u3', 'known')",
	"INSERT INTO users DEFAULT VALUES",
	"INSERT OR REPLACE INTO users VALUES ('u1', 'Ann', 'known', 'known')",
	"REPLACE INTO Users (id, name) VALUES ('u1', 'Ann')",
	"UPDATE OR REPLACE users SET id = 'u1' WHERE id = 'u2'",
	"CREATE TABLE copy AS SELECT * FROM users",
	"CREATE VIEW v AS SELECT tokenKey AS k FROM users",
	"CREATE TEMP VIEW v AS SELECT tokenKey AS k FROM users",
	"CREATE TRIGGER tr AFTER UPDATE ON users BEGIN INSERT INTO stash VALUES (new.tokenKey); END",
	"CREATE TEMP TRIGGER tr AFTER UPDATE ON users BEGIN INSERT INTO stash VALUES (new.tokenKey); END",
	"CREATE INDEX i ON users (tokenKey)",
	"CREATE VIRTUAL TABLE f USING fts5(tokenKey, content=users)",
	"ALTER TABLE users RENAME COLUMN tokenKey TO harmless",
	"ALTER TABLE users RENAME TO others",
	"DROP TABLE users",
	"DROP VIEW keys",
	"DROP INDEX posts_title",
	"ANALYZE",
	"REINDEX",
	"INSERT INTO _params VALUES ('x', 'y')",
	"UPDATE _params SET value = ''",
	"DELETE FROM _params",
	"UPDATE _collections SET name = ''",
	"DELETE FROM _troupe_state",
	"INSERT INTO sqlite_sequence VALUES ('x', 1)",
	"PRAGMA writable_schema = ON",
	"PRAGMA journal_mode = DELETE",
	"PRAGMA query_only = OFF",
	"ATTACH ':memory:' AS other",
	"VACUUM INTO '/tmp/copy.db'",
	"VACUUM",
	"BEGIN", "COMMIT", "ROLLBACK", "END", "SAVEPOINT s", "RELEASE s", "ROLLBACK TO s",
	"EXPLAIN SELECT password FROM users",
}

// TestQueryKeepsSecrets: nothing that an extension asks gives it what somebody else could be impersonated with.
func TestQueryKeepsSecrets(t *testing.T) {
	db := openTest(t, Options{}, queryTables...)
	for _, sql := range secretStatements {
		q := &Query{SQL: sql}
		for name, run := range map[string]func(testing.TB, *Query) (*QueryResult, error){"read": db.ask, "written": db.change} {
			out, err := run(t, q)
			if err == nil || strings.Contains(out.String(), "secret") {
				t.Errorf("%s is %s and gives %s, %v", sql, name, out, err)
			}
			if strings.HasPrefix(sql, "VACUUM") {
				continue // the authorizer is not asked; a Reader cannot, and in a transaction it is refused
			}
			// What is no such table here may be one elsewhere; everything else is refused for what it is.
			if !errors.Is(err, ErrDenied) && !strings.Contains(fmt.Sprint(err), "no such table") {
				t.Errorf("%s is refused with %v", sql, err)
			}
		}
	}
	if n := ints(t, db, "SELECT count(*) FROM users WHERE name IN ('Ann', 'Bob') AND tokenKey LIKE 'secret%'"); n[0] != 2 {
		t.Error("something was written")
	}
}

func TestQueryWrites(t *testing.T) {
	db := openTest(t, Options{}, queryTables...)
	for _, tt := range []struct {
		name     string
		q        Query
		rows     string
		affected int
		moves    string
		err      error
	}{
		{"update", Query{SQL: "UPDATE posts SET title = title || ? WHERE by = ?", Args: []any{"!", "u1"}}, "", 2, "posts", nil},
		{"insert", Query{SQL: "INSERT INTO posts (title, by) VALUES (:t, :b) RETURNING id, title", Named: map[string]any{"t": "four", "b": "u2"}}, `[4,"four"]`, 1, "posts", nil},
		{"delete", Query{SQL: "DELETE FROM posts WHERE id = 4"}, "", 1, "posts", nil},
		{"nothing", Query{SQL: "DELETE FROM posts WHERE id = 4"}, "", 0, "posts", nil},
		{"a trigger", Query{SQL: "INSERT INTO stash VALUES (1)"}, "", 1, "posts stash", nil},
		{"more rows than are kept", Query{SQL: "UPDATE posts SET hits = hits RETURNING id", MaxRows: 1}, "[1]", 3, "posts", nil},
		{"a read", Query{SQL: "SELECT count(*) FROM posts"}, "[3]", 0, "", nil},
		{"several", Query{SQL: "DELETE FROM posts; DELETE FROM posts"}, "", 0, "posts", ErrSeveral},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := make(map[string]Versions)
			for _, table := range []string{"posts", "stash", "users"} {
				before[table] = db.Note([]string{table})
			}
			out, err := db.change(t, &tt.q)
			if !errors.Is(err, tt.err) || out.String() != tt.rows {
				t.Fatalf("got %s, %v; want %s, %v", out, err, tt.rows, tt.err)
			}
			if out != nil && out.Affected != tt.affected {
				t.Errorf("%d rows affected, want %d", out.Affected, tt.affected)
			}
			for table, v := range before {
				if moved := !db.Current(v); moved != strings.Contains(tt.moves, table) && tt.err == nil {
					t.Errorf("version of %s moved: %v", table, moved)
				}
			}
		})
	}
	var unique *UniqueError
	if _, err := db.change(t, &Query{SQL: "INSERT INTO posts (title) VALUES ('two')"}); !errors.As(err, &unique) {
		t.Errorf("violated constraint: %v", err)
	}
	if n := ints(t, db, "SELECT count(*) FROM posts"); n[0] != 3 {
		t.Errorf("%d posts", n[0])
	}
}

func TestReadOnly(t *testing.T) {
	db := openTest(t, Options{}, queryTables...)
	for _, tt := range []struct {
		sql string
		yes bool
		err error
	}{
		{"SELECT ? FROM posts", true, nil},
		{"WITH x AS (SELECT 1) SELECT * FROM x", true, nil},
		{"PRAGMA table_info(posts)", true, nil},
		{"/* SELECT */ DELETE FROM posts", false, nil},
		{"WITH x AS (SELECT 1) DELETE FROM posts", false, nil},
		{"REPLACE INTO stash VALUES (1)", false, nil},
		{"INSERT INTO stash VALUES (1) RETURNING v", false, nil},
		{"SELECT password FROM users", false, ErrDenied},
		{"BEGIN", false, ErrDenied},
		{"SELECT 1; SELECT 2", false, ErrSeveral},
		{"", false, ErrEmptyQuery},
	} {
		err := db.Read(t.Context(), func(r *Reader) error {
			yes, err := r.ReadOnly(&Query{SQL: tt.sql})
			if yes != tt.yes {
				t.Errorf("%s only reads: %v", tt.sql, yes)
			}
			return err
		})
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.sql, err, tt.err)
		}
	}
}

// TestQueryEndsWithItsContext: on a Reader and in a unit, and both connections work afterwards.
func TestQueryEndsWithItsContext(t *testing.T) {
	db := openTest(t, Options{}, queryTables...)
	endless := &Query{SQL: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := db.Read(t.Context(), func(r *Reader) error {
		_, err := r.Query(ctx, endless)
		return err
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("on a Reader: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = db.Do(t.Context(), WorkFunc(func(tx *Tx) error {
		_, err := tx.Query(ctx, endless)
		return err
	}))
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("in a unit: %v", err)
	}
	if out, err := db.ask(t, &Query{SQL: "SELECT count(*) FROM posts"}); err != nil || out.String() != "[3]" {
		t.Errorf("afterwards: %s, %v", out, err)
	}
	if _, err := db.change(t, &Query{SQL: "UPDATE posts SET hits = 9"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestInterruptedWriteTakesNobodyAlong: SQLite ends the transaction of a write that is interrupted; units beside it are
// written all the same.
func TestInterruptedWriteTakesNobodyAlong(t *testing.T) {
	db := openTest(t, Options{}, append(queryTables, tableT)...)
	endless := &Query{SQL: "INSERT INTO stash WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"}
	errs := together(t, db, []Work{insert(1), WorkFunc(func(tx *Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		_, err := tx.Query(ctx, endless)
		return err
	}), insert(2)})
	if errs[0] != nil || !errors.Is(errs[1], ErrInterrupted) || errs[2] != nil {
		t.Errorf("outcomes %v", errs)
	}
	if n := ints(t, db, "SELECT count(*) FROM t"); n[0] != 2 {
		t.Errorf("%d rows of the others", n[0])
	}
	if n := ints(t, db, "SELECT count(*) FROM stash"); n[0] != 0 {
		t.Errorf("%d rows of the interrupted one", n[0])
	}
}

// TestConsoleIsNotNarrowed: the superuser's console may do what extensions may not.
func TestConsoleIsNotNarrowed(t *testing.T) {
	db := openTest(t, Options{}, queryTables...)
	err := db.Read(t.Context(), func(r *Reader) error {
		out, err := r.Console("SELECT tokenKey FROM users; SELECT value FROM _params")
		if err == nil && *out.Rows[0][0] != "secret3" {
			t.Errorf("got %s", *out.Rows[0][0])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkQuery(b *testing.B) {
	db := openTest(b, Options{}, queryTables...)
	q := &Query{SQL: "SELECT id, title FROM posts WHERE by = ?", Args: []any{"u1"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.ask(b, q); err != nil {
			b.Fatal(err)
		}
	}
}
