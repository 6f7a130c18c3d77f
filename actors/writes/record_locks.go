package writes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/troupebase/troupe/storage/sqlite"
)

// recordLocks let one chain at a time work on a record, from before its hooks until after they ran. The safety of data does not
// rest on them: a command is judged and laid over the row as it is in the transaction that writes. They are kept here and
// not by the collection's actor, so that a lock outlives its restart.
//
// A chain that has a lock may take it again. A chain that would wait for itself, by way of others or because it holds the
// Writer that others wait for, does not wait: it goes ahead without.
type recordLocks struct {
	mu    sync.Mutex
	held  map[recordKey]*recordLock
	waits map[*chain]*recordLock
}

// recordKey names a record.
type recordKey struct{ collection, record string }

// recordLock is a record that is worked on and who waits for it.
type recordLock struct {
	owner *chain
	depth int // how often the owner has taken it
	queue []*lockWaiter
}

type lockWaiter struct {
	chain   *chain
	granted chan struct{}
}

// maxLockWaiters is how many chains may wait for one record: as many as a collection admits commands.
const maxLockWaiters = maxAdmitted

// take waits for a record's lock, at most until ctx or the patience for writes ends; it fails with sqlite.ErrBusy or
// sqlite.ErrNotWritten then. release must be called once.
func (l *recordLocks) take(ctx context.Context, s scope, key recordKey) (release func(), err error) {
	l.mu.Lock()
	one := l.held[key]
	switch {
	case one == nil:
		if l.held == nil {
			l.held, l.waits = make(map[recordKey]*recordLock), make(map[*chain]*recordLock)
		}
		one = &recordLock{owner: s.chain, depth: 1}
		l.held[key] = one
	case one.owner == s.chain:
		one.depth++
	case s.tx != nil || l.closes(s.chain, one):
		l.mu.Unlock()
		return func() {}, nil
	case len(one.queue) >= maxLockWaiters:
		l.mu.Unlock()
		return nil, fmt.Errorf("wait for record %s: %w", key.record, sqlite.ErrBusy)
	default:
		if err := l.wait(ctx, s.chain, one); err != nil {
			return nil, fmt.Errorf("wait for record %s: %w", key.record, err)
		}
		return func() { l.give(key, one) }, nil
	}
	l.mu.Unlock()
	return func() { l.give(key, one) }, nil
}

// closes tells whether a circle would close if c waited for one; the caller holds the lock.
func (l *recordLocks) closes(c *chain, one *recordLock) bool {
	for range len(l.waits) + 1 {
		if one.owner == c {
			return true
		}
		if one = l.waits[one.owner]; one == nil {
			return false
		}
	}
	return true
}

// wait queues for a lock. It is entered with the lock held and leaves without.
func (l *recordLocks) wait(ctx context.Context, c *chain, one *recordLock) error {
	w := &lockWaiter{c, make(chan struct{})}
	one.queue = append(one.queue, w)
	l.waits[c] = one
	l.mu.Unlock()
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	case <-timer.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(one.queue, w)
	if i < 0 {
		return nil // it was granted meanwhile
	}
	one.queue = slices.Delete(one.queue, i, i+1)
	delete(l.waits, c)
	return sqlite.ErrNotWritten
}

// give passes a lock on.
func (l *recordLocks) give(key recordKey, one *recordLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.depth--; one.depth > 0 {
		return
	}
	if len(one.queue) == 0 {
		delete(l.held, key)
		return
	}
	next := one.queue[0]
	one.queue = one.queue[1:]
	one.owner, one.depth = next.chain, 1
	delete(l.waits, next.chain)
	close(next.granted)
}
