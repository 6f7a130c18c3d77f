package main_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// bigFamily is how many records refer to the one that is deleted: some dozens of pieces.
const bigFamily = 20_000

// openData opens the data file itself beside a server, or without one.
func openData(t testing.TB, dir string) *sqlite.Conn {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "data.db"), sqlite.OpenReadWrite, sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetBusyTimeout(startDeadline)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func number(t testing.TB, conn *sqlite.Conn, sql string) (n int) {
	t.Helper()
	err := sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		n = s.ColumnInt(0)
		return nil
	}})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// familyOf makes collections of parents and kids, of which go along with their parents, and an unrelated one.
func (p *process) familyOf(root string) {
	p.t.Helper()
	var parents struct{ ID string }
	open := func(name string, fields ...map[string]any) map[string]any {
		return map[string]any{"name": name, "type": "base", "createRule": "", "updateRule": "", "deleteRule": "", "viewRule": "", "listRule": "", "fields": fields}
	}
	p.call("POST", "/api/collections", root, open("parents", map[string]any{"name": "n", "type": "number"}), 200).decode(p.t, &parents)
	p.call("POST", "/api/collections", root, open("kids", map[string]any{"name": "up", "type": "relation", "collectionId": parents.ID, "maxSelect": 1, "cascadeDelete": true}), 200)
	p.call("POST", "/api/collections", root, open("others", map[string]any{"name": "n", "type": "number"}), 200)
}

// breed makes a parent with kids, without the server.
func breed(t testing.TB, dir string, parent, many int) string {
	t.Helper()
	conn := openData(t, dir)
	defer conn.Close()
	id := fmt.Sprintf("p%014d", parent)
	for _, sql := range []string{
		fmt.Sprintf("INSERT INTO parents (id, n) VALUES ('%s', %d)", id, parent),
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO kids (id, up) SELECT printf('k%%03d%%011d', %d, i), '%s' FROM n", many, parent, id),
	} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return id
}

// TestKillDuringABigDeletion kills the server in the middle of a deletion in pieces: what was decided is done after the next start, nobody
// gets between, and what was not decided has not happened.
func TestKillDuringABigDeletion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	p := serve(t, dir)
	p.familyOf(p.signIn())
	p.kill()
	halfway := 0
	for round := range 6 {
		id := breed(t, dir, round, bigFamily)
		p = serve(t, dir)
		conn := openData(t, dir)
		answered := make(chan int, 1)
		go func() {
			a, err := p.try("DELETE", "/api/collections/parents/records/"+id, "", nil)
			if err != nil {
				a.Status = 0
			}
			answered <- a.Status
		}()
		left := bigFamily * round / 6 // how many are there when the server dies
		for end := time.Now().Add(startDeadline); number(t, conn, "SELECT COUNT(*) FROM kids") > bigFamily-1-left; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the deletion does not get on\n%s", p.logs)
			}
		}
		p.kill()
		if status := <-answered; status != 0 && status != 204 {
			t.Fatalf("round %d: answered %d", round, status)
		}
		kids, marked := number(t, conn, "SELECT COUNT(*) FROM kids"), number(t, conn, "SELECT COUNT(*) FROM _troupe_deletion WHERE begun = 1")
		parent := number(t, conn, fmt.Sprintf("SELECT COUNT(*) FROM parents WHERE id = '%s'", id))
		if kids > 0 {
			halfway++
			if marked != 1 || parent != 1 {
				t.Fatalf("round %d: %d kids are left, the deletion is marked %d times, the parent is there %d times", round, kids, marked, parent)
			}
		}
		conn.Close()
		p = serve(t, dir)
		conn = openData(t, dir)
		if a, err := p.try("POST", "/api/collections/kids/records", "", map[string]any{"up": id}); err != nil || a.Status != 400 && a.Status != 503 {
			t.Fatalf("round %d: a record that refers to one that is going: %d %s %v", round, a.Status, a.Body, err)
		}
		for end := time.Now().Add(startDeadline); number(t, conn, "SELECT (SELECT COUNT(*) FROM kids) + (SELECT COUNT(*) FROM parents) + (SELECT COUNT(*) FROM _troupe_deletion)") > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("round %d: the deletion does not go on after the start\n%s", round, p.logs)
			}
		}
		p.call("POST", "/api/collections/others/records", "", map[string]any{"n": round}, 200)
		p.call("GET", "/api/collections/parents/records/"+id, "", nil, 404)
		p.kill()
		conn.Close()
	}
	if halfway == 0 {
		t.Error("the server was never killed in the middle of a deletion")
	}
}
