package auth

import (
	"sync"
	"time"
)

const (
	// mailPause is how long a record waits for the next mail of the same kind.
	mailPause = 2 * time.Minute
	// maxPauses bounds how many pauses are remembered, about 150 bytes each. Beyond it records get their mails without one.
	maxPauses = 1 << 16
)

// pauseKey is one kind of mail to one record.
type pauseKey struct {
	kind               Kind
	collection, record string
}

// pauses remembers which records got a mail lately. The zero value is ready.
type pauses struct {
	mu    sync.Mutex
	until map[pauseKey]time.Time // the zero time while the mail is on its way
}

// begin tells whether a mail may be sent now, and keeps others from being sent until end.
func (p *pauses) begin(key pauseKey, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.until[key]
	if ok && (until.IsZero() || now.Before(until)) {
		return false
	}
	if p.until == nil {
		p.until = make(map[pauseKey]time.Time)
	}
	if !ok && len(p.until) >= maxPauses && !p.sweep(now) {
		return true
	}
	p.until[key] = time.Time{}
	return true
}

// sweep forgets the pauses that are over and tells whether there is room.
func (p *pauses) sweep(now time.Time) bool {
	for key, until := range p.until {
		if !until.IsZero() && !now.Before(until) {
			delete(p.until, key)
		}
	}
	return len(p.until) < maxPauses
}

// end says that the mail was sent, or tried: pause tells whether the next one has to wait.
func (p *pauses) end(key pauseKey, now time.Time, pause bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.until[key]; !ok {
		return // forgotten meanwhile: the record has done what the mail asked for
	}
	if pause {
		p.until[key] = now.Add(mailPause)
	} else {
		delete(p.until, key)
	}
}

// forget lets the next mail be sent at once.
func (p *pauses) forget(key pauseKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.until, key)
}
