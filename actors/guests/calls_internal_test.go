package guests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// callsRig is a queue over a database of its own, with a clock that the test moves and calls that the test makes.
type callsRig struct {
	*Calls
	t    *testing.T
	path string
	log  *lines

	mu   sync.Mutex
	time time.Time
	made []string // subjects and errors of all attempts, in order
	do   func(h *calls.Header) error
}

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// theHook is the hook of all calls of a rig.
var theHook = hookKey{"x", `record.create.success [] 0`}

func newCallsRig(t *testing.T) *callsRig {
	t.Helper()
	g := &callsRig{t: t, path: filepath.Join(t.TempDir(), "data.db"), log: new(lines), time: time.Unix(1_800_000_000, 0)}
	conn, err := zsqlite.OpenConn(g.path)
	if err == nil {
		err = errors.Join(calls.CreateTable(conn), conn.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	g.open()
	return g
}

// open opens the database, and the queue as a start does.
func (g *callsRig) open() {
	g.t.Helper()
	db, err := sqlite.Open(g.t.Context(), sqlite.Options{Path: g.path, Sync: sqlite.Normal, Logger: slog.New(slog.NewTextHandler(g.log, nil))})
	if err != nil {
		g.t.Fatal(err)
	}
	g.Calls = newCalls(slog.New(slog.NewTextHandler(g.log, nil)), db)
	g.now = func() time.Time {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.time
	}
	g.call = func(_ context.Context, _ hookAt, h *calls.Header) error {
		g.mu.Lock()
		g.made = append(g.made, h.Record)
		do := g.do
		g.mu.Unlock()
		if do == nil {
			return nil
		}
		return do(h)
	}
	g.hooks = map[hookKey]hookAt{theHook: {x: new(wasmhost.Extension)}}
	g.t.Cleanup(g.end)
}

// end closes what open opened.
func (g *callsRig) end() {
	g.stop()
	if err := g.db.Close(); err != nil {
		g.t.Error(err)
	}
}

func (g *callsRig) begin() {
	g.t.Helper()
	if err := g.start(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
}

// pass moves the clock.
func (g *callsRig) pass(d time.Duration) {
	g.mu.Lock()
	g.time = g.time.Add(d)
	g.mu.Unlock()
	g.wake()
}

func (g *callsRig) attempts() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.made)
}

func (g *callsRig) eventually(what string, holds func() bool) {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("not in time: %s; %d attempts, %+v", what, g.attempts(), g.Totals())
		}
	}
}

// note keeps a call of an extension for a record.
func (g *callsRig) note(extension, record string) string {
	c := &calls.Call{
		ID: fmt.Sprintf("%s-%s-%d", extension, record, rand.Uint64()), Extension: extension, Hook: theHook.hook, Event: "record.create.success", Collection: "posts",
		Record: record, Data: []byte(`{"id":"` + record + `","title":"content"}`), Asker: &calls.Asker{Method: "POST", Path: "/p", IP: "10.1.1.1", Collection: "users", Record: "u1"},
		Next: g.now(), Created: g.now(), State: calls.Waiting, Error: "why",
	}
	g.keep(g.t.Context(), c)
	return c.ID
}

var errBroken = &wasmhost.Fault{Kind: wasmhost.Trapped, Message: "broken"}

// TestCallsBackOff: pauses double from a second to an hour; after enough attempts the call is given up, kept, and made when somebody asks for it.
func TestCallsBackOff(t *testing.T) {
	g := newCallsRig(t)
	g.do = func(*calls.Header) error { return errBroken }
	g.begin()
	id := g.note("x", "r1")
	want := time.Second
	for n := 1; n <= maxAttempts; n++ {
		g.eventually(fmt.Sprint("attempt ", n), func() bool {
			h, err := g.Get(t.Context(), id)
			return err == nil && h.Attempts == n
		})
		h, err := g.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if n == maxAttempts {
			if h.State != calls.GivenUp || !strings.Contains(h.Error, "broken") {
				t.Fatalf("%+v", h)
			}
			break
		}
		if got := h.Next.Sub(g.now()); h.State != calls.Waiting || got != want {
			t.Fatalf("after %d attempts: %s, again in %v, want %v", n, h.State, got, want)
		}
		g.eventually("the attempt is over", func() bool { g.Calls.mu.Lock(); defer g.Calls.mu.Unlock(); return !g.kept[id].running })
		g.pass(want - time.Millisecond)
		if n < 3 {
			g.idle()
			if g.attempts() != n {
				t.Fatalf("attempt %d came too early", n+1)
			}
		}
		g.pass(time.Millisecond)
		want = min(2*want, time.Hour)
	}
	g.eventually("it is given up", func() bool { return g.Totals()["x"].GivenUp == 1 })
	g.pass(1000 * time.Hour)
	g.idle()
	if n := g.attempts(); n != maxAttempts || !strings.Contains(g.log.String(), "given up") {
		t.Errorf("%d attempts", n)
	}
	g.mu.Lock()
	g.do = nil
	g.mu.Unlock()
	if err := g.Replay(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	g.eventually("it is made", func() bool { return len(g.Totals()) == 0 })
	if _, err := g.Get(t.Context(), id); !errors.Is(err, calls.ErrNotFound) {
		t.Error(err)
	}
	if err := g.Replay(t.Context(), id); !errors.Is(err, calls.ErrNotFound) {
		t.Error(err)
	}
}

// idle waits until the worker has looked at everything: another extension's call that is due is made.
func (g *callsRig) idle() {
	g.t.Helper()
	key := hookKey{"other", theHook.hook}
	g.Calls.mu.Lock()
	g.hooks[key] = hookAt{x: new(wasmhost.Extension)}
	g.Calls.mu.Unlock()
	g.mu.Lock()
	do := g.do
	g.do = func(h *calls.Header) error {
		if h.Extension == "other" || do == nil {
			return nil
		}
		return do(h)
	}
	before := len(g.made)
	g.mu.Unlock()
	g.note("other", "r")
	g.eventually("the other call is made", func() bool { return g.Totals()["other"].Waiting == 0 })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.do = do
	g.made = append(g.made[:before], slices.DeleteFunc(g.made[before:], func(r string) bool { return r == "r" })...)
}

// TestCallsInOrder keeps calls for few records from many goroutines while some fail, some are busy and some are replayed: each is made to its end once, and in its
// record's order.
func TestCallsInOrder(t *testing.T) {
	g := newCallsRig(t)
	var mu sync.Mutex
	done := make(map[string][]int)
	tries := make(map[string]int)
	g.do = func(h *calls.Header) error {
		mu.Lock()
		defer mu.Unlock()
		tries[h.ID]++
		switch {
		case tries[h.ID] < 3 && rand.IntN(3) == 0:
			return errBroken
		case rand.IntN(8) == 0:
			return wasmhost.ErrBusy
		}
		done[h.Record] = append(done[h.Record], int(h.Created.UnixMilli()))
		return nil
	}
	g.begin()
	const records, each = 8, 12
	var all sync.WaitGroup
	for r := range records {
		all.Go(func() {
			for n := range each {
				at := time.UnixMilli(int64(n))
				g.keep(t.Context(), &calls.Call{
					ID: fmt.Sprint(r, "-", n), Extension: "x", Hook: theHook.hook, Event: "e", Collection: "c", Record: fmt.Sprint("r", r), Next: g.now(), Created: at, State: calls.Waiting,
				})
			}
		})
	}
	stop := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				g.pass(time.Second)
				_, _ = g.ReplayAll(t.Context(), "x")
			}
		}
	})
	all.Wait()
	g.eventually("all are made", func() bool { return len(g.Totals()) == 0 })
	close(stop)
	clock.Wait()
	for r := range records {
		if got := done[fmt.Sprint("r", r)]; len(got) != each || !slices.IsSorted(got) {
			t.Errorf("record %d: %v", r, got)
		}
	}
}

// TestCallsWithoutTheirHook wait, and are due at once when it is there again.
func TestCallsWithoutTheirHook(t *testing.T) {
	g := newCallsRig(t)
	g.hooks = nil
	g.begin()
	g.note("x", "r1")
	g.pass(time.Hour)
	g.idleWithout()
	if n := g.attempts(); n != 0 {
		t.Fatalf("%d attempts", n)
	}
	g.Calls.mu.Lock()
	g.hooks = map[hookKey]hookAt{theHook: {x: new(wasmhost.Extension)}}
	g.lanes[theHook].until = time.Time{}
	g.Calls.mu.Unlock()
	g.wake()
	g.eventually("it is made", func() bool { return len(g.Totals()) == 0 })
}

// idleWithout waits until the worker knows that the hook is not there.
func (g *callsRig) idleWithout() {
	g.t.Helper()
	g.eventually("the lane rests", func() bool {
		g.Calls.mu.Lock()
		defer g.Calls.mu.Unlock()
		return g.lanes[theHook] != nil && g.lanes[theHook].until.Equal(never)
	})
}

// TestDiscardedCallsAreNotMade, also those behind them are.
func TestDiscardedCallsAreNotMade(t *testing.T) {
	g := newCallsRig(t)
	first, second := g.note("x", "r1"), g.note("x", "r1")
	if !g.waits(theHook, subject{"posts", "r1"}) || g.waits(theHook, subject{"posts", "r2"}) {
		t.Error("who waits")
	}
	if err := g.Discard(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := g.Discard(t.Context(), first); !errors.Is(err, calls.ErrNotFound) {
		t.Error(err)
	}
	g.begin()
	g.eventually("the second is made", func() bool { _, err := g.Get(t.Context(), second); return errors.Is(err, calls.ErrNotFound) })
	g.eventually("nothing is left", func() bool { return len(g.Totals()) == 0 })
	if g.attempts() != 1 || g.waits(theHook, subject{"posts", "r1"}) {
		t.Errorf("%d attempts", g.attempts())
	}
}

func TestPause(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 12: 2048 * time.Second, 13: time.Hour, 1 << 30: time.Hour} {
		if got := pause(attempts); got != want {
			t.Errorf("after %d: %v, want %v", attempts, got, want)
		}
	}
}
