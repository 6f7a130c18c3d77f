package records

import (
	"sync"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxTotals is how many totals are remembered. One costs about 200 bytes.
const maxTotals = 4096

// totals remembers how many records queries find, while none of the tables behind them has moved.
type totals struct {
	mu    sync.RWMutex
	known map[string]total
}

type total struct {
	n     int
	noted sqlite.Versions
}

// total returns how many records a plan finds in all.
func (s *Store) total(r *sqlite.Reader, p *plan, req *filter.Request) (int, error) {
	if p.query.Volatile {
		return count(r, p, req)
	}
	var buf [256]byte
	key := append(buf[:0], p.count...)
	key = append(key, 0)
	key = p.query.AppendKey(key, req)
	s.totals.mu.RLock()
	known, ok := s.totals.known[string(key)]
	s.totals.mu.RUnlock()
	if ok && s.db.Current(known.noted) {
		return known.n, nil
	}
	// The versions are noted before the snapshot begins: a write that comes between makes the entry stale, never wrong.
	noted := s.db.Note(p.query.Tables)
	n, err := count(r, p, req)
	if err != nil {
		return 0, err
	}
	s.totals.mu.Lock()
	defer s.totals.mu.Unlock()
	if s.totals.known == nil || len(s.totals.known) >= maxTotals {
		s.totals.known = make(map[string]total)
	}
	s.totals.known[string(key)] = total{n, noted}
	return n, nil
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
