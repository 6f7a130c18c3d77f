package sqlite

import (
	"slices"
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
	shared int
	// sharedLast tells that the last group that was chosen while units of both kinds waited was one of shared units.
	sharedLast bool
	closed     bool
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
	switch {
	case u.Alone:
		q.alone += n
	case u.Shared:
		q.shared += n
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
	if q.shared > 0 && !q.units[0].Alone {
		return q.chooseKind(dst[:0], n), true
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
	return q.remove(group, fairly(q.units[:n], maxGroupUnits))
}

// remove moves the units that are marked into group.
func (q *queue) remove(group []*Unit, chosen []bool) []*Unit {
	rest := q.units[:0]
	for i, u := range q.units {
		if i < len(chosen) && chosen[i] {
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

// chooseKind fills a group from the first n units, some of which are shared: with units of one kind. Where both kinds wait they
// take turns, so that neither waits for more than one group of the other.
func (q *queue) chooseKind(group []*Unit, n int) []*Unit {
	var of [2][]int // the indexes of the units of each kind
	for i, u := range q.units[:n] {
		of[kindOf(u)] = append(of[kindOf(u)], i)
	}
	kind, limit := 0, maxGroupUnits
	if len(of[0]) == 0 || len(of[1]) > 0 && !q.sharedLast {
		kind, limit = 1, maxSharedUnits
	}
	q.sharedLast = kind == 1
	units := make([]*Unit, len(of[kind]))
	for i, at := range of[kind] {
		units[i] = q.units[at]
	}
	chosen := make([]bool, n)
	for i, is := range fairly(units, limit) {
		chosen[of[kind][i]] = is
	}
	return q.remove(group, chosen)
}

func kindOf(u *Unit) int {
	if u.Shared {
		return 1
	}
	return 0
}

// putBack returns units that were taken and have not begun, in front of those that came meanwhile. They were let in before.
func (q *queue) putBack(units []*Unit) {
	if len(units) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, u := range units {
		q.count(u, 1)
	}
	q.units = append(slices.Clone(units), q.units...)
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

// fairly marks the units that make up the next group, at most limit of them.
func fairly(units []*Unit, limit int) []bool {
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
			if count++; count == limit {
				return chosen
			}
		}
		if count == before {
			return chosen
		}
	}
}
