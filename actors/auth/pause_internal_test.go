package auth

import (
	"fmt"
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
