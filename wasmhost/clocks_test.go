package wasmhost

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Time in host functions is not the guest's: a call that waits there for longer than its own time goes on afterwards, and nobody is blamed.
func TestHostTimeIsNotTheGuests(t *testing.T) {
	const own = time.Second
	host := &FakeHost{OnCreate: func(context.Context, []byte) (Record, error) {
		<-time.After(own + own/5)
		return NewFakeRecord("posts"), nil
	}}
	m, _ := OpenManager(t, host, func(o *Options) { o.Limits.Hook, o.Limits.Route = own, own }, "phases", "hostile")
	x, works := m.Extensions()[0], m.Extensions()[1]
	if err := route(5)(context.Background(), works, nothing); err != nil {
		t.Fatal(err)
	}
	if s := works.Stats(); s.Failures != 0 || s.Total < own {
		t.Errorf("%+v", s)
	}
	// Its own time is what it was.
	if _, err := x.Before(context.Background(), hookLoop, nil); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if row := x.hookHealth[hookLoop].row[0].Load(); row != 1 {
		t.Errorf("a loop is blamed %d times", row)
	}
}

// When the time for the host is used up, what waits there and all that comes is BUSY, and the host is not asked again; the guest goes on.
func TestHostTimeUsedUp(t *testing.T) {
	var asked atomic.Int32
	host := &FakeHost{OnCreate: func(ctx context.Context, _ []byte) (Record, error) {
		asked.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	x, _ := OpenOne(t, host, func(o *Options) { o.Limits.RouteWait = 50 * time.Millisecond }, "puppet")
	var s Script
	posts, n := s.Put("posts")
	body, size := s.Put("{}")
	s.Call("create", 1, posts, n, body, size)
	s.Call("create", 1, posts, n, body, size)
	s.Call("transaction_begin")
	s.Call("sql", posts, n, 0, 0)
	s.Call("error_message", at(1024), 64)
	s.Call("record_number", 1, posts, n, at(1024)) // what asks nobody
	s.dump(1024, 64)
	results, dump, _ := s.play(t, x, nil)
	busy := int64(Busy)
	if want := []int64{busy, busy, busy, busy, int64(len(errHostTime.Message)), int64(Context)}; !slices.Equal(results, want) || !strings.HasPrefix(dump, errHostTime.Message) {
		t.Errorf("%v %q", results, dump)
	}
	if asked.Load() != 1 || len(host.asked) != 0 {
		t.Errorf("the host was asked %d times, and %v", asked.Load(), host.asked)
	}
	if s := x.Stats(); s.Failures != 0 {
		t.Errorf("%+v", s)
	}
}

// Until something is committed the call ends with its caller, for the host and for the guest; afterwards only its own clock ends it.
func TestCallerGoesAway(t *testing.T) {
	for _, committed := range []bool{false, true} {
		host := &FakeHost{}
		var written atomic.Bool
		host.committed = func(context.Context) bool { return written.Load() }
		x, _ := OpenOne(t, host, nil, "puppet")
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
			if n++; n > 1 {
				return NewFakeRecord("posts"), ctx.Err()
			}
			written.Store(committed)
			cancel()
			if !committed {
				<-ctx.Done()
			}
			return NewFakeRecord("posts"), ctx.Err()
		}
		var s Script
		posts, size := s.Put("posts")
		s.Call("create", 1, posts, size, at(0), 0)
		body, length := s.Put("{}")
		s.Call("create", 1, posts, size, body, length)
		s.Call("create", 1, posts, size, body, length)
		r, err := x.Serve(ctx, 0, s.With(nil))
		if err != nil {
			t.Fatal(err)
		}
		results, _ := s.answers(t, r.Body)
		if gone := results[2] == int64(Busy); gone == committed {
			t.Errorf("committed %v: %v", committed, results)
		}
	}
}

// A caller's deadline is no end of what is committed: the guest has its own time back, and calls of the chain that come later begin.
func TestDeadlineAfterCommit(t *testing.T) {
	host := &FakeHost{}
	var written atomic.Bool
	host.committed = func(context.Context) bool { return written.Load() }
	x, _ := OpenOne(t, host, nil, "hostile")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	host.OnCreate = func(inner context.Context, _ []byte) (Record, error) {
		written.Store(true)
		<-ctx.Done()
		if _, bounded := inner.Deadline(); !bounded || inner.Err() != nil {
			t.Errorf("%v %v", bounded, inner.Err())
		}
		return NewFakeRecord("posts"), nil
	}
	if _, err := x.Before(ctx, HookCreate, nil); err != nil {
		t.Error(err)
	}
	if _, err := x.Before(ctx, HookFine, nil); err != nil {
		t.Error("later in the chain:", err)
	}
	written.Store(false)
	if _, err := x.Before(ctx, HookFine, nil); !errors.Is(err, ErrBusy) {
		t.Error("of another chain:", err)
	}
}

// clocks: what is kept aside in a transaction and what the caller's deadline takes come back, in any order.
func TestClocks(t *testing.T) {
	var c clocks
	const second = int64(time.Second)
	c.grant(100*second, 10*time.Second, time.Minute, 103*second)
	if c.until != 103*second || c.blames(103*second) {
		t.Errorf("%+v", c)
	}
	c.hold(101*second, time.Second)
	if c.until != 102*second || c.used(101*second) != time.Second || !c.blames(102*second) {
		t.Errorf("%+v", c)
	}
	c.unclip()
	if c.until != 109*second {
		t.Errorf("%+v", c)
	}
	c.unhold()
	if c.until != 110*second || c.used(110*second) != 10*time.Second || !c.blames(110*second) || c.aside != 0 {
		t.Errorf("%+v", c)
	}
	c.grant(100*second, time.Second, time.Minute, never)
	c.hold(100*second+1, time.Second) // there is less left than that
	if c.until != 101*second || c.aside != 0 {
		t.Errorf("%+v", c)
	}
}

// A deadline that passes while an instance starts is a timeout, however it happens: it never leaves one that traps later. Who had too little time is not told that
// the module is to blame; a module that takes all the time there is for starting is.
func TestDeadlineWhileStarting(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "phases")
	for n := range 300 {
		x.pool.trim(0, func(*instance) bool { return true })
		ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Duration(n)*time.Microsecond))
		if _, err := x.Before(ctx, 0, nil); err != nil && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		cancel()
	}
	if s := x.Stats(); s.Suspended != 0 || x.hookHealth[0].row[0].Load() != 0 {
		t.Errorf("%+v", s)
	}
}
