package records

import (
	"context"
	"errors"
	"math"
	"sync"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/cache"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxTotals is how many bytes of totals are remembered. One takes totalBytes and its key, which is the count's SQL and values: less
// than 1 KB, but for filters that are large themselves.
const (
	maxTotals  = 4 << 20
	totalBytes = 480
)

// totals remembers how many records queries find, while none of the tables behind them has moved. Where only rows were added
// since, and each row speaks for itself, a total is carried on: the new rows are counted and nothing else.
type totals struct {
	mu    sync.Mutex // held while a total is claimed
	known *cache.Cache[*total]
}

// total is worked out by one read; others that ask for the same meanwhile wait for it. The fields of the outcome are set when
// done is closed.
type total struct {
	noted    sqlite.Versions
	rewrites uint64 // noted, too
	done     chan struct{}

	n    int
	last int64 // the highest rowid of the table
	err  error
}

// noLast says that a total cannot be carried on.
const noLast = math.MaxInt64

// errUnfinished is the outcome of a total until it has another one.
var errUnfinished = errors.New("the total was not finished")

// total returns how many records a plan finds in all.
func (s *Store) total(ctx context.Context, r *sqlite.Reader, p *plan, req *filter.Request) (int, error) {
	if p.whole {
		n, err := s.db.Rows(ctx, r, p.encoder.c.Name)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, sqlite.ErrUncounted) {
			return 0, failure(err)
		}
	}
	if p.query.Volatile {
		return count(r, p, req)
	}
	var buf [256]byte
	key := append(buf[:0], p.count...)
	key = append(key, 0)
	key = p.query.AppendKey(key, req)
	t, before, mine := s.totals.claim(s.db, key, p)
	if mine {
		defer s.totals.settle(t, string(key))
		t.n, t.last, t.err = s.workOut(r, p, req, t, before)
		return t.n, t.err
	}
	if err := r.Await(ctx, t.done); err != nil {
		return 0, err
	}
	if t.err != nil {
		return count(r, p, req) // the other read may have been the only one to fail
	}
	return t.n, nil
}

// claim returns the total under key if it is current. Otherwise it puts a new one there, which the caller has to work out and
// settle, and returns the one before. key is not kept.
func (ts *totals) claim(db *sqlite.DB, key []byte, p *plan) (t, before *total, mine bool) {
	if t, ok := ts.known.GetBytes(key); ok && db.Current(t.noted) {
		return t, nil, false
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	before, _ = ts.known.GetBytes(key)
	if before != nil && db.Current(before.noted) {
		return before, nil, false
	}
	// The versions are noted before the snapshot begins: a write that comes between makes the entry stale, never wrong.
	t = &total{noted: db.Note(p.query.Tables), rewrites: db.Rewrites(p.table()), done: make(chan struct{}), last: noLast, err: errUnfinished}
	ts.known.Put(string(key), t, totalBytes)
	return t, before, true
}

// workOut counts what a plan finds, from where the total before ended if it can. last is noLast when nobody may go on from here.
func (s *Store) workOut(r *sqlite.Reader, p *plan, req *filter.Request, t, before *total) (n int, last int64, err error) {
	if p.start == "" {
		n, err = count(r, p, req)
		return n, noLast, err
	}
	if before.carries(t.rewrites) {
		n, last, ok, err := s.carryOn(r, p, req, t.rewrites, before)
		if ok || err != nil {
			return n, last, err
		}
	}
	stmt, err := r.Prepare(p.start)
	if missingColumn(err) {
		n, err = count(r, p, req) // a table without rowids
		return n, noLast, err
	}
	if err != nil {
		return 0, noLast, failure(err)
	}
	if _, err := p.query.BindUnordered(stmt, 1, req, nil); err != nil {
		return 0, noLast, err
	}
	if _, err := stmt.Step(); err != nil {
		return 0, noLast, failure(err)
	}
	return stmt.ColumnInt(0), lastRow(stmt), stmt.Reset()
}

// carries reports whether rows were only added since the total was worked out, as far as that is published.
func (t *total) carries(rewrites uint64) bool {
	if t == nil || t.rewrites != rewrites {
		return false
	}
	select {
	case <-t.done:
		return t.err == nil && t.last != noLast
	default:
		return false
	}
}

// carryOn counts the rows that were added to those of the total before. ok is false when there is more in its snapshot than is
// published: that may be a deletion.
func (s *Store) carryOn(r *sqlite.Reader, p *plan, req *filter.Request, rewrites uint64, before *total) (n int, last int64, ok bool, err error) {
	stmt, err := r.Prepare(p.growth)
	if err != nil {
		return 0, noLast, false, failure(err)
	}
	next, err := p.query.BindUnordered(stmt, 1, req, nil)
	if err != nil {
		return 0, noLast, false, err
	}
	stmt.BindInt64(next, before.last)
	if _, err := stmt.Step(); err != nil {
		return 0, noLast, false, failure(err)
	}
	n, last, group := before.n+stmt.ColumnInt(0), lastRow(stmt), uint64(stmt.ColumnInt64(2))
	return n, last, s.db.OnlyGrew(p.table(), rewrites, group), stmt.Reset()
}

func lastRow(stmt *zsqlite.Stmt) int64 {
	if stmt.ColumnIsNull(1) {
		return noLast
	}
	return stmt.ColumnInt64(1)
}

// settle lets those go on who wait for a total; one that failed is forgotten.
func (ts *totals) settle(t *total, key string) {
	close(t.done)
	if t.err == nil {
		return
	}
	ts.known.Delete(key, func(now *total) bool { return now != t })
}

func count(r Preparer, p *plan, req *filter.Request) (int, error) {
	stmt, err := r.Prepare(p.count)
	if err != nil {
		return 0, failure(err)
	}
	if _, err := p.query.BindUnordered(stmt, 1, req, nil); err != nil {
		return 0, err
	}
	if _, err := stmt.Step(); err != nil {
		return 0, failure(err)
	}
	n := stmt.ColumnInt(0)
	return n, stmt.Reset() // in a transaction an open statement would hold on to the table
}
