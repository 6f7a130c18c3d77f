package wasmhost

import (
	"sync"
	"time"
)

const (
	// logBurst is how many lines of one kind the log gets in logWindow: strangers can make calls fail as often as they like, and a list calls a hook for each
	// of its records.
	logBurst  = 10
	logWindow = time.Second
)

// logLimit keeps one kind of line from filling the log. The zero value is ready. Safe for concurrent use.
type logLimit struct {
	mu      sync.Mutex
	since   int64
	lines   int
	dropped int
}

// allow tells whether a line may be written now, and how many were not since the last one that was.
func (l *logLimit) allow(now int64) (ok bool, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since == 0 || now-l.since >= int64(logWindow) {
		l.since, l.lines = now, 0
	}
	if l.lines >= logBurst {
		l.dropped++
		return false, 0
	}
	l.lines++
	dropped, l.dropped = l.dropped, 0
	return true, dropped
}
