package wasmhost

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// occupied returns a hostile extension all of whose instances are in a host call, and a function that ends those.
func occupied(t *testing.T, change func(*Options)) (x *Extension, end func()) {
	t.Helper()
	host := &FakeHost{}
	x, _ = OpenOne(t, host, change, "hostile")
	var begun, ended sync.WaitGroup
	release := make(chan struct{})
	begun.Add(maxInstances)
	host.OnCreate = func(context.Context, []byte) (Record, error) {
		begun.Done()
		<-release
		return NewFakeRecord("posts"), nil
	}
	for range maxInstances {
		ended.Go(func() {
			if _, err := x.Before(context.Background(), HookCreate, nil); err != nil {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	end = sync.OnceFunc(func() { close(release); ended.Wait() })
	t.Cleanup(end)
	return x, end
}

func long(o *Options) { o.Limits.Hook = time.Minute }

func TestBusy(t *testing.T) {
	x, end := occupied(t, long)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(30*time.Millisecond))
	defer cancel()
	if _, err := x.Before(ctx, HookFine, nil); !errors.Is(err, ErrBusy) {
		t.Error("by ctx:", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := x.Before(ctx, HookFine, nil); !errors.Is(err, ErrBusy) {
		t.Error("by ctx that has ended:", err)
	}
	if s := x.Stats(); s.Busy != 2 || s.Failures != 0 {
		t.Errorf("%+v", s)
	}
	end()
	if _, err := x.Before(context.Background(), HookFine, nil); err != nil {
		t.Error(err)
	}
}

// Waiting takes half of a call's time at most.
func TestBusyByLimit(t *testing.T) {
	x, end := occupied(t, func(o *Options) { o.Limits.Hook = time.Minute })
	x.manager.limits.Hook = 40 * time.Millisecond // from here on
	if _, err := x.Before(context.Background(), HookFine, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	x.manager.limits.Hook = time.Minute
	end()
}

func TestWaitersGetTheirTurn(t *testing.T) {
	x, end := occupied(t, long)
	errs := make(chan error)
	for range 3 * maxInstances {
		go func() {
			_, err := x.Before(context.Background(), HookFine, nil)
			errs <- err
		}()
	}
	Eventually(t, "all wait", func() bool {
		x.pool.mu.Lock()
		defer x.pool.mu.Unlock()
		return len(x.pool.waiters) == 3*maxInstances
	})
	end()
	for range 3 * maxInstances {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if s := x.Stats(); s.Instances != maxInstances || s.Idle != maxInstances {
		t.Errorf("%+v", s)
	}
	now := x.manager.now() + int64(idleLife) + 1
	x.pool.trim(keepIdle, func(i *instance) bool { return now-i.idleSince > int64(idleLife) })
	if s := x.Stats(); s.Instances != keepIdle || s.Idle != keepIdle {
		t.Errorf("after a while: %+v", s)
	}
}

// A broken instance makes room for the next waiter.
func TestWaitersBehindFaults(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "hostile")
	var all sync.WaitGroup
	for range 4 * maxInstances {
		all.Go(func() {
			_, err := x.Before(context.Background(), hookRejectTrap, nil)
			if !SameFault(err, &Fault{Kind: Trapped}) && !errors.Is(err, ErrSuspended) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s := x.Stats(); s.Instances != 0 || x.pool.open != 0 {
		t.Errorf("%+v, %d open", s, x.pool.open)
	}
}

func TestHostContext(t *testing.T) {
	type key struct{}
	host := &FakeHost{}
	x, _ := OpenOne(t, host, nil, "hostile")
	var kept context.Context
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		kept = ctx
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left <= 0 || left > x.manager.limits.HookWait {
			t.Error(deadline, ok)
		}
		if ctx.Value(key{}) != "chain" || Of(ctx) != x || ctx.Err() != nil {
			t.Error("the context lost something")
		}
		select {
		case <-ctx.Done():
			t.Error("done")
		default:
		}
		return NewFakeRecord("posts"), nil
	}
	if _, err := x.Before(context.WithValue(context.Background(), key{}, "chain"), HookCreate, nil); err != nil {
		t.Fatal(err)
	}
	<-kept.Done() // with the call
	if !errors.Is(kept.Err(), context.Canceled) {
		t.Error(kept.Err())
	}
	if Of(context.Background()) != nil {
		t.Error("an extension of nobody")
	}
}

// The watchdog ends a context in which a host waits when there is no more time for that, and with the caller. The guest goes on in both cases.
func TestHostContextEnds(t *testing.T) {
	host := &FakeHost{}
	x, _ := OpenOne(t, host, short, "hostile")
	var got error
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		<-ctx.Done()
		got = ctx.Err()
		return nil, got
	}
	var no *Rejection
	if _, err := x.Before(context.Background(), HookCreate, nil); !errors.As(err, &no) || no.Status != 422 {
		t.Error(err)
	}
	if !errors.Is(got, context.DeadlineExceeded) {
		t.Error(got)
	}
	x.manager.limits.HookWait = time.Minute
	ctx, cancel := context.WithCancel(context.Background())
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		cancel()
		<-ctx.Done()
		got = ctx.Err()
		return nil, got
	}
	if _, err := x.Before(ctx, HookCreate, nil); !errors.As(err, &no) {
		t.Error(err)
	}
	if !errors.Is(got, context.Canceled) {
		t.Error(got)
	}
}

func TestDeadlineThatIsOver(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "hostile")
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := x.Before(ctx, HookFine, nil); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if s := x.Stats(); s.Calls != 0 {
		t.Errorf("%+v", s)
	}
}
