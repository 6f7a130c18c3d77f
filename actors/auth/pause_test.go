package auth

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestPauses(t *testing.T) {
	var p pauses
	key := pauseKey{VerificationToken, "users", "ann"}
	now := time.Now()
	if !p.begin(key, now) || p.begin(key, now) {
		t.Error("a mail on its way does not keep others from being sent")
	}
	p.end(key, now, true)
	if p.begin(key, now.Add(mailPause-time.Second)) || !p.begin(key, now.Add(mailPause)) {
		t.Error("the pause is not two minutes")
	}
	p.end(key, now, false)
	if !p.begin(key, now) {
		t.Error("a mail that failed makes others wait")
	}
	p.forget(key)
	p.end(key, now, true)
	if !p.begin(key, now) {
		t.Error("a record that did what it was asked for has to wait")
	}
	if other := (pauseKey{PasswordResetToken, "users", "ann"}); !p.begin(other, now) {
		t.Error("kinds of mails wait for one another")
	}
}

// TestPausesAreBounded: when too many records wait the next one gets its mail without a pause; those that are over make room.
func TestPausesAreBounded(t *testing.T) {
	var p pauses
	now := time.Now()
	for i := range maxPauses + 10 {
		key := pauseKey{VerificationToken, "users", fmt.Sprint(i)}
		if !p.begin(key, now) {
			t.Fatal(i)
		}
		p.end(key, now, true)
	}
	if len(p.until) != maxPauses {
		t.Errorf("%d pauses", len(p.until))
	}
	if late := (pauseKey{VerificationToken, "users", "late"}); !p.begin(late, now.Add(mailPause)) || len(p.until) != 1 {
		t.Errorf("%d pauses after their time", len(p.until))
	}
}

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

func TestTurns(t *testing.T) {
	var list turns
	var all sync.WaitGroup
	n := 0
	for range 50 {
		all.Go(func() {
			defer list.take("ann")()
			n++ // the race detector tells when two are here at once
		})
	}
	all.Wait()
	if n != 50 || len(list.holders) != 0 {
		t.Errorf("%d turns, %d holders left", n, len(list.holders))
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
