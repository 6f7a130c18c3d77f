package sqlite

import (
	"math"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/troupebase/troupe/storage/budget"
)

// The pages that SQLite keeps belong to connections, but the engine holds them in one list, by when they were last used, whoever used
// them. So each connection may keep as much as a scan of a table of usual size needs, and the watchdog takes from the end of the list
// what is too much for all together: one Reader can hold a table of 28 MB, and 32 Readers do not hold it 32 times.

// pageBudget returns how many bytes the pages of all connections may take, of a process that may use memory bytes. A page of 4 KB
// takes 8 KB of the allocator's memory.
func pageBudget(memory int64) int64 { return min(max(memory/pagePart, minPages), maxPages) }

// pages watches over the memory of pages. It is used under the pool's lock.
type pages struct {
	tls    *libc.TLS
	budget int64
	out    uintptr // two int64 that SQLite answers into
}

func newPages(tls *libc.TLS) pages {
	return pages{tls: tls, budget: pageBudget(budget.Memory()), out: libc.Xmalloc(tls, 16)}
}

// used returns how many bytes the pages of all connections of the process take.
func (g *pages) used() int64 {
	if g.out == 0 {
		return 0
	}
	if lib.Xsqlite3_status64(g.tls, lib.SQLITE_STATUS_PAGECACHE_OVERFLOW, g.out, g.out+8, 0) != lib.SQLITE_OK {
		return 0
	}
	return libc.AtomicLoadPInt64(g.out)
}

// trim takes away the pages that were not used for longest, beyond the budget.
func (g *pages) trim() {
	if over := g.used() - g.budget; over > 0 {
		lib.Xsqlite3_release_memory(g.tls, int32(min(over, math.MaxInt32)))
	}
}

func (g *pages) close() {
	libc.Xfree(g.tls, g.out)
	g.out = 0
}

// shrink gives up the pages of Readers that nobody has used for a while.
func (p *pool) shrink() {
	p.mu.Lock()
	if p.closed || len(p.lent) > 0 {
		p.mu.Unlock()
		return
	}
	idle := p.free
	p.free = nil
	p.mu.Unlock()
	for _, r := range idle {
		lib.Xsqlite3_db_release_memory(r.conn.tls, r.conn.db)
	}
	p.mu.Lock()
	if !p.closed {
		p.free = append(p.free, idle...)
		idle = nil
	}
	p.open -= len(idle)
	p.promote()
	p.mu.Unlock()
	for _, r := range idle {
		p.db.report("close a Reader", r.conn.close())
	}
}
