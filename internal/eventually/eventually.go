// Package eventually is for tests that wait for what other goroutines bring about: a test fails when that does not happen in time, and
// names what it was, instead of hanging.
package eventually

import (
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/routine"
)

// patience is how long a test waits for what must happen: long enough for a machine that is busy with something else.
const patience = 30 * time.Second

// True waits until is returns true. what names the condition.
func True(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

// Receive waits for a value of a channel, the zero value where it is closed. what names the value.
func Receive[T any](t testing.TB, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("%s: not in time", what)
	}
	return v
}

// Returns waits until fn returns, which runs on a goroutine of its own. what names it.
func Returns(t testing.TB, what string, fn func()) {
	t.Helper()
	panicked := make(chan any, 1)
	routine.Go(func() {
		defer func() { panicked <- recover() }() // also when fn ends the test
		fn()
	}, func(*routine.Panic) {})
	select {
	case v := <-panicked:
		if v != nil {
			t.Errorf("%s: panic: %v", what, v)
		}
	case <-time.After(patience):
		t.Fatalf("%s: no return in time", what)
	}
}
