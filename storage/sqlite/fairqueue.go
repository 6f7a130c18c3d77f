package sqlite

import "slices"

// fairQueue serves clients in turn, and the entries of each client in their order. The zero value is empty. It is not safe for
// concurrent use.
type fairQueue[T comparable] struct {
	byClient map[string]*line[T]
	ready    []*line[T] // lines with entries; the first is the next to be served
	n        int
}

// line is what one client has in the queue.
type line[T comparable] struct {
	client  string
	entries []T
}

func (q *fairQueue[T]) push(client string, e T) {
	l := q.byClient[client]
	if l == nil {
		if q.byClient == nil {
			q.byClient = make(map[string]*line[T])
		}
		l = &line[T]{client: client}
		q.byClient[client] = l
		q.ready = append(q.ready, l)
	}
	l.entries = append(l.entries, e)
	q.n++
}

// of returns how many entries a client has.
func (q *fairQueue[T]) of(client string) int {
	if l := q.byClient[client]; l != nil {
		return len(l.entries)
	}
	return 0
}

// pop takes the entry out whose turn it is among the clients that may have one now.
func (q *fairQueue[T]) pop(may func(client string) bool) (e T, ok bool) {
	for i, l := range q.ready {
		if !may(l.client) {
			continue
		}
		e = l.entries[0]
		l.entries = slices.Delete(l.entries, 0, 1)
		q.ready = slices.Delete(q.ready, i, i+1)
		q.n--
		if len(l.entries) > 0 {
			q.ready = append(q.ready, l)
		} else {
			delete(q.byClient, l.client)
		}
		return e, true
	}
	return e, false
}

// remove takes an entry of a client out; false means that it is not there any more.
func (q *fairQueue[T]) remove(client string, e T) bool {
	l := q.byClient[client]
	if l == nil {
		return false
	}
	i := slices.Index(l.entries, e)
	if i < 0 {
		return false
	}
	q.drop(l, i)
	return true
}

// removeAll takes out and returns all entries for which gone says so.
func (q *fairQueue[T]) removeAll(gone func(e T) bool) (out []T) {
	for _, l := range slices.Clone(q.ready) {
		for i := len(l.entries) - 1; i >= 0; i-- {
			if e := l.entries[i]; gone(e) {
				out = append(out, e)
				q.drop(l, i)
			}
		}
	}
	return out
}

// removeNewest takes out and returns the newest entry of the client that has the most, if that is more than the given number.
func (q *fairQueue[T]) removeNewest(than int) (e T, ok bool) {
	var most *line[T]
	for _, l := range q.ready {
		if most == nil || len(l.entries) > len(most.entries) {
			most = l
		}
	}
	if most == nil || len(most.entries) <= than {
		return e, false
	}
	e = most.entries[len(most.entries)-1]
	q.drop(most, len(most.entries)-1)
	return e, true
}

func (q *fairQueue[T]) drop(l *line[T], i int) {
	l.entries = slices.Delete(l.entries, i, i+1)
	q.n--
	if len(l.entries) == 0 {
		delete(q.byClient, l.client)
		j := slices.Index(q.ready, l)
		q.ready = slices.Delete(q.ready, j, j+1)
	}
}
