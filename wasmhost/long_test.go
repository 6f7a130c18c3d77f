package wasmhost

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// TestLongCallsTakeTurns: of calls that run for long as many run at once as there are places, each for its own time, so together they take as long as one after
// the other; short calls do not wait for them.
func TestLongCallsTakeTurns(t *testing.T) {
	const calls, own = 5, 150 * time.Millisecond
	m, _ := OpenManager(t, &FakeHost{}, func(o *Options) { o.Limits.Hook, o.Limits.HookWait = own, time.Minute }, "hostile", "bench")
	m.long = newLongPlaces(2)
	bench, x := m.Extensions()[0], m.Extensions()[1]
	var all sync.WaitGroup
	start := time.Now()
	for range calls {
		all.Go(func() {
			if _, err := x.Before(context.Background(), hookLoop, nil); !errors.Is(err, ErrTimeout) {
				t.Error(err)
			}
		})
	}
	Eventually(t, "somebody waits", m.long.wanted)
	for m.long.wanted() {
		if _, err := bench.Before(context.Background(), 0, nil); err != nil {
			t.Fatal(err)
		}
		m.long.mu.Lock()
		if free, waiting := m.long.free, len(m.long.waiting); free < 0 || free > 1 || waiting >= calls {
			t.Errorf("%d places are free, %d wait", free, waiting)
		}
		m.long.mu.Unlock()
	}
	all.Wait()
	if took := time.Since(start); took < calls*(own-longAfter-longSlice) {
		t.Errorf("%d calls of %v took %v together", calls, own, took)
	}
	if m.long.free != 1 || len(m.long.waiting) != 0 {
		t.Errorf("%d places are left, %d wait", m.long.free, len(m.long.waiting))
	}
	if n := blamed(x); n != 1 {
		t.Errorf("%d are blamed", n)
	}
}

// TestCrowdedOut: who gets no place in the time that there is for waiting ends with BUSY and without blame, and so does who comes when too many wait.
func TestCrowdedOut(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, func(o *Options) { o.Limits.HookWait = 50 * time.Millisecond }, "hostile")
	long := x.manager.long
	for long.free > 0 {
		if turn, ok := long.take(); !ok || turn != nil {
			t.Fatal("no place")
		}
	}
	if _, err := x.Before(context.Background(), hookLoop, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	x.manager.limits.HookWait = time.Minute
	left := make(chan error)
	go func() {
		_, err := x.Before(ctx, hookLoop, nil)
		left <- err
	}()
	Eventually(t, "it waits", long.wanted)
	cancel()
	if err := <-left; !errors.Is(err, ErrBusy) {
		t.Error("the caller went away:", err)
	}
	for range maxLongWaiting {
		if _, ok := long.take(); !ok {
			t.Fatal("not everybody may wait")
		}
	}
	if _, err := x.Before(context.Background(), hookLoop, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if s := x.Stats(); s.Failures != 0 || s.Busy != 3 {
		t.Errorf("%+v", s)
	}
}

// TestPlacesAndTheHost: who calls the host holds no place meanwhile, or those who wait for one another would wait for ever.
func TestPlacesAndTheHost(t *testing.T) {
	host := &FakeHost{}
	m, _ := OpenManager(t, host, func(o *Options) { o.Limits.Route, o.Limits.Hook = time.Second, 100*time.Millisecond }, "phases", "hostile")
	hostile, x := m.Extensions()[0], m.Extensions()[1]
	m.long = newLongPlaces(1)
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		if _, err := hostile.Before(ctx, hookLoop, nil); !errors.Is(err, ErrTimeout) {
			t.Error(err)
		}
		return NewFakeRecord("posts"), nil
	}
	if _, err := x.Serve(context.Background(), 4*int(deeds)+int(nothing), nil); err != nil {
		t.Error(err)
	}
	if m.long.free != 1 {
		t.Errorf("%d places", m.long.free)
	}
}
