package api

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Someone who may not see a collection's records could find out what they hold by filters and the time they take. Whoever
// gets more than freeEmptyLists empty lists within emptyListWindow has to wait a little for each further one (records.md 2).
const (
	freeEmptyLists    = 3
	emptyListWindow   = 3 * time.Second
	maxEmptyListDelay = 500 * time.Millisecond
	// maxEmptyListClients bounds the memory of this: beyond it counting begins anew.
	maxEmptyListClients = 10_000
)

// emptyListThrottle counts empty lists by client and collection. It is safe for concurrent use.
type emptyListThrottle struct {
	pause func(ctx context.Context, d time.Duration)

	mu   sync.Mutex
	seen map[emptyListKey]*emptyListCount
}

func newEmptyListThrottle() *emptyListThrottle { return &emptyListThrottle{pause: pause} }

type emptyListKey struct{ client, collection string }

type emptyListCount struct {
	ends time.Time
	n    int
}

// wait counts an empty list, and waits when there were too many of them.
func (t *emptyListThrottle) wait(ctx context.Context, client, collection string) {
	if !t.exceeded(emptyListKey{client, collection}, time.Now()) {
		return
	}
	t.pause(ctx, rand.N(maxEmptyListDelay))
}

// pause waits, but not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// exceeded counts one more, and tells whether there were too many before.
func (t *emptyListThrottle) exceeded(key emptyListKey, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := t.seen[key]
	if count == nil || now.After(count.ends) {
		if t.seen == nil || len(t.seen) >= maxEmptyListClients {
			t.seen = make(map[emptyListKey]*emptyListCount)
		}
		count = &emptyListCount{ends: now.Add(emptyListWindow)}
		t.seen[key] = count
	}
	count.n++
	return count.n > freeEmptyLists
}
