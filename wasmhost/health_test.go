package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestSuspension: what keeps failing is suspended alone, however often it is called.
func TestSuspension(t *testing.T) {
	for _, crashes := range []int{failuresInARow, 50, 500} {
		for _, what := range []struct {
			name  string
			crash func(x *Extension) error
			fault FaultKind
			stats func(s Stats) CallStats
		}{
			{"record.create", func(x *Extension) error {
				_, err := x.Before(context.Background(), hookTrap, nil)
				return err
			}, Trapped, func(s Stats) CallStats { return s.Hooks[hookTrap] }},
			{"route /hostile", func(x *Extension) error {
				_, err := x.Serve(context.Background(), 0, nil)
				return err
			}, Limited, func(s Stats) CallStats { return s.Routes[0] }},
		} {
			t.Run(fmt.Sprintf("%d of %s", crashes, what.name), func(t *testing.T) {
				x, log := OpenOne(t, &FakeHost{}, nil, "hostile")
				suspended := 0
				for range crashes {
					err := what.crash(x)
					var who *SuspendedError
					switch {
					case errors.As(err, &who) && errors.Is(err, ErrSuspended):
						if suspended++; who.Extension != "hostile" || who.What != what.name || who.For > suspendMost {
							t.Fatalf("%+v", who)
						}
					case !SameFault(err, &Fault{Kind: what.fault}):
						t.Fatal(err)
					}
				}
				if crashes == failuresInARow && suspended > 0 || crashes > failuresInARow && suspended == 0 {
					t.Errorf("%d refused", suspended)
				}
				if _, err := x.Before(context.Background(), HookFine, nil); err != nil {
					t.Errorf("another hook: %v", err)
				}
				if err := x.After(context.Background(), HookFine, nil, nil); err != nil {
					t.Errorf("another hook, on the way out: %v", err)
				}
				s := x.Stats()
				one := what.stats(s)
				if one.Suspended <= 0 || one.Failures < failuresInARow || !strings.Contains(one.LastError, string(what.fault)) || one.LastErrorAt.IsZero() {
					t.Errorf("%+v", one)
				}
				if fine := s.Hooks[HookFine]; fine.Calls != 2 || fine.Failures != 0 || fine.Suspended != 0 || fine.LastError != "" || fine.Total <= 0 {
					t.Errorf("%+v", fine)
				}
				if s.Calls != one.Calls+2 || s.Failures != one.Failures || s.Suspended != one.Suspended || s.LastError != one.LastError {
					t.Errorf("the sums are %+v", s.CallStats)
				}
				if text := log.String(); !strings.Contains(text, "suspended, because") || !strings.Contains(text, what.name) || !strings.Contains(text, "extension=hostile") {
					t.Error(text)
				}
			})
		}
	}
}

// TestTrial: after the suspension one call decides.
func TestTrial(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "hostile")
	ctx := context.Background()
	h := &x.hookHealth[HookFine]
	h.until.Store(1<<62 - 1)
	if _, err := x.Before(ctx, HookFine, nil); !errors.Is(err, ErrSuspended) {
		t.Fatal(err)
	}
	if err := x.After(ctx, HookFine, nil, nil); !errors.Is(err, ErrSuspended) {
		t.Fatal(err)
	}
	if s := x.Stats(); s.Calls != 0 || s.Hooks[HookFine].Suspended <= 0 {
		t.Fatalf("%+v", s)
	}
	h.until.Store(1) // it is over
	if _, err := x.Before(ctx, HookFine, nil); err != nil {
		t.Fatal(err)
	}
	if s := x.Stats(); s.Suspended != 0 {
		t.Fatalf("%+v", s)
	}
}

// TestNoInstanceIsAFailureOfWhoAsked: when a module cannot start any more, that counts at the hook that is called.
func TestNoInstanceIsAFailureOfWhoAsked(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "hostile")
	x.pool.trim(0, func(*instance) bool { return true })
	if err := x.code.engine.runtime.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range failuresInARow {
		if _, err := x.Before(context.Background(), HookFine, nil); !SameFault(err, &Fault{Kind: Trapped}) {
			t.Fatal(err)
		}
	}
	if _, err := x.Before(context.Background(), HookFine, nil); !errors.Is(err, ErrSuspended) {
		t.Error(err)
	}
	s := x.Stats()
	if one := s.Hooks[HookFine]; one.Failures != failuresInARow || one.Suspended <= 0 || s.Hooks[hookTrap].Failures != 0 || s.Hooks[hookTrap].Suspended != 0 {
		t.Errorf("%+v", s)
	}
}

func TestHealth(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	h := &health{}
	now := int64(time.Hour)
	failure := errors.New("no")
	const in = wayIn
	for range failuresInARow {
		if ok, trial := h.admit(now, time.Second); !ok || trial {
			t.Fatal("not admitted")
		}
	}
	for range failuresInARow + 3 { // three were under way
		h.failed(false, in, now, failure, log)
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
		h.failed(true, in, now, failure, log)
	}
	now += int64(time.Minute)
	if _, trial := h.admit(now, time.Second); !trial {
		t.Fatal("no trial")
	}
	h.undecided(true, now)
	if _, trial := h.admit(now, time.Second); !trial {
		t.Fatal("no other trial after one that said nothing")
	}
	h.good(true, in)
	if ok, trial := h.admit(now, time.Second); !ok || trial {
		t.Fatal("still suspended")
	}
	for range failuresInARow - 1 {
		h.failed(false, in, now, failure, log)
	}
	if ok, _ := h.admit(now, time.Second); !ok {
		t.Fatal("suspended for few failures")
	}
	h.good(false, in)
	h.failed(false, in, now, failure, log)
	if ok, _ := h.admit(now, time.Second); !ok {
		t.Fatal("a good call did not end the row")
	}
}

// TestHealthOnTheWayOut: a hook that fails on the way out each time is suspended, though its way in is good each time; and a trial on the way in
// does not make the next suspension a short one.
func TestHealthOnTheWayOut(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	h := &health{}
	now := int64(time.Hour)
	const in, out = wayIn, wayOut
	for n := range failuresInARow {
		if ok, _ := h.admit(now, time.Second); !ok {
			t.Fatalf("suspended after %d", n)
		}
		h.good(false, in)
		h.failed(false, out, now, errors.New("no"), log)
	}
	for _, want := range []time.Duration{1, 2, 4} {
		want *= time.Second
		if got := h.suspended(now); got != want {
			t.Fatalf("suspended for %v, want %v", got, want)
		}
		now += int64(want)
		_, trial := h.admit(now, time.Second)
		if !trial {
			t.Fatal("no trial")
		}
		h.good(true, in)
		h.failed(false, out, now, errors.New("no"), log)
	}
	now += int64(time.Minute)
	_, trial := h.admit(now, time.Second)
	h.good(trial, in)
	h.good(false, out)
	for range failuresInARow {
		h.failed(false, out, now, errors.New("no"), log)
	}
	if got := h.suspended(now); got != suspendFirst {
		t.Errorf("suspended for %v after good calls", got)
	}
}

// TestCallsMadeAgainAreApart: who makes calls again, in his own time, is not kept off by a suspension, and neither begins nor ends one.
func TestCallsMadeAgainAreApart(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "hostile")
	ctx, again := context.Background(), &Call{Again: true}
	for range 2 * failuresInARow {
		if _, err := x.Before(ctx, hookTrap, again); !SameFault(err, &Fault{Kind: Trapped}) {
			t.Fatal(err)
		}
	}
	if s := x.Stats().Hooks[hookTrap]; s.Suspended != 0 || s.Failures != 2*failuresInARow {
		t.Errorf("%+v", s)
	}
	x.hookHealth[HookFine].until.Store(1<<62 - 1)
	if _, err := x.Before(ctx, HookFine, again); err != nil {
		t.Error(err)
	}
	if _, err := x.Before(ctx, HookFine, nil); !errors.Is(err, ErrSuspended) {
		t.Errorf("a call that was made again ended the suspension: %v", err)
	}
}
