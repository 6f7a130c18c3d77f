package realtime

import (
	"sync"
	"sync/atomic"
)

// maxBacklog is how much all clients together may be owed, by weight, before the announcer waits: some hundred events for
// each of a thousand clients, a few MiB of queues. It is far more than what clients that keep up ever have.
const maxBacklog = 1 << 18

// backlog is the weight of what waits in the outboxes of the clients that keep up. The announcer waits while it is too high. Safe for concurrent use.
type backlog struct {
	weight  atomic.Int64
	waiting atomic.Int32
	mu      sync.Mutex
	less    sync.Cond
	closed  bool
}

func (b *backlog) add(n int64) {
	if b.weight.Add(n) <= maxBacklog && n < 0 && b.waiting.Load() > 0 {
		b.mu.Lock()
		b.less.Broadcast()
		b.mu.Unlock()
	}
}

// wait returns when the backlog is below its bound, or closed.
func (b *backlog) wait() {
	if b.weight.Load() <= maxBacklog {
		return
	}
	b.waiting.Add(1)
	defer b.waiting.Add(-1)
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.weight.Load() > maxBacklog && !b.closed {
		b.less.Wait()
	}
}

func (b *backlog) close() {
	b.mu.Lock()
	b.closed = true
	b.less.Broadcast()
	b.mu.Unlock()
}
