package wasmhost

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// short limits keep the tests quick; they are far above what a guest that behaves needs.
func short(o *Options) {
	o.Limits.Hook, o.Limits.Route = time.Second, time.Second
	o.Limits.HookWait, o.Limits.RouteWait = time.Second, time.Second
}

// The hooks of testdata/hostile.c.
const (
	hookLoop = iota
	hookRecurse
	HookCreate
	hookMemory
	hookCalls
	hookExit
	hookTrap
	hookBeyond
	hookGiant
	HookFine
	hookLines
	hookSleep
	hookRenumber
	hookSubscriptions
	hookIgnore
	hookState
	hookHandles
	hookBusy
	hookRejectTrap
	hookUnended
)

func TestHostileHooks(t *testing.T) {
	tests := []struct {
		name string
		hook int
		want error // a *Fault is compared by kind
	}{
		{"endless loop", hookLoop, ErrTimeout},
		{"endless recursion", hookRecurse, &Fault{Kind: Limited}},
		{"memory bomb", hookMemory, nil},
		{"host calls without end", hookCalls, &Fault{Kind: Limited}},
		{"host calls that ignore errors", hookIgnore, &Fault{Kind: Limited}},
		{"exit", hookExit, &Fault{Kind: Exited}},
		{"trap", hookTrap, &Fault{Kind: Trapped}},
		{"trap after a rejection", hookRejectTrap, &Fault{Kind: Trapped}},
		{"result beyond the memory", hookBeyond, &Fault{Kind: Lied}},
		{"result of 1 GiB", hookGiant, &Fault{Kind: Limited}},
		{"too much state", hookState, &Fault{Kind: Limited}},
		{"lines without end", hookLines, &Fault{Kind: Limited}},
		{"sleep for an hour", hookSleep, ErrTimeout},
		{"renumber a file", hookRenumber, nil},
		{"an overflowing number of subscriptions", hookSubscriptions, nil},
		{"handles without end", hookHandles, nil},
		{"a line that does not end", hookUnended, nil},
	}
	m, log := OpenManager(t, &FakeHost{}, short, "hostile")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := fresh(t, m)
			c := &Call{Record: NewFakeRecord("posts")}
			_, err := x.Before(context.Background(), test.hook, c)
			if !SameFault(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if _, err := x.Before(context.Background(), HookFine, c); err != nil {
				t.Errorf("the next call: %v", err)
			}
			if s := x.Stats(); s.Instances != 1 || test.want != nil && (s.Failures != 1 || s.LastError == "") {
				t.Errorf("%+v", s)
			}
		})
	}
	text := log.String()
	if n := strings.Count(text, `msg="a line"`); n != maxLines {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(text, `msg="ends with the call"`) {
		t.Error("the line that did not end is lost")
	}
}

// fresh returns the one extension of m with its instances and failures gone.
func fresh(t testing.TB, m *Manager) *Extension {
	t.Helper()
	x := m.Extensions()[0]
	x.pool.trim(0, func(*instance) bool { return true })
	x.watchHealth()
	return x
}

func SameFault(got, want error) bool {
	var g, w *Fault
	if errors.As(want, &w) {
		return errors.As(got, &g) && g.Kind == w.Kind
	}
	return errors.Is(got, want)
}

func TestHostileRoute(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, short, "hostile")
	if _, err := x.Serve(context.Background(), 0, nil); !SameFault(err, &Fault{Kind: Limited}) {
		t.Error(err)
	}
}

func TestHostileAlloc(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, short, "hostile")
	for n, want := range map[int]FaultKind{1: Limited, 2: Lied, 3: Trapped, 2000: Limited} {
		if err := x.After(context.Background(), HookFine, nil, make([]byte, n)); !SameFault(err, &Fault{Kind: want}) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if err := x.After(context.Background(), HookFine, nil, make([]byte, 100)); err != nil {
		t.Error(err)
	}
}

// Guests that call themselves through the host end at a depth, not with the process.
func TestGuestHostGuestRecursion(t *testing.T) {
	host := &FakeHost{}
	x, _ := OpenOne(t, host, nil, "hostile")
	deepest := 0
	c := &Call{Record: NewFakeRecord("posts")}
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		if Of(ctx) != x {
			t.Error("the context does not name the extension")
		}
		deepest = max(deepest, holder(ctx).depth)
		if _, err := x.Before(ctx, HookCreate, c); err != nil {
			return nil, err
		}
		return NewFakeRecord("posts"), nil
	}
	_, err := x.Before(context.Background(), HookCreate, c)
	var no *Rejection
	if !errors.As(err, &no) || no.Status != 422 || deepest != MaxDepth {
		t.Fatalf("%v at depth %d", err, deepest)
	}
	if s := x.Stats(); s.Calls != MaxDepth || s.Suspended != 0 {
		t.Errorf("%+v", s)
	}
	// The innermost one is told why.
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		for d := holder(ctx).depth; d < MaxDepth; d++ {
			ctx = context.WithValue(ctx, callKey{}, &callContext{Context: ctx, depth: d + 1})
		}
		_, err := x.Before(ctx, HookCreate, c)
		return nil, err
	}
	if _, err := x.Before(context.Background(), HookCreate, c); !errors.As(err, &no) || no.Message != errTooDeep.Message {
		t.Error(err)
	}
}

// A chain that holds an instance never waits for one: with all of them held by calls that call the extension again, everybody gets through.
func TestNestedCallsDoNotWait(t *testing.T) {
	host := &FakeHost{}
	x, _ := OpenOne(t, host, nil, "hostile")
	c := &Call{Record: NewFakeRecord("posts")}
	var held sync.WaitGroup
	held.Add(maxInstances)
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		held.Done()
		held.Wait()
		_, err := x.Before(ctx, HookFine, c)
		return NewFakeRecord("posts"), err
	}
	errs := make(chan error)
	for range maxInstances {
		go func() {
			_, err := x.Before(context.Background(), HookCreate, c)
			errs <- err
		}()
	}
	for range maxInstances {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// While one guest loops, others run and the garbage collector gets through.
func TestLoopDisturbsNobody(t *testing.T) {
	m, _ := OpenManager(t, &FakeHost{}, func(o *Options) { o.Limits.Hook = 10 * time.Second }, "hostile", "bench")
	set := m.Extensions()
	bench, hostile := set[0], set[1]
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Second))
	defer cancel()
	looped := make(chan error)
	go func() {
		_, err := hostile.Before(ctx, hookLoop, nil)
		looped <- err
	}()
	Eventually(t, "the loop runs", func() bool { return hostile.refs.Load() == 1 })
	c := &Call{Record: NewFakeRecord("posts", "title", `"a"`)}
	rounds := 0
	for ; ; rounds++ {
		select {
		case err := <-looped:
			if !errors.Is(err, ErrTimeout) || rounds == 0 {
				t.Fatalf("%v after %d rounds", err, rounds)
			}
			// It had far less time than it may take: its caller's fault.
			if hostile.hookHealth[hookLoop].row[0].Load() != 0 {
				t.Error("blamed for its caller's deadline")
			}
			return
		default:
		}
		if _, err := bench.Before(context.Background(), 1, c); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
	}
}

// Who waits for a guest below is not to blame for its loop.
func TestBlame(t *testing.T) {
	host := &FakeHost{}
	m, _ := OpenManager(t, host, short, "hostile", "puppet")
	hostile, puppet := m.Extensions()[0], m.Extensions()[1]
	host.OnFind = func(ctx context.Context, _ string) (Record, error) {
		_, err := hostile.Before(ctx, hookLoop, nil)
		return nil, err
	}
	var s Script
	posts, n := s.Put("posts")
	s.Call("find", 1, posts, n, posts, n)
	_, err := puppet.Before(context.Background(), 0, s.With(nil))
	if err != nil && !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
	if above, below := puppet.hookHealth[0].row[0].Load(), hostile.hookHealth[hookLoop].row[0].Load(); above != 0 || below != 1 {
		t.Errorf("%d, %d", above, below)
	}
}

func TestHostileFiles(t *testing.T) {
	m, log := OpenManager(t, &FakeHost{}, nil, "init_trap", "init_exit", "start_trap", "describe_trap", "describe_nothing", "describe_beyond", "describe_data", "table_bomb")
	if set := m.Extensions(); len(set) != 2 || set[0].Name() != "early" || set[1].Name() != "tables" {
		t.Fatalf("%v", set)
	}
	text := log.String()
	for _, want := range []string{"init_trap.wasm: wasmhost: trap", "init_exit.wasm: wasmhost: exit", "start_trap.wasm: wasmhost: trap",
		"describe_trap.wasm: wasmhost: trap", "describe_nothing.wasm: the description", "describe_beyond.wasm: wasmhost: result"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing like %q", want)
		}
	}
	if _, err := m.Extensions()[1].Before(context.Background(), 0, nil); err != nil {
		t.Error("tables", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.live) != 2 {
		t.Errorf("%d versions are left of 2", len(m.live))
	}
}

// A module that loops before it is anything is stopped, too.
func TestEndlessInitialize(t *testing.T) {
	m, log := OpenManager(t, &FakeHost{}, nil)
	x := &Extension{manager: m, log: m.log, lines: m.log}
	x.pool.extension = x
	m.mu.Lock()
	m.live[x] = true
	m.mu.Unlock()
	if _, err := m.compile(context.Background(), x, guest(t, "init_loop")); err != nil {
		t.Fatal(err)
	}
	deadline := m.now() + int64(50*time.Millisecond)
	if _, err := x.pool.acquire(context.Background(), false, deadline, deadline); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v\n%s", err, log)
	}
}

func TestNotModules(t *testing.T) {
	m, log := OpenManager(t, &FakeHost{}, nil)
	bench := guest(t, "bench")
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("hello"), "half": bench[:len(bench)/2], "header": bench[:8]} {
		PutModule(t, m.options.Dir, name, content)
	}
	PutModule(t, m.options.Dir, "other", []byte(strings.ReplaceAll(string(bench), "troupe_1", "troupe_9")))
	if err := m.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(m.Extensions()) != 0 || strings.Count(log.String(), "not loaded") != 5 || !strings.Contains(log.String(), "troupe_9") {
		t.Error(log)
	}
}

// Whenever a call is stopped, also at its very end, the next one does not feel it.
func TestStoppingHitsNobodyElse(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, long, "hostile")
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for n := range 40 {
				end := time.Duration((n*7+worker*3)%12) * 500 * time.Microsecond
				ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(end))
				hook := hookLoop
				if n%3 == 0 {
					hook = HookFine
				}
				_, err := x.Before(ctx, hook, nil)
				if err != nil && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrBusy) || err == nil && hook == hookLoop {
					t.Error(err)
				}
				cancel()
				if _, err := x.Before(context.Background(), HookFine, nil); err != nil {
					t.Error("stopped for another's deadline:", err)
				}
			}
		})
	}
	all.Wait()
}
