package sqlite

import (
	"sync"
	"time"
)

// queue holds the units that wait for the Writer, in the order of their arrival. Safe for concurrent use; only the Writer takes.
type queue struct {
	wake chan struct{} // holds a token when there may be something to take

	mu     sync.Mutex
	units  []*Unit
	bytes  int
	alone  int
	closed bool
}

func (q *queue) push(u *Unit) error {
	q.mu.Lock()
	switch {
	case q.closed:
		q.mu.Unlock()
		return ErrClosed
	case len(q.units) >= maxQueued:
		q.mu.Unlock()
		return ErrBusy
	}
	q.units = append(q.units, u)
	q.count(u, 1)
	q.mu.Unlock()
	q.signal()
	return nil
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) count(u *Unit, n int) {
	q.bytes += n * u.Bytes
	if u.Alone {
		q.alone += n
	}
}

func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.units)
}

// close refuses further units. Those that wait are still taken.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

// take moves the next group into dst and reports whether more may come, now or later. A unit that wants to be alone comes
// alone, and nothing that arrived after it comes before it.
func (q *queue) take(dst []*Unit) (group []*Unit, open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.units) == 0 {
		return dst[:0], !q.closed
	}
	n := len(q.units)
	if q.alone > 0 {
		n = 0
		for n < len(q.units) && !q.units[n].Alone {
			n++
		}
		n = max(n, 1)
	}
	if n <= maxGroupUnits && (q.bytes <= maxGroupBytes || n == 1) {
		return q.cut(append(dst[:0], q.units[:n]...), n), true
	}
	return q.choose(dst[:0], n), true
}

// cut removes the first n units, which are group.
func (q *queue) cut(group []*Unit, n int) []*Unit {
	for _, u := range group {
		q.count(u, -1)
	}
	rest := copy(q.units, q.units[n:])
	clear(q.units[rest:])
	q.units = q.units[:rest]
	return group
}

// choose fills a group from the first n units, more than fit: round robin a unit from each source, within a source from each client, both
// in the order in which their oldest units arrived, so that the oldest unit of all is always chosen. Within the group the order of arrival stays.
func (q *queue) choose(group []*Unit, n int) []*Unit {
	chosen := fairly(q.units[:n])
	rest := q.units[:0]
	for i, u := range q.units {
		if i < n && chosen[i] {
			group = append(group, u)
			q.count(u, -1)
		} else {
			rest = append(rest, u)
		}
	}
	clear(q.units[len(rest):])
	q.units = rest
	return group
}

// sweep removes the units whose deadline has passed or whose caller has gone, and returns the former.
func (q *queue) sweep(now time.Time) (expired []*Unit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	rest := q.units[:0]
	for _, u := range q.units {
		gone := u.state.Load() == stateRemoved
		if !gone && u.expired(now) && u.remove() {
			expired = append(expired, u)
			gone = true
		}
		if gone {
			q.count(u, -1)
		} else {
			rest = append(rest, u)
		}
	}
	clear(q.units[len(rest):])
	q.units = rest
	return expired
}

// roundRobin takes one source's units, one of each of its clients after the other.
type roundRobin struct {
	clients [][]int        // the indexes of the units of each client
	index   map[string]int // where in clients a client is
	next    int            // the client that is next
}

// take removes and returns the source's next unit.
func (r *roundRobin) take() (unit int, ok bool) {
	if len(r.clients) == 0 {
		return 0, false
	}
	r.next %= len(r.clients)
	unit = r.clients[r.next][0]
	r.clients[r.next] = r.clients[r.next][1:]
	if len(r.clients[r.next]) > 0 {
		r.next++
	} else {
		r.clients = append(r.clients[:r.next], r.clients[r.next+1:]...)
	}
	return unit, true
}

// fairly marks the units that make up the next group.
func fairly(units []*Unit) []bool {
	sources := make([]*roundRobin, 0, 16)
	bySource := make(map[string]*roundRobin, 16)
	for i, u := range units {
		r := bySource[u.Source]
		if r == nil {
			r = &roundRobin{index: make(map[string]int, 16)}
			bySource[u.Source] = r
			sources = append(sources, r)
		}
		c, ok := r.index[u.Client]
		if !ok {
			c = len(r.clients)
			r.index[u.Client] = c
			r.clients = append(r.clients, nil)
		}
		r.clients[c] = append(r.clients[c], i)
	}
	chosen := make([]bool, len(units))
	count, bytes := 0, 0
	for {
		before := count
		for _, r := range sources {
			i, ok := r.take()
			if !ok {
				continue
			}
			if count > 0 && bytes+units[i].Bytes > maxGroupBytes {
				r.clients = nil // it goes on with the next group, where it is older
				continue
			}
			bytes += units[i].Bytes
			chosen[i] = true
			if count++; count == maxGroupUnits {
				return chosen
			}
		}
		if count == before {
			return chosen
		}
	}
}
