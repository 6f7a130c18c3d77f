package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/budget"
)

// patient lets reads take as long as a slow machine needs under the race detector.
var patient = Options{ReadLimit: 5 * time.Minute}

// of returns a context of a client that ends with the test.
func of(t testing.TB, client string) context.Context { return budget.WithClient(t.Context(), client) }

// slow is a query that works for a while, many times longer than a short read may, and ends; %d makes texts differ.
const slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) SELECT count(*) + 0 * %d FROM n"

// flood starts endless reads of a client, each with another text unless same, and returns when as many are under way as may be. stop ends them.
func flood(t *testing.T, db *DB, client string, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(of(t, client))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := db.Read(ctx, func(r *Reader) error { return run(r, fmt.Sprintf("%s WHERE i <> %d", endless, i)) })
			if !errors.Is(err, ErrInterrupted) {
				t.Errorf("endless read %d of %s: %v", i, client, err)
			}
		})
	}
	eventually.True(t, "the long reads of "+client, func() bool {
		p := db.pool
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.longOf[client]+p.waiting[long].of(client) == n
	})
	return func() { cancel(); wg.Wait() }
}

// TestLaw13_LongReadsAreFew has one client fill everything it can with endless reads: the places of short reads stay free, a second
// client has long places of its own, and the number of long reads that run at once is small.
func TestLaw13_LongReadsAreFew(t *testing.T) {
	db := openTest(t, patient)
	p := db.pool
	stop := flood(t, db, "a", 40)
	defer stop()
	for i := range 50 {
		if got := ints(t, db, "SELECT ?", i); !slices.Equal(got, []int{i}) {
			t.Fatal(got)
		}
	}
	var got int
	err := db.Read(of(t, "b"), func(r *Reader) error {
		s, err := r.Prepare(fmt.Sprintf(slow, 0))
		if err == nil {
			_, err = s.Step()
		}
		if err == nil {
			got = s.ColumnInt(0)
		}
		return err
	})
	if err != nil || got != 30000 {
		t.Errorf("a long read of another client: %d, %v", got, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.longOf["a"]; n != p.limits.perClient {
		t.Errorf("%d long reads of one client are under way, want %d", n, p.limits.perClient)
	}
	if p.open > p.limits.readers() || p.taken[long] > p.limits.of[long] {
		t.Errorf("%d Readers, %d for long reads", p.open, p.taken[long])
	}
	if n := int(p.onCPU.Load()); n > p.limits.cores {
		t.Errorf("%d long reads run at once", n)
	}
}

// TestLaw13_LongReadsLeaveACore says that short reads keep coming, and then that they have stopped: only in quiet times long ones
// have all cores.
func TestLaw13_LongReadsLeaveACore(t *testing.T) {
	db := openTest(t, patient)
	p := db.pool
	p.limits.steady, p.limits.cores = 1, 3
	defer flood(t, db, "a", 8)()
	for range 3 {
		p.active.Store(int64(p.now() + time.Hour))
		eventually.True(t, "one long read at a time", func() bool { return p.onCPU.Load() == 1 })
		for range 50 {
			p.mu.Lock()
			n := p.onCPU.Load()
			p.mu.Unlock()
			if n > 1 {
				t.Fatalf("%d long reads run beside short ones", n)
			}
			time.Sleep(100 * time.Microsecond)
		}
		p.active.Store(0)
		eventually.True(t, "all cores for long reads when it is quiet", func() bool { return p.onCPU.Load() == 3 })
	}
}

// TestLaw13_WaitingLongReadsAreBounded refuses what one client has waiting beyond its part, at once, and nobody else's.
func TestLaw13_WaitingLongReadsAreBounded(t *testing.T) {
	db := openTest(t, patient)
	defer flood(t, db, "a", db.pool.limits.perClient+maxLongWaitingClient)()
	begun := 0
	err := db.Read(of(t, "a"), func(r *Reader) error { begun++; return run(r, endless) })
	if !errors.Is(err, ErrBusy) || begun != 1 {
		t.Errorf("one too many: %v after %d runs", err, begun)
	}
	if err := db.Read(of(t, "b"), func(r *Reader) error { return run(r, fmt.Sprintf(slow, 1)) }); err != nil {
		t.Errorf("another client: %v", err)
	}
}

// TestLaw13_TheMostWaitingGiveWay fills the queue by many clients: a new one takes the place of a read of the one with the most.
func TestLaw13_TheMostWaitingGiveWay(t *testing.T) {
	p := newPool(&DB{}, 2)
	q := &p.waiting[short]
	push := func(client string, n int) (last *waiter) {
		for range n {
			last = &waiter{turn: make(chan turn, 1), loan: loan{client: client}}
			q.push(client, last)
		}
		return last
	}
	most := push("most", maxWaiting/2)
	push("other", maxWaiting/4)
	push("third", maxWaiting/4)
	if err := p.roomToWait(q, &loan{client: "new"}); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-most.turn:
		if !errors.Is(got.err, ErrBusy) {
			t.Error(got.err)
		}
	default:
		t.Error("the client with the most keeps all of it")
	}
	push("new", 1)
	if err := p.roomToWait(q, &loan{client: "most"}); !errors.Is(err, ErrBusy) {
		t.Errorf("the client with the most: %v", err)
	}
}

// TestLongRead_BeginsAgain has a read give up its Reader in the middle and run again when there is a place.
func TestLongRead_BeginsAgain(t *testing.T) {
	db := openTest(t, patient, tableT, "INSERT INTO t VALUES (1, 'v'), (2, 'v')")
	stop := flood(t, db, "a", db.pool.limits.perClient)
	runs := 0
	var sum int
	done := make(chan error, 1)
	postponed := make(chan struct{})
	go func() {
		done <- db.Read(of(t, "a"), func(r *Reader) error {
			sum = 0
			if runs++; runs == 2 {
				if place(r.place.Load()) != long {
					t.Error("the second run is not among the long ones")
				}
			}
			if err := r.Snapshot(); err != nil {
				return err
			}
			for i := range 2 {
				s, err := r.Prepare(fmt.Sprintf(slow, i))
				if err == nil {
					_, err = s.Step()
				}
				if err != nil {
					close(postponed)
					return nil // a caller may hide the error: it runs again all the same
				}
				sum += s.ColumnInt(0)
			}
			return nil
		})
	}()
	<-postponed
	select {
	case err := <-done:
		t.Fatalf("it ended without a place: %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	stop()
	if err := <-done; err != nil || runs != 2 || sum != 60000 {
		t.Errorf("%d after %d runs, %v", sum, runs, err)
	}
}

// TestLongRead_IsRemembered begins a statement among the long ones that took long before, and none that was only beside it.
func TestLongRead_IsRemembered(t *testing.T) {
	db := openTest(t, patient, tableT, "INSERT INTO t VALUES (1, 'v')")
	const quick = "SELECT v FROM t WHERE id = 1"
	text := fmt.Sprintf(slow, 0)
	read := func() (first place) {
		err := db.Read(of(t, "a"), func(r *Reader) error {
			if _, err := r.Prepare(text); err != nil {
				return err
			}
			first = place(r.place.Load())
			for range 10 {
				if err := run(r, quick); err != nil {
					return err
				}
			}
			return run(r, text)
		})
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	for i, want := range []place{short, short, long, long} {
		if got := read(); got != want {
			t.Errorf("run %d begins as %d, want %d", i, got, want)
		}
	}
	if p := db.pool; !p.slow.knows(p.slow.hash(text)) || p.slow.knows(p.slow.hash(quick)) {
		t.Error("the wrong statement is remembered")
	}
}

func TestSlowTexts(t *testing.T) {
	var s slowTexts
	s.init()
	step := func(what string, do func(uint64), h uint64, want bool) {
		t.Helper()
		do(h)
		if got := s.knows(h); got != want {
			t.Errorf("%s: known is %v", what, got)
		}
	}
	step("one bad run", s.raise, 1, false)
	step("a good one", s.lower, 1, false)
	step("bad", s.raise, 1, false)
	step("bad again", s.raise, 1, true)
	for range 10 {
		s.raise(1)
	}
	step("good", s.lower, 1, true)
	step("good", s.lower, 1, true)
	step("good", s.lower, 1, false)
	for h := range uint64(3 * maxSlow) {
		s.raise(h)
	}
	if n := len(s.scores); n > maxSlow {
		t.Errorf("%d texts are remembered", n)
	}
	s.lower(1 << 60)
}

// TestLongRead_EndsInTime stops paused and waiting reads at their limit.
func TestLongRead_EndsInTime(t *testing.T) {
	db := openTest(t, Options{ReadLimit: 100 * time.Millisecond})
	var wg sync.WaitGroup
	var busy, interrupted atomic.Int32
	for i := range 20 {
		wg.Go(func() {
			switch err := db.Read(of(t, "a"), func(r *Reader) error { return run(r, endless) }); {
			case errors.Is(err, ErrBusy):
				busy.Add(1)
			case errors.Is(err, ErrInterrupted):
				interrupted.Add(1)
			default:
				t.Errorf("read %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d never ran to their limit, %d did", busy.Load(), interrupted.Load())
	if p := db.pool; p.taken != [places]int{} || p.onCPU.Load() != 0 || p.paused.n != 0 || len(p.longOf) != 0 {
		t.Errorf("left over: taken %v, %d run, %d paused, %v", p.taken, p.onCPU.Load(), p.paused.n, p.longOf)
	}
}

// TestLongRead_OfTheServerIsNotPaused lets the server's own long reads go on beside those of clients.
func TestLongRead_OfTheServerIsNotPaused(t *testing.T) {
	db := openTest(t, patient)
	defer flood(t, db, "a", 20)()
	defer flood(t, db, "b", 20)() // every long place is taken
	runs := 0
	if err := db.Read(t.Context(), func(r *Reader) error { runs++; return run(r, fmt.Sprintf(slow, 0)) }); err != nil || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
	_, release, err := db.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// TestLaw13_WhoWaitsForAnotherReadHoldsNoReader has more reads wait for one result than there are Readers.
func TestLaw13_WhoWaitsForAnotherReadHoldsNoReader(t *testing.T) {
	db := openTest(t, patient)
	result := make(chan struct{})
	n := 2 * db.pool.limits.readers()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			runs := 0
			err := db.Read(of(t, "a"), func(r *Reader) error { runs++; return r.Await(t.Context(), result) })
			if err != nil || runs > 2 {
				t.Errorf("%d runs, %v", runs, err)
			}
		})
	}
	eventually.True(t, "all wait", func() bool {
		db.pool.mu.Lock()
		defer db.pool.mu.Unlock()
		return db.pool.others == n
	})
	if p := db.pool; p.taken != [places]int{} {
		t.Errorf("places are taken: %v", p.taken)
	}
	ints(t, db, "SELECT 1")
	close(result)
	wg.Wait()
	if db.pool.others != 0 {
		t.Error("somebody still counts as waiting")
	}
	late, cancel := context.WithTimeout(of(t, "a"), 20*time.Millisecond)
	defer cancel()
	if err := db.Read(late, func(r *Reader) error { return r.Await(late, make(chan struct{})) }); !errors.Is(err, ErrInterrupted) {
		t.Errorf("what never comes: %v", err)
	}
}
