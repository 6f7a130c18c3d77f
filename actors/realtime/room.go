package realtime

import (
	"sync"
	"unsafe"

	"github.com/troupebase/troupe/storage/budget"
)

// view returns bytes that do not change any more as a string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// room is the share of memory for messages that were not sent yet, each counted once however many clients it waits for. Safe
// for concurrent use.
type room struct {
	share *budget.Share
	most  int64 // what one message is charged at the most, so that any fits when all others are gone

	mu   sync.Mutex    // also of what messages are charged
	less chan struct{} // closed when something was given back, nil when nobody waits
}

func newRoom(share *budget.Share) *room {
	return &room{share: share, most: share.Usage().Limit / 2}
}

// take charges a message, unless there is no room for it.
func (r *room) take(m *message, n int64) bool {
	m.room = r
	if r.share == nil {
		return true
	}
	n = min(n, r.most)
	if r.share.Take("", n) != nil {
		return false
	}
	m.charged = n
	return true
}

// adjust charges what a message turned out to be. It does not wait: what comes after the message waits for it. Where there is no
// room for more it is charged what it was thought to be.
func (r *room) adjust(m *message, n int64) {
	if r.share == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.charged == 0 {
		return // nobody holds it any more
	}
	n = min(n, r.most)
	switch more := n - m.charged; {
	case more < 0:
		r.share.Give("", -more)
		m.charged = n
		r.signalLocked()
	case r.share.Take("", more) == nil:
		m.charged = n
	}
}

// give is called when no outbox holds the message any more.
func (r *room) give(m *message) {
	if r.share == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share.Give("", m.charged)
	m.charged = 0
	r.signalLocked()
}

// signal wakes whoever waits for room, also to look for another way to get it.
func (r *room) signal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signalLocked()
}

func (r *room) signalLocked() {
	if r.less != nil {
		close(r.less)
		r.less = nil
	}
}

// wait returns a channel that is closed by the next signal. The caller tries again before it waits.
func (r *room) wait() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.less == nil {
		r.less = make(chan struct{})
	}
	return r.less
}
