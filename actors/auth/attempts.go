package auth

import (
	"sync"
	"time"
)

const (
	// maxAttempts is how many codes may be tried for one record from one address within attemptsWindow.
	maxAttempts    = 5
	attemptsWindow = 180 * time.Second
	// maxWindows bounds how many windows are remembered, about 150 bytes each. When so many are open at once further
	// attempts are refused: a guess must not become free by a flood.
	maxWindows = 1 << 17
)

// attemptKey is whose attempts count together.
type attemptKey struct{ collection, record, ip string }

type attemptWindow struct {
	end  time.Time
	left int
}

// attempts counts how often codes are tried. The zero value is ready.
type attempts struct {
	mu      sync.Mutex
	windows map[attemptKey]attemptWindow
}

// take tells whether one more attempt is allowed, and counts it.
func (a *attempts) take(key attemptKey, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	w, ok := a.windows[key]
	if !ok || !now.Before(w.end) {
		if !ok && len(a.windows) >= maxWindows && !a.sweep(now) {
			return false
		}
		w = attemptWindow{end: now.Add(attemptsWindow), left: maxAttempts}
	}
	if w.left == 0 {
		return false
	}
	w.left--
	if a.windows == nil {
		a.windows = make(map[attemptKey]attemptWindow)
	}
	a.windows[key] = w
	return true
}

// sweep forgets the windows that have ended and tells whether there is room.
func (a *attempts) sweep(now time.Time) bool {
	for key, w := range a.windows {
		if !now.Before(w.end) {
			delete(a.windows, key)
		}
	}
	return len(a.windows) < maxWindows
}
