package records_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite"
)

// runs tells how often statements of the Writer's connection were run since it was asked before.
func (g *rig) runs() (n int) {
	g.t.Helper()
	err := g.db.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		n = statementRuns(tx.Conn())
		return nil
	}))
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func statementRuns(conn *zsqlite.Conn) (n int) {
	v := reflect.ValueOf(conn).Elem()
	tls, db := (*libc.TLS)(v.FieldByName("tls").UnsafePointer()), uintptr(v.FieldByName("conn").Uint())
	for stmt := lib.Xsqlite3_next_stmt(tls, db, 0); stmt != 0; stmt = lib.Xsqlite3_next_stmt(tls, db, stmt) {
		n += int(lib.Xsqlite3_stmt_status(tls, stmt, lib.SQLITE_STMTSTATUS_RUN, 1))
	}
	return n
}

// family makes a record that many refer to by a field without an index, and each of these ten more by one with an index.
func family(t testing.TB, many int) *rig {
	t.Helper()
	g := newRig(t, counters)
	g.child(`,"maxSelect":1,"cascadeDelete":true`)
	kids := g.catalogue.Load().Find("kids")
	g.define(`{"name":"grandkids","type":"base","fields":[{"name":"up","type":"relation","collectionId":"` + kids.ID + `","maxSelect":1,"cascadeDelete":true}],
		"indexes":["CREATE INDEX grandkids_up ON grandkids (up)"]}`)
	g.create("counters", map[string]any{"id": ancestor, "name": "1"})
	g.breed(many)
	return g
}

const ancestor = "aaaaaaaaaaaaaaa"

func (g *rig) breed(many int) {
	g.t.Helper()
	if many == 0 {
		return
	}
	g.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO kids (id, up) SELECT printf('%015d', i), ? FROM n", many, ancestor)
	g.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT INTO grandkids (id, up) SELECT printf('%013d%02d', k.rowid, i), k.id FROM kids k, n WHERE k.rowid <= ?", many/10)
}

// idle is how many statements an idle Writer may run meanwhile, looking for foreign writes.
const idle = 10

// Law 8: a deletion runs as many statements for thousands of cascaded records as for a few.
func TestLaw8_StatementsDoNotGrowWithTheRecords(t *testing.T) {
	deletion := func(many int) int {
		g := family(t, many)
		g.runs()
		if err := g.tryDelete("counters", ancestor); err != nil {
			t.Fatal(err)
		}
		n := g.runs()
		for _, name := range []string{"kids", "grandkids"} {
			if left := g.totalOf(name); left != 0 {
				t.Errorf("%d records are left in %s", left, name)
			}
		}
		return n
	}
	few, many := deletion(10), deletion(20_000)
	if many > few+idle {
		t.Errorf("%d statements for 10 records, %d for 20,000", few, many)
	}
	t.Logf("%d statements", many)
}

// BenchmarkCascade is how long a deletion with its cascade holds the Writer: the referencing field has no index.
func BenchmarkCascade(b *testing.B) {
	for _, many := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			g := family(b, 0)
			for b.Loop() {
				b.StopTimer()
				g.exec("INSERT OR IGNORE INTO counters (id, name) VALUES (?, '1')", ancestor)
				g.breed(many)
				g.emitted()
				b.StartTimer()
				if err := g.tryDelete("counters", ancestor); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
