package wasmhost

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestLogLimit(t *testing.T) {
	var l logLimit
	now := int64(time.Hour)
	for range logBurst {
		if ok, dropped := l.allow(now); !ok || dropped != 0 {
			t.Fatal("refused")
		}
	}
	for range 7 {
		if ok, _ := l.allow(now + int64(logWindow) - 1); ok {
			t.Fatal("too many")
		}
	}
	if ok, dropped := l.allow(now + int64(logWindow)); !ok || dropped != 7 {
		t.Fatal(ok, dropped)
	}
}

// TestFailuresDoNotFillTheLog: a call that fails again and again writes few lines, and those say how many were left out.
func TestFailuresDoNotFillTheLog(t *testing.T) {
	x, log := OpenOne(t, &FakeHost{}, nil, "hostile")
	begun := time.Now()
	for range 50 * logBurst {
		if _, err := x.Before(context.Background(), hookTrap, &Call{Again: true}); !SameFault(err, &Fault{Kind: Trapped}) {
			t.Fatal(err)
		}
	}
	most := (int(time.Since(begun)/logWindow) + 2) * logBurst
	for _, line := range []string{"call failed", "extension: trap"} {
		if n := strings.Count(log.String(), line); n == 0 || n > most {
			t.Errorf("%d lines %q, at most %d", n, line, most)
		}
	}
}
