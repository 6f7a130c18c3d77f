package wasmhost

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSuspension(t *testing.T) {
	x, log := OpenOne(t, &FakeHost{}, nil, "hostile")
	ctx := context.Background()
	for range failuresInARow - 1 {
		if _, err := x.Before(ctx, hookTrap, nil); !SameFault(err, &Fault{Kind: Trapped}) {
			t.Fatal(err)
		}
	}
	if _, err := x.Before(ctx, HookFine, nil); err != nil {
		t.Fatal(err) // which ends the row
	}
	for range failuresInARow {
		if _, err := x.Before(ctx, hookTrap, nil); !SameFault(err, &Fault{Kind: Trapped}) {
			t.Fatal(err)
		}
	}
	calls := x.Stats().Calls
	_, before := x.Before(ctx, HookFine, nil)
	_, serve := x.Serve(ctx, 0, nil)
	if after := x.After(ctx, HookFine, nil, nil); !errors.Is(before, ErrSuspended) || !errors.Is(serve, ErrSuspended) || !errors.Is(after, ErrSuspended) {
		t.Fatal(before, serve, after)
	}
	if s := x.Stats(); s.Suspended <= 0 || s.Suspended > suspendFirst || s.Calls != calls || !strings.Contains(s.LastError, "trap") {
		t.Fatalf("%+v", s)
	}
	if n := strings.Count(log.String(), "suspended"); n != 1 {
		t.Errorf("%d lines", n)
	}
	x.health.until.Store(1) // a second later
	if _, err := x.Before(ctx, HookFine, nil); err != nil {
		t.Fatal(err)
	}
	if s := x.Stats(); s.Suspended != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestHealth(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	h := &health{}
	now := int64(time.Hour)
	failure := errors.New("no")
	for range failuresInARow {
		if ok, trial := h.admit(now, time.Second); !ok || trial {
			t.Fatal("not admitted")
		}
	}
	for range failuresInARow + 3 { // three were under way
		h.failed(false, now, failure, log)
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		want *= time.Second
		if ok, _ := h.admit(now+int64(want)-1, time.Second); ok {
			t.Fatalf("admitted before %v", want)
		}
		now += int64(want)
		if ok, trial := h.admit(now, time.Second); !ok || !trial {
			t.Fatalf("no trial after %v", want)
		}
		if ok, _ := h.admit(now, time.Second); ok {
			t.Fatal("a second trial")
		}
		h.failed(true, now, failure, log)
	}
	now += int64(time.Minute)
	if _, trial := h.admit(now, time.Second); !trial {
		t.Fatal("no trial")
	}
	h.undecided(true, now)
	if _, trial := h.admit(now, time.Second); !trial {
		t.Fatal("no other trial after one that said nothing")
	}
	h.good(true)
	if ok, trial := h.admit(now, time.Second); !ok || trial {
		t.Fatal("still suspended")
	}
	h.failed(false, now, failure, log)
	if ok, _ := h.admit(now, time.Second); !ok {
		t.Fatal("suspended for one failure")
	}
}
