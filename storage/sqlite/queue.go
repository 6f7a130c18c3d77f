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

// choose fills a group from the first n units, more than fit: turn by turn a unit from each source, within a source from each client, both
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

// turns is one source's share of a choice: the indexes of its units by client, and whose turn it is.
type turns struct {
	clients [][]int
	index   map[string]int
	next    int
}

// take removes and returns the source's next unit.
func (t *turns) take() (unit int, ok bool) {
	if len(t.clients) == 0 {
		return 0, false
	}
	t.next %= len(t.clients)
	unit = t.clients[t.next][0]
	t.clients[t.next] = t.clients[t.next][1:]
	if len(t.clients[t.next]) > 0 {
		t.next++
	} else {
		t.clients = append(t.clients[:t.next], t.clients[t.next+1:]...)
	}
	return unit, true
}

// fairly marks the units that make up the next group.
func fairly(units []*Unit) []bool {
	sources := make([]*turns, 0, 16)
	bySource := make(map[string]*turns, 16)
	for i, u := range units {
		t := bySource[u.Source]
		if t == nil {
			t = &turns{index: make(map[string]int, 16)}
			bySource[u.Source] = t
			sources = append(sources, t)
		}
		c, ok := t.index[u.Client]
		if !ok {
			c = len(t.clients)
			t.index[u.Client] = c
			t.clients = append(t.clients, nil)
		}
		t.clients[c] = append(t.clients[c], i)
	}
	chosen := make([]bool, len(units))
	count, bytes := 0, 0
	for {
		before := count
		for _, t := range sources {
			i, ok := t.take()
			if !ok {
				continue
			}
			if count > 0 && bytes+units[i].Bytes > maxGroupBytes {
				t.clients = nil // its turn comes with the next group, where it is older
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
