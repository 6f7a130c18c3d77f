package writes

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestRecordLocksEnd: whoever waits for a record gives up with his context, and his place goes to the next.
func TestRecordLocksEnd(t *testing.T) {
	var locks recordLocks
	key := recordKey{"c", "r"}
	mine := scope{chain: new(chain)}
	release, err := locks.take(context.Background(), mine, key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := locks.take(context.Background(), mine, key)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	gaveUp, granted := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := locks.take(ctx, scope{chain: new(chain)}, key)
		gaveUp <- err
	}()
	queued := func(n int) func() bool {
		return func() bool {
			locks.mu.Lock()
			defer locks.mu.Unlock()
			return len(locks.held[key].queue) == n
		}
	}
	eventually.True(t, "the first waiter", queued(1))
	var next func()
	go func() {
		release, err := locks.take(context.Background(), scope{chain: new(chain)}, key)
		next = release
		granted <- err
	}()
	eventually.True(t, "the second waiter", queued(2))
	cancel()
	if err := eventually.Receive(t, "the one who gave up", gaveUp); !errors.Is(err, sqlite.ErrNotWritten) {
		t.Errorf("who gave up got %v", err)
	}
	release()
	locks.mu.Lock()
	if locks.held[key].owner != mine.chain {
		t.Error("the turn was passed on while it is held")
	}
	locks.mu.Unlock()
	again()
	if err := eventually.Receive(t, "the turn", granted); err != nil {
		t.Fatal(err)
	}
	next()
	if len(locks.held)+len(locks.waits) != 0 {
		t.Errorf("%d records are locked, %d chains wait", len(locks.held), len(locks.waits))
	}
}

// TestRecordLocksAreBounded: whoever finds too many waiting is told so at once.
func TestRecordLocksAreBounded(t *testing.T) {
	var locks recordLocks
	key := recordKey{"c", "r"}
	release, err := locks.take(context.Background(), scope{chain: new(chain)}, key)
	if err != nil {
		t.Fatal(err)
	}
	one := locks.held[key]
	for range maxLockWaiters {
		one.queue = append(one.queue, &lockWaiter{chain: new(chain), granted: make(chan struct{})})
	}
	if _, err := locks.take(context.Background(), scope{chain: new(chain)}, key); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("got %v", err)
	}
	one.queue = nil
	release()
}

// TestRecordLocksOfDeepCircles: a circle of three chains closes with the last one that would wait.
func TestRecordLocksOfDeepCircles(t *testing.T) {
	var locks recordLocks
	chains := []scope{{chain: new(chain)}, {chain: new(chain)}, {chain: new(chain)}}
	key := func(i int) recordKey { return recordKey{"c", fmt.Sprint(i % 3)} }
	var releases []func()
	for i, s := range chains {
		release, err := locks.take(context.Background(), s, key(i))
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	granted := make(chan func(), 2)
	for i := range 2 {
		go func() {
			release, err := locks.take(context.Background(), chains[i], key(i+1))
			if err != nil {
				t.Error(err)
				release = func() {}
			}
			granted <- release
		}()
		eventually.True(t, "a waiter", func() bool {
			locks.mu.Lock()
			defer locks.mu.Unlock()
			return len(locks.waits) == i+1
		})
	}
	ahead := make(chan func(), 1)
	go func() {
		release, err := locks.take(context.Background(), chains[2], key(2+1))
		if err != nil {
			t.Error(err)
		}
		ahead <- release
	}()
	eventually.Receive(t, "the one that closes the circle", ahead)()
	releases[2]() // 1 gets on
	second := eventually.Receive(t, "the next", granted)
	releases[1]()
	second()
	eventually.Receive(t, "the last", granted)()
	releases[0]()
	if len(locks.held)+len(locks.waits) != 0 {
		t.Errorf("%d records are locked, %d chains wait", len(locks.held), len(locks.waits))
	}
}
