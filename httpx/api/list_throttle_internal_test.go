package api

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestEmptyListsAreCountedWithinAWindow(t *testing.T) {
	throttle := newEmptyListThrottle()
	key, now := emptyListKey{"client", "collection"}, time.Now()
	for i := range freeEmptyLists {
		if throttle.exceeded(key, now) {
			t.Fatalf("too many after %d", i+1)
		}
	}
	if !throttle.exceeded(key, now.Add(emptyListWindow)) {
		t.Error("one more within the window is not too many")
	}
	if throttle.exceeded(key, now.Add(emptyListWindow+1)) {
		t.Error("too many after the window has passed")
	}
	for i := range 2 * maxEmptyListClients {
		throttle.exceeded(emptyListKey{fmt.Sprint(i), "collection"}, now)
		if len(throttle.seen) > maxEmptyListClients {
			t.Fatalf("%d clients are remembered", len(throttle.seen))
		}
	}
}

func TestPauseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	pause(ctx, time.Hour)
	if time.Since(began) > time.Minute {
		t.Error("nobody waits any more")
	}
	pause(t.Context(), time.Nanosecond)
}
