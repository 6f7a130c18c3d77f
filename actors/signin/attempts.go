package signin

import (
	"sync"
	"time"
)

const (
	// maxAttempts is how many codes one client may try for one record within attemptsWindow: a slip or two, not a search.
	maxAttempts = 5
	// maxRecordAttempts is how many codes all clients together may try for one record within attemptsWindow: whoever has many
	// addresses guesses no faster than four clients would. The shortest codes have four digits, so a search takes days, and the
	// record's owner, whom it can lock out of this way to sign in, is free again when the window ends.
	maxRecordAttempts = 20
	attemptsWindow    = 180 * time.Second
	// maxWindows bounds how many windows are remembered, about 150 bytes each. When so many are open at once further
	// attempts are refused: a guess must not become free by a flood. One record opens 21 at most.
	maxWindows = 1 << 17
)

// attemptKey is whose attempts count together: those of a client for a record, or, with no client, all for the record.
type attemptKey struct{ collection, record, client string }

type attemptWindow struct {
	end  time.Time
	left int
}

// attempts counts how often codes are tried. The zero value is ready.
type attempts struct {
	mu      sync.Mutex
	windows map[attemptKey]attemptWindow
}

// take tells whether a client may try one more code for a record, and counts it. Of IPv6 a client is a /64: whoever has one
// address of it has them all.
func (a *attempts) take(collection, record, client string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, own := attemptKey{collection, record, ""}, attemptKey{collection, record, client}
	ofAll, known := a.window(all, maxRecordAttempts, now)
	ofOwn, knownOwn := a.window(own, maxAttempts, now)
	if ofAll.left == 0 || ofOwn.left == 0 {
		return false
	}
	if (!known || !knownOwn) && len(a.windows)+2 > maxWindows && !a.sweep(now) {
		return false
	}
	if a.windows == nil {
		a.windows = make(map[attemptKey]attemptWindow)
	}
	ofAll.left--
	ofOwn.left--
	a.windows[all], a.windows[own] = ofAll, ofOwn
	return true
}

// window returns the window under a key, a new one where there is none that is open.
func (a *attempts) window(key attemptKey, limit int, now time.Time) (w attemptWindow, known bool) {
	w, known = a.windows[key]
	if !known || !now.Before(w.end) {
		w = attemptWindow{end: now.Add(attemptsWindow), left: limit}
	}
	return w, known
}

// sweep forgets the windows that have ended and tells whether there is room for two.
func (a *attempts) sweep(now time.Time) bool {
	for key, w := range a.windows {
		if !now.Before(w.end) {
			delete(a.windows, key)
		}
	}
	return len(a.windows)+2 <= maxWindows
}
