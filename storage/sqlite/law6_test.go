package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
)

// Law 6: whatever other hands do to the table of commits, it is made good, and the numbers go on.
func TestLaw6_CommitNumbersAreMended(t *testing.T) {
	for name, sqls := range map[string][]string{
		"dropped":             {"DROP TABLE _troupe_commits"},
		"emptied":             {"DELETE FROM _troupe_commits"},
		"put back":            {"UPDATE _troupe_commits SET `group` = 1, seq = 0"},
		"another table":       {"DROP TABLE _troupe_commits", "CREATE TABLE _troupe_commits (x)"},
		"another row":         {"DROP TABLE _troupe_commits", "CREATE TABLE _troupe_commits (id INTEGER PRIMARY KEY, `group`, seq)", "INSERT INTO _troupe_commits VALUES (2, 5, 5)"},
		"dropped, and a loss": {"DROP TABLE _troupe_commits", "DROP TABLE t", tableT},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.db")
			var last uint64
			looked := make(chan struct{}, 10)
			o := Options{Path: path, Foreign: func() { looked <- struct{}{} }, Committed: func(g Group) {
				if g.Seq != last+1 {
					t.Errorf("number %d follows %d", g.Seq, last)
				}
				last = g.Seq
			}}
			db := openTest(t, o, tableT)
			other, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			meddle := func() {
				for _, sql := range sqls {
					if err := (&connection{Conn: other}).run(sql); err != nil {
						t.Fatal(err)
					}
				}
			}
			mustDo(t, db, insert(1).Apply)
			mustDo(t, db, insert(2).Apply)
			meddle()
			for i := range 3 { // the first begins with looking, unless the idle Writer has looked
				if err := db.Do(t.Context(), insert(10+i)); err != nil {
					t.Fatal(err)
				}
			}
			group := ints(t, db, "SELECT "+LastGroup)[0]
			for range len(looked) {
				<-looked
			}
			meddle()
			<-looked // by the idle Writer: the next start finds the numbers
			if err := errors.Join(other.Close(), db.Close()); err != nil {
				t.Fatal(err)
			}
			db = openTest(t, o)
			mustDo(t, db, insert(20).Apply)
			if last != 6 {
				t.Errorf("the last number is %d", last)
			}
			if got := ints(t, db, "SELECT "+LastGroup)[0]; got <= group {
				t.Errorf("groups went back from %d to %d", group, got)
			}
		})
	}
}

// A failing unit does not take the mended table along.
func TestLaw6_MendedInAFailingGroup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	db := openTest(t, Options{Path: path}, tableT)
	other, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	mustDo(t, db, insert(1).Apply)
	if err := (&connection{Conn: other}).run("DROP TABLE _troupe_commits"); err != nil {
		t.Fatal(err)
	}
	if err := db.Do(t.Context(), insert(1)); err == nil {
		t.Error("a row was written twice")
	}
	mustDo(t, db, insert(2).Apply)
	if got := ints(t, db, "SELECT seq FROM _troupe_commits"); got[0] != 2 {
		t.Error(got)
	}
}

// Whatever the table of commits became while no server ran, the next one opens the file and writes.
func TestLaw6_MendedAtTheStart(t *testing.T) {
	for _, sqls := range [][]string{
		{"DROP TABLE _troupe_commits"}, {"DELETE FROM _troupe_commits"}, {"DROP TABLE _troupe_commits", "CREATE TABLE _troupe_commits (x)"},
	} {
		path := filepath.Join(t.TempDir(), "data.db")
		db := openTest(t, Options{Path: path}, tableT)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		other, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range sqls {
			if err := (&connection{Conn: other}).run(sql); err != nil {
				t.Fatal(err)
			}
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		db = openTest(t, Options{Path: path})
		mustDo(t, db, insert(1).Apply)
		if got := ints(t, db, "SELECT count(*) FROM _troupe_commits"); got[0] != 1 {
			t.Errorf("after %v: %v", sqls, got)
		}
	}
}
