package writes

import (
	"sync"
	"time"
)

const (
	// aloneFor is how long transactions of a kind share no commit with others after one of the kind was lost: a statement that SQLite
	// ends with the whole transaction takes those along that share it, and one that did so once will often do so again.
	aloneFor = time.Minute
	// maxLoners bounds the kinds that are remembered; beyond it the oldest is forgotten.
	maxLoners = 256
)

// loners are the kinds of transactions that have to be alone for a while. The zero value has none; it is safe for concurrent use.
type loners struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// has tells whether transactions of a kind have to be alone.
func (l *loners) has(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.until[kind]
	return ok && time.Now().Before(until)
}

// add keeps transactions of a kind alone from now on.
func (l *loners) add(kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil {
		l.until = make(map[string]time.Time)
	}
	if _, known := l.until[kind]; !known && len(l.until) >= maxLoners {
		oldest := kind
		for other, until := range l.until {
			if first, ok := l.until[oldest]; !ok || until.Before(first) {
				oldest = other
			}
		}
		delete(l.until, oldest)
	}
	l.until[kind] = time.Now().Add(aloneFor)
}
