package wasmhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// deed is what testdata/phases.c does.
type deed byte

const (
	nothing deed = iota
	loops
	traps
	exits
	allocates
	recurses
	deeds
)

func (d deed) String() string {
	return [...]string{"nothing", "loops", "traps", "exits", "allocates", "recurses"}[d]
}

// want is what a call ends in.
func (d deed) want() error {
	return [...]error{nil, ErrTimeout, &Fault{Kind: Trapped}, &Fault{Kind: Exited}, nil, &Fault{Kind: Limited}}[d]
}

// phases is the module with a plan for its start: in the start section, when it is initialized, when it describes itself.
func phases(t testing.TB, start, initialize, describe deed) []byte {
	t.Helper()
	module := slices.Clone(guest(t, "phases"))
	at := bytes.Index(module, []byte("PLAN"))
	if at < 0 {
		t.Fatal("the guest has no plan")
	}
	copy(module[at+4:], []byte{byte(start), byte(initialize), byte(describe)})
	if start == nothing {
		return module
	}
	return withStart(t, module, "first")
}

// withStart gives a module a start section that names one of its exports, which no linker does.
func withStart(t testing.TB, module []byte, export string) []byte {
	t.Helper()
	entry := append(append([]byte{byte(len(export))}, export...), 0)
	at := bytes.Index(module, entry)
	if at < 0 {
		t.Fatalf("no function %s is exported", export)
	}
	index := module[at+len(entry)]
	for pos := 8; pos < len(module); {
		id, size, n := module[pos], 0, 1
		for shift := 0; ; shift += 7 {
			b := module[pos+n]
			size |= int(b&0x7f) << shift
			if n++; b < 0x80 {
				break
			}
		}
		pos += n + size
		if id == 7 { // the exports, behind which it belongs
			return slices.Concat(module[:pos], []byte{8, 1, index}, module[pos:])
		}
	}
	t.Fatal("nothing is exported")
	return nil
}

// TestHostileStart: what goes wrong while a module starts, initializes or describes itself is told as what it is, the module is not loaded, and
// the others are.
func TestHostileStart(t *testing.T) {
	texts := [...]string{"", ErrTimeout.Error(), "wasmhost: trap", "wasmhost: exit", "", "wasmhost: limit"}
	for d := loops; d < deeds; d++ {
		for phase, plan := range map[string][3]deed{"start": {d, 0, 0}, "initialize": {0, d, 0}, "describe": {0, 0, d}} {
			t.Run(fmt.Sprintf("%v in %s", d, phase), func(t *testing.T) {
				t.Parallel()
				m, log := OpenManager(t, &FakeHost{}, func(o *Options) {
					PutModule(t, o.Dir, "phases", phases(t, plan[0], plan[1], plan[2]))
				}, "bench")
				want := "bench@1 phases@"
				if d.want() != nil {
					want = "bench@1"
				}
				if got := Loaded(m); got != want || !strings.Contains(log.String(), texts[d]) {
					t.Errorf("%s\n%s", got, log)
				}
				if _, err := m.Extensions()[0].Before(context.Background(), 0, nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestStartIsMeasured: a module that starts to loop after it was loaded takes its own time for that, and is to blame.
func TestStartIsMeasured(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "phases")
	looping := phases(t, nothing, loops, nothing)
	rewritten, err := rewrite.Module(looping, rewrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x.pool.trim(0, func(*instance) bool { return true })
	swapCode(t, x, rewritten.Binary)
	if _, err := x.Before(context.Background(), 0, nil); !errors.Is(err, ErrTimeout) || !errors.Is(err, errSlowStart) {
		t.Error(err)
	}
	if row := x.hookHealth[0].row[0].Load(); row != 1 {
		t.Errorf("blamed %d times", row)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := x.Before(ctx, 1, nil); !errors.Is(err, errStartCut) || !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if row := x.hookHealth[1].row[0].Load(); row != 0 {
		t.Errorf("blamed %d times for its caller", row)
	}
}

// TestHostileCalls: in each phase of a call a deed ends in what it is, is blamed on the hook or route alone, leaves no transaction open, and the next call is well.
func TestHostileCalls(t *testing.T) {
	tests := []struct {
		phase string
		call  func(ctx context.Context, x *Extension, d deed) error
		// asked is what the host sees of transactions.
		asked string
	}{
		{"before", func(ctx context.Context, x *Extension, d deed) error {
			_, err := x.Before(ctx, int(d), nil)
			return err
		}, ""},
		{"after", func(ctx context.Context, x *Extension, d deed) error { return x.After(ctx, int(deeds+d), nil, nil) }, ""},
		{"route", route(0), ""},
		{"in a transaction", route(1), "begin create rollback"},
		{"after a commit", route(2), "begin create commit"},
		{"after a host call that waits", route(3), ""},
	}
	for _, test := range tests {
		t.Run(test.phase, func(t *testing.T) {
			t.Parallel()
			host := &FakeHost{}
			committed := false
			host.committed = func(context.Context) bool { return committed }
			host.OnCommit = func() error { committed = true; return nil }
			waits := strings.HasSuffix(test.phase, "waits")
			host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
				if waits {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				host.ask("create")
				return NewFakeRecord("posts"), nil
			}
			m, _ := OpenManager(t, host, func(o *Options) {
				o.Limits = Limits{Hook: 200 * time.Millisecond, Route: 200 * time.Millisecond, HookWait: 20 * time.Millisecond, RouteWait: 20 * time.Millisecond}
				if !waits {
					o.Limits.RouteWait = time.Minute
				}
			}, "phases", "bench")
			bench, x := m.Extensions()[0], m.Extensions()[1]
			for d := nothing; d < deeds; d++ {
				host.asked, committed = nil, false
				if err := test.call(t.Context(), x, d); !SameFault(err, d.want()) {
					t.Errorf("%v: %v", d, err)
				}
				if got := strings.Join(host.asked, " "); got != test.asked {
					t.Errorf("%v: the host was asked %q", d, got)
				}
				committed = false
				_, other := bench.Before(t.Context(), 0, nil)
				if err := errors.Join(test.call(t.Context(), x, nothing), other); err != nil {
					t.Errorf("it or another one after %v: %v", d, err)
				}
			}
			if n, s := blamed(x), x.Stats(); n != 4 || s.Failures != 4 || s.Suspended != 0 {
				t.Errorf("%d are blamed: %+v", n, s)
			}
		})
	}
}

// route calls the deed of a group of routes.
func route(group int) func(ctx context.Context, x *Extension, d deed) error {
	return func(ctx context.Context, x *Extension, d deed) error {
		_, err := x.Serve(ctx, group*int(deeds)+int(d), nil)
		return err
	}
}

// blamed counts hooks and routes that have failed since they were last well.
func blamed(x *Extension) (n int) {
	for _, all := range [][]health{x.hookHealth, x.routeHealth} {
		for i := range all {
			if all[i].row[0].Load()+all[i].row[1].Load() > 0 {
				n++
			}
		}
	}
	return n
}

// A guest that loops in a transaction is stopped after a second of its own time, whatever it has; it is to blame, and the transaction is rolled back.
func TestLoopInATransaction(t *testing.T) {
	host := &FakeHost{}
	x, _ := OpenOne(t, host, func(o *Options) { o.Limits.Route = time.Minute }, "phases")
	if err := route(1)(context.Background(), x, loops); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if n := blamed(x); n != 1 || !slices.Contains(host.asked, "rollback") {
		t.Errorf("%d blamed, %v", n, host.asked)
	}
	// Where it holds what others wait for from the beginning, the host says how much.
	if _, err := x.Before(context.Background(), int(loops), &Call{Limit: 10 * time.Millisecond}); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if n := blamed(x); n != 2 {
		t.Errorf("%d blamed", n)
	}
}

// Transactions of a guest: host calls run in the innermost, ends have to match, and what is left open is rolled back and told.
func TestTransactions(t *testing.T) {
	host := &FakeHost{}
	host.OnCreate = func(ctx context.Context, _ []byte) (Record, error) {
		depth, _ := ctx.Value(transactionKey{}).(int)
		host.ask("create in %d", depth)
		if holder(ctx) == nil {
			t.Error("the context is not the call's")
		}
		return NewFakeRecord("posts"), nil
	}
	x, log := OpenOne(t, host, nil, "puppet")
	var s Script
	posts, n := s.Put("posts")
	body, size := s.Put("{}")
	create := func() { s.Call("create", 1, posts, n, body, size) }
	s.Call("transaction_commit")
	s.Call("transaction_rollback")
	create()
	s.Call("transaction_begin")
	create()
	s.Call("transaction_begin")
	create()
	s.Call("transaction_rollback")
	create()
	s.Call("transaction_commit")
	create()
	s.Call("transaction_begin")
	s.Call("transaction_begin")
	results, _, _ := s.play(t, x, nil)
	if want := []int64{-7, -7}; !slices.Equal(results[:2], want) {
		t.Errorf("%v", results)
	}
	want := "create in 0 begin create in 1 begin create in 2 rollback create in 1 commit create in 0 begin begin rollback rollback"
	if got := strings.Join(host.asked, " "); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if !strings.Contains(log.String(), "a transaction was open when the call ended") {
		t.Error("nobody was told")
	}
	s = Script{}
	for range MaxTransactions + 1 {
		s.Call("transaction_begin")
	}
	if results, _, _ = s.play(t, x, nil); results[MaxTransactions-1] != 0 || results[MaxTransactions] != int64(Limit) {
		t.Errorf("%v", results)
	}
	// A commit that fails has ended it all the same.
	host.OnCommit = func() error { return ErrBusy }
	s = Script{}
	s.Call("transaction_begin")
	s.Call("transaction_commit")
	s.Call("transaction_rollback")
	if results, _, _ = s.play(t, x, nil); !slices.Equal(results, []int64{0, int64(Busy), int64(Context)}) {
		t.Errorf("%v", results)
	}
}

// swapCode puts another binary in the place of an extension's, as if its module had changed its mind.
func swapCode(t *testing.T, x *Extension, binary []byte) {
	t.Helper()
	e := x.code.engine
	compiled, err := e.runtime.CompileModule(listening(context.Background()), binary)
	if err != nil {
		t.Fatal(err)
	}
	e.compiled = compiled
}
