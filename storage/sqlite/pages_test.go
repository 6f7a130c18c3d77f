package sqlite

import (
	"testing"

	"github.com/troupebase/troupe/internal/eventually"
)

func TestPageBudget(t *testing.T) {
	for memory, want := range map[int64]int64{
		64 << 20:  8 << 20,
		512 << 20: 32 << 20,
		24 << 30:  56 << 20,
	} {
		if got := pageBudget(memory); got != want {
			t.Errorf("%d bytes of memory: %d for pages, want %d", memory, got, want)
		}
	}
}

// TestLaw13_PagesAreBounded scans a table that is larger than the pages of all connections may be.
func TestLaw13_PagesAreBounded(t *testing.T) {
	db := openTest(t, patient, tableT,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 6000) INSERT INTO t SELECT i, zeroblob(3000) FROM n")
	p := db.pool
	pageBytes := func() int64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.pages.used()
	}
	p.mu.Lock()
	p.pages.budget = 4 << 20
	p.mu.Unlock()
	scan := func() { ints(t, db, "SELECT count(v) FROM t WHERE length(v) > 1") }
	scan()
	eventually.True(t, "the pages fit", func() bool {
		ints(t, db, "SELECT 1") // keeps the watchdog awake
		return pageBytes() <= 4<<20
	})
	p.mu.Lock()
	p.pages.budget = 1 << 30
	p.mu.Unlock()
	scan()
	if n := pageBytes(); n < 16<<20 {
		t.Fatalf("only %d bytes of pages are kept: the test shows nothing", n)
	}
	p.shrink()
	if n := pageBytes(); n > 8<<20 {
		t.Errorf("%d bytes of pages are kept by Readers that nobody uses", n)
	}
	scan() // they are as good as before
}
