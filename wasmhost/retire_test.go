package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Nothing that runs or begins while versions change is dropped, and old versions are closed in the end.
func TestReloadUnderLoad(t *testing.T) {
	var current atomic.Pointer[[]*Extension]
	m, _ := OpenManager(t, &FakeHost{}, func(o *Options) {
		o.Changed = func(set []*Extension) error { current.Store(&set); return nil }
	})
	PutModule(t, m.options.Dir, "a", VersionModule("a", "0"))
	ReloadNow(t, m)
	var calls atomic.Int64
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				x := (*current.Load())[0]
				time.Sleep(50 * time.Microsecond) // a request that looked the extension up before it calls
				r, err := x.Serve(context.Background(), 0, nil)
				if err != nil || !strings.Contains(string(r.Body), `"version":"`+x.Version()+`"`) {
					t.Errorf("%v, %+v", err, r)
					return
				}
				calls.Add(1)
			}
		})
	}
	for n := range 20 {
		before := calls.Load()
		PutModule(t, m.options.Dir, "a", VersionModule("a", fmt.Sprint(n+1)))
		ReloadNow(t, m)
		Eventually(t, "calls go on", func() bool { return calls.Load() > before+20 || t.Failed() })
	}
	close(stop)
	callers.Wait()
	if got := Loaded(m); got != "a@20" {
		t.Error(got)
	}
	m.eachLive(func(x *Extension) {
		if x.retired.Load() != 0 {
			if s := x.Stats(); s.Idle != 0 {
				t.Errorf("%s keeps %d instances", x.Version(), s.Idle)
			}
			x.retired.Store(-int64(retireGrace)) // long ago
		}
	})
	Eventually(t, "old versions are closed", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.live) == 1
	})
}

// A call that runs while its version is replaced ends in it.
func TestCallOutlivesItsVersion(t *testing.T) {
	host := &FakeHost{}
	m, _ := OpenManager(t, host, nil, "hostile")
	x := m.Extensions()[0]
	host.OnCreate = func(context.Context, []byte) (Record, error) {
		PutModule(t, m.options.Dir, "hostile", VersionModule("hostile", "2"))
		ReloadNow(t, m)
		if x.retired.Store(1); x.tryClose() {
			t.Error("closed under a call")
		}
		return NewFakeRecord("posts"), nil
	}
	if _, err := x.Before(context.Background(), HookCreate, nil); err != nil {
		t.Error(err)
	}
	if got := Loaded(m); got != "hostile@2" {
		t.Error(got)
	}
	if !x.tryClose() {
		t.Error("not closed after the call")
	}
	if _, err := x.Before(context.Background(), HookFine, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	m.forget(x)
}
