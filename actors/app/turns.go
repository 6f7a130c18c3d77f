package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/troupebase/troupe/storage/sqlite"
)

// turns let one chain at a time work on a record, from before its hooks until after they ran. The safety of data does not
// rest on them: a command is judged and laid over the row as it is in the transaction that writes. They are kept here and
// not by the collection's actor, so that a turn outlives its restart.
//
// A chain that has a turn may take it again. A chain that would wait for itself, by way of others or because it holds the
// Writer that others wait for, does not wait: it goes ahead without.
type turns struct {
	mu    sync.Mutex
	held  map[turnKey]*turn
	waits map[*chain]*turn
}

// turnKey names a record.
type turnKey struct{ collection, record string }

// turn is a record that is worked on and who waits for it.
type turn struct {
	owner *chain
	depth int // how often the owner has taken it
	queue []*turnWaiter
}

type turnWaiter struct {
	chain   *chain
	granted chan struct{}
}

// maxTurnWaiters is how many chains may wait for one record: as many as a collection admits commands.
const maxTurnWaiters = maxAdmitted

// take waits for a record's turn, at most until ctx or the patience for writes ends; it fails with sqlite.ErrBusy or
// sqlite.ErrNotWritten then. release must be called once.
func (t *turns) take(ctx context.Context, s scope, key turnKey) (release func(), err error) {
	t.mu.Lock()
	one := t.held[key]
	switch {
	case one == nil:
		if t.held == nil {
			t.held, t.waits = make(map[turnKey]*turn), make(map[*chain]*turn)
		}
		one = &turn{owner: s.chain, depth: 1}
		t.held[key] = one
	case one.owner == s.chain:
		one.depth++
	case s.tx != nil || t.closes(s.chain, one):
		t.mu.Unlock()
		return func() {}, nil
	case len(one.queue) >= maxTurnWaiters:
		t.mu.Unlock()
		return nil, fmt.Errorf("wait for record %s: %w", key.record, sqlite.ErrBusy)
	default:
		if err := t.wait(ctx, s.chain, one); err != nil {
			return nil, fmt.Errorf("wait for record %s: %w", key.record, err)
		}
		return func() { t.give(key, one) }, nil
	}
	t.mu.Unlock()
	return func() { t.give(key, one) }, nil
}

// closes tells whether a circle would close if c waited for one; the caller holds the lock.
func (t *turns) closes(c *chain, one *turn) bool {
	for range len(t.waits) + 1 {
		if one.owner == c {
			return true
		}
		if one = t.waits[one.owner]; one == nil {
			return false
		}
	}
	return true
}

// wait queues for a turn. It is entered with the lock held and leaves without.
func (t *turns) wait(ctx context.Context, c *chain, one *turn) error {
	w := &turnWaiter{c, make(chan struct{})}
	one.queue = append(one.queue, w)
	t.waits[c] = one
	t.mu.Unlock()
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(one.queue, w)
	if i < 0 {
		return nil // it was granted meanwhile
	}
	one.queue = slices.Delete(one.queue, i, i+1)
	delete(t.waits, c)
	return sqlite.ErrNotWritten
}

// give passes a turn on.
func (t *turns) give(key turnKey, one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.depth--; one.depth > 0 {
		return
	}
	if len(one.queue) == 0 {
		delete(t.held, key)
		return
	}
	next := one.queue[0]
	one.queue = one.queue[1:]
	one.owner, one.depth = next.chain, 1
	delete(t.waits, next.chain)
	close(next.granted)
}
