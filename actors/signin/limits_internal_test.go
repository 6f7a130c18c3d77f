package signin

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestAttemptsAreBounded: when too many windows are open guesses are refused, and go on once they are over.
func TestAttemptsAreBounded(t *testing.T) {
	var a attempts
	now := time.Now()
	for i := range maxWindows / 2 {
		if !a.take("users", fmt.Sprint(i), "client", now) {
			t.Fatal(i)
		}
	}
	if a.take("users", "late", "client", now) || len(a.windows) > maxWindows {
		t.Error("a guess became free by a flood")
	}
	if !a.take("users", "late", "client", now.Add(attemptsWindow)) || len(a.windows) != 2 {
		t.Errorf("%d windows after their time", len(a.windows))
	}
}

// TestKeyLocks: one caller at a time has the lock of a key, and nothing is kept of keys that nobody locks.
func TestKeyLocks(t *testing.T) {
	var list keyLocks
	var all sync.WaitGroup
	n := 0
	for range 50 {
		all.Go(func() {
			defer list.lock("ann")()
			n++ // the race detector tells when two are here at once
		})
	}
	all.Wait()
	if n != 50 || len(list.held) != 0 {
		t.Errorf("%d callers, %d locks left", n, len(list.held))
	}
}

func TestCodesAreEven(t *testing.T) {
	counts := make(map[rune]int)
	for range 2000 {
		for _, digit := range newCode(10) {
			counts[digit]++
		}
	}
	for digit := '0'; digit <= '9'; digit++ {
		if n := counts[digit]; n < 1700 || n > 2300 { // seven standard deviations
			t.Errorf("%c: %d of 20000", digit, n)
		}
	}
	if len(counts) != 10 {
		t.Errorf("%d digits", len(counts))
	}
}
