package records

import (
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe/storage/cache"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// One read counts while the others wait for it.
func TestTotalsAreWorkedOutOnce(t *testing.T) {
	c := decodeCounters(t)
	cat := schema.NewCatalogue(1, []*schema.Collection{c})
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "data.db"), Sync: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	exec := func(sql string) {
		t.Helper()
		err := db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
			tx.Touch("counters")
			return tx.Exec(sql)
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE counters (id TEXT PRIMARY KEY, name TEXT, n NUMERIC)")
	exec("INSERT INTO counters VALUES ('a', 'a', 9)")
	s := NewStore(db, func() *schema.Catalogue { return cat }, Options{})
	ts := totals{known: cache.New[*total](maxTotals, nil)}
	p, err := s.plan(cat, &ask{kind: askList, c: c}, &filter.Request{Context: "default"})
	if err != nil {
		t.Fatal(err)
	}
	first, _, mine := ts.claim(db, []byte("key"), p)
	if !mine {
		t.Fatal("the first one has nothing to do")
	}
	if second, _, mine := ts.claim(db, []byte("key"), p); mine || second != first {
		t.Error("the second one works, too")
	}
	exec("INSERT INTO counters VALUES ('b', 'b', 1)")
	third, before, mine := ts.claim(db, []byte("key"), p)
	if !mine || before != first {
		t.Error("the third one waits for a total that began before a write was answered")
	}
	if before.carries(third.rewrites) {
		t.Error("the third one goes on from a total that is not there yet")
	}
	third.err = nil
	ts.settle(third, "key")
	ts.settle(first, "key") // it failed: that is nothing to the others
	if again, _, mine := ts.claim(db, []byte("key"), p); mine || again != third {
		t.Error("a total that is current was not kept")
	}
}
