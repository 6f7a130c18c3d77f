package guests

import (
	"container/heap"
	"slices"
	"time"

	"github.com/troupebase/troupe/storage/calls"
)

// hookKey names a hook of an extension so that it means the same in another version of it.
type hookKey struct{ extension, hook string }

// subject is the record that a call is about.
type subject struct{ collection, record string }

// keptCall is what is in memory of a call that is kept in the data file.
type keptCall struct {
	id      string
	number  int64
	key     hookKey
	about   subject
	bytes   int
	state   calls.State
	next    time.Time
	running bool
	made    bool // it came to its end, but the row is still there
	gone    bool // it was discarded
	at      int  // its place among the heads, -1 for none
}

// lane is the waiting calls of one hook. Those for one record are made in their order, one call of the hook at a time.
type lane struct {
	lines map[subject][]*keptCall
	heads heads
	busy  bool
	// until is when the hook may be called again, whatever waits: it is suspended, busy, or not there.
	until time.Time
}

// heads are the first calls of all lines, but for those that run, the one that is due first in front.
type heads []*keptCall

func (h heads) Len() int { return len(h) }
func (h heads) Less(i, j int) bool {
	if !h[i].next.Equal(h[j].next) {
		return h[i].next.Before(h[j].next)
	}
	return h[i].number < h[j].number
}
func (h heads) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements heap.Interface.
func (h *heads) Push(v any) {
	c := v.(*keptCall)
	c.at = len(*h)
	*h = append(*h, c)
}

// Pop implements heap.Interface.
func (h *heads) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	c.at = -1
	return c
}

// join puts a call into its line, by its number.
func (l *lane) join(c *keptCall) {
	line := l.lines[c.about]
	at, _ := slices.BinarySearchFunc(line, c, func(a, b *keptCall) int { return int(min(max(a.number-b.number, -1), 1)) })
	c.at = -1
	l.lines[c.about] = slices.Insert(line, at, c)
	l.settle(c.about)
}

// leave takes a call out of its line.
func (l *lane) leave(c *keptCall) {
	line := l.lines[c.about]
	if at := slices.Index(line, c); at >= 0 {
		line = slices.Delete(line, at, at+1)
	}
	if c.at >= 0 {
		heap.Remove(&l.heads, c.at)
	}
	if len(line) == 0 {
		delete(l.lines, c.about)
		return
	}
	l.lines[c.about] = line
	l.settle(c.about)
}

// settle sees to it that the first call of a line is among the heads, unless it runs, and no other. Only the first two can be wrong.
func (l *lane) settle(about subject) {
	for i, c := range l.lines[about][:min(2, len(l.lines[about]))] {
		switch wanted := i == 0 && !c.running; {
		case wanted && c.at < 0:
			heap.Push(&l.heads, c)
		case wanted:
			heap.Fix(&l.heads, c.at)
		case c.at >= 0:
			heap.Remove(&l.heads, c.at)
		}
	}
}

// due is when the next call of the lane is to be made; ok is false when none is.
func (l *lane) due() (at time.Time, ok bool) {
	if l.busy || len(l.heads) == 0 {
		return at, false
	}
	at = l.heads[0].next
	if l.until.After(at) {
		at = l.until
	}
	return at, true
}
