package records

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxTotals is how many totals are remembered. One costs about 300 bytes.
const maxTotals = 4096

// totals remembers how many records queries find, while none of the tables behind them has moved.
type totals struct {
	mu    sync.RWMutex
	known map[string]*total
}

// total is worked out by one read; others that ask for the same meanwhile wait for it. n and err are set when done is closed.
type total struct {
	noted sqlite.Versions
	done  chan struct{}
	n     int
	err   error
}

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
	t, mine := s.totals.claim(s.db, key, p.query.Tables)
	if mine {
		defer s.totals.settle(t, string(key))
		t.n, t.err = count(r, p, req)
		return t.n, t.err
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", sqlite.ErrInterrupted, ctx.Err())
	}
	if t.err != nil {
		return count(r, p, req) // the other read may have been the only one to fail
	}
	return t.n, nil
}

// claim returns the total under key if it is current. Otherwise it puts a new one there, which the caller has to work out and
// settle. key is not kept.
func (ts *totals) claim(db *sqlite.DB, key []byte, tables []string) (t *total, mine bool) {
	ts.mu.RLock()
	t = ts.known[string(key)]
	ts.mu.RUnlock()
	if t != nil && db.Current(t.noted) {
		return t, false
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t = ts.known[string(key)]; t != nil && db.Current(t.noted) {
		return t, false
	}
	// The versions are noted before the snapshot begins: a write that comes between makes the entry stale, never wrong.
	t = &total{noted: db.Note(tables), done: make(chan struct{}), err: errUnfinished}
	if ts.known == nil || len(ts.known) >= maxTotals {
		ts.known = make(map[string]*total)
	}
	ts.known[string(key)] = t
	return t, true
}

// settle lets those go on who wait for a total; one that failed is forgotten.
func (ts *totals) settle(t *total, key string) {
	close(t.done)
	if t.err == nil {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.known[key] == t {
		delete(ts.known, key)
	}
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
