package realtime

import (
	"sync"
	"unsafe"

	"github.com/troupebase/troupe/storage/budget"
)

// view returns bytes that do not change any more as a string.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// messageBudget is the share of memory for messages that were not sent yet, each counted once however many clients it waits for. Safe
// for concurrent use.
type messageBudget struct {
	share *budget.Share
	most  int64 // what one message is charged at the most, so that any fits when all others are gone

	mu   sync.Mutex    // also of what messages are charged
	less chan struct{} // closed when something was given back, nil when nobody waits
}

func newMessageBudget(share *budget.Share) *messageBudget {
	return &messageBudget{share: share, most: share.Usage().Limit / 2}
}

// take charges a message, unless there is no room for it.
func (b *messageBudget) take(m *message, n int64) bool {
	m.budget = b
	if b.share == nil {
		return true
	}
	n = min(n, b.most)
	if b.share.Take("", n) != nil {
		return false
	}
	m.charged = n
	return true
}

// adjust charges what a message turned out to be. It does not wait: what comes after the message waits for it. Where there is no
// room for more it is charged what it was thought to be.
func (b *messageBudget) adjust(m *message, n int64) {
	if b.share == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.charged == 0 {
		return // nobody holds it any more
	}
	n = min(n, b.most)
	switch more := n - m.charged; {
	case more < 0:
		b.share.Give("", -more)
		m.charged = n
		b.signalLocked()
	case b.share.Take("", more) == nil:
		m.charged = n
	}
}

// give is called when no outbox holds the message any more.
func (b *messageBudget) give(m *message) {
	if b.share == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.share.Give("", m.charged)
	m.charged = 0
	b.signalLocked()
}

// signal wakes whoever waits for room, also to look for another way to get it.
func (b *messageBudget) signal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signalLocked()
}

func (b *messageBudget) signalLocked() {
	if b.less != nil {
		close(b.less)
		b.less = nil
	}
}

// wait returns a channel that is closed by the next signal. The caller tries again before it waits.
func (b *messageBudget) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.less == nil {
		b.less = make(chan struct{})
	}
	return b.less
}
