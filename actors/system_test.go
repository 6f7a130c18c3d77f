package actors

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// probe is an actor whose messages are functions.
type probe struct{ began *atomic.Int64 }

func (p probe) Receive(self Ref, message any) {
	switch m := message.(type) {
	case Started:
		p.began.Add(1)
	case func(self Ref):
		m(self)
	}
}

func newSystem(t testing.TB) *System {
	t.Helper()
	s, err := NewSystem("test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// newProbe starts a probe and returns how often it was made.
func newProbe(t testing.TB, s *Supervisor, name string) (Ref, *atomic.Int64) {
	t.Helper()
	began := new(atomic.Int64)
	ref, err := s.Spawn(NewProps(func() Actor { return probe{began} }, nil), name)
	if err != nil {
		t.Fatal(err)
	}
	return ref, began
}

// ask waits until the actor runs fn.
func ask(t testing.TB, ref Ref, fn func()) {
	t.Helper()
	done := make(chan struct{})
	ref.Send(func(Ref) { fn(); close(done) })
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the actor does not answer")
	}
}

// TestFailuresAreWithoutALimit: an actor that panics a hundred times in a row lives, and its neighbour was never made anew.
func TestFailuresAreWithoutALimit(t *testing.T) {
	const failures = 100
	below, err := newSystem(t).Root().Supervisor("below")
	if err != nil {
		t.Fatal(err)
	}
	failing, began := newProbe(t, below, "failing")
	neighbour, calm := newProbe(t, below, "neighbour")
	for range failures {
		failing.Send(func(Ref) { panic("boom") })
	}
	ask(t, failing, func() {})
	ask(t, neighbour, func() {})
	if began.Load() != failures+1 || calm.Load() != 1 {
		t.Errorf("it was made %d times, its neighbour %d", began.Load(), calm.Load())
	}
}

// TestSpawn: names are taken once, and what a caller does when it is told fails nobody but itself.
func TestSpawn(t *testing.T) {
	root := newSystem(t).Root()
	began := new(atomic.Int64)
	props := NewProps(func() Actor { return probe{began} }, nil)
	if _, err := root.Spawn(props, "one"); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Spawn(props, "one"); err == nil {
		t.Error("a name was taken twice")
	}
	root.Start(props, "two", func(Ref, error) { panic("boom") })
	three := make(chan Ref, 1)
	root.Start(props, "three", func(ref Ref, err error) {
		if err != nil {
			t.Error(err)
		}
		three <- ref
	})
	ask(t, <-three, func() {})
	for end := time.Now().Add(20 * time.Second); began.Load() != 3; time.Sleep(time.Millisecond) { // each begins on its own
		if time.Now().After(end) {
			t.Fatalf("%d actors began", began.Load())
		}
	}
}

// TestEnds: Drain handles what was sent before, Stop drops it, and to whoever has ended nothing is delivered.
func TestEnds(t *testing.T) {
	root := newSystem(t).Root()
	for _, c := range []struct {
		name string
		end  func(Ref)
		want int64
	}{{"drain", Ref.Drain, 10}, {"stop", Ref.Stop, 0}} {
		ref, _ := newProbe(t, root, c.name)
		var handled atomic.Int64
		held := make(chan struct{})
		ref.Send(func(Ref) { <-held })
		for range 10 {
			ref.Send(func(Ref) { handled.Add(1) })
		}
		c.end(ref)
		ref.Send(func(Ref) { t.Errorf("%s: a message after the end", c.name) })
		close(held)
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, err := root.Spawn(NewProps(func() Actor { return probe{new(atomic.Int64)} }, nil), c.name); err == nil {
				break // the name is free when the actor has ended
			}
			if time.Now().After(end) {
				t.Fatalf("%s: it does not end", c.name)
			}
		}
		if handled.Load() != c.want {
			t.Errorf("%s: %d messages were handled, want %d", c.name, handled.Load(), c.want)
		}
	}
}

// TestSelf: an actor is given its own address.
func TestSelf(t *testing.T) {
	ref, _ := newProbe(t, newSystem(t).Root(), "self")
	done := make(chan struct{})
	ref.Send(func(self Ref) { self.Send(func(Ref) { close(done) }) })
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("a message to itself was not delivered")
	}
}

// callerPatience is how long a caller of a collection's actor waits; see actors/writes.
const callerPatience = 10 * time.Second

func TestRestartDelay(t *testing.T) {
	if d := restartDelay(0); d != 0 {
		t.Errorf("the first restart waits %v", d)
	}
	var sum time.Duration
	for i := range 100 {
		d := restartDelay(i)
		if d > maxRestartDelay {
			t.Fatalf("restart %d waits %v", i, d)
		}
		sum += d
	}
	if sum > callerPatience/2 {
		t.Errorf("a hundred failures hold an actor for %v", sum)
	}
}

type ping struct{ done chan struct{} }

type answering struct{}

func (answering) Receive(_ Ref, message any) {
	if m, ok := message.(*ping); ok {
		m.done <- struct{}{}
	}
}

// TestSendAllocatesNothing: a message that is a pointer goes through an actor and back for what the library's own Send costs.
func TestSendAllocatesNothing(t *testing.T) {
	root := newSystem(t).Root()
	ref, err := root.Spawn(NewProps(func() Actor { return answering{} }, nil), "answering")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := root.ref.system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*ping); ok {
			m.done <- struct{}{}
		}
	}), "bare")
	if err != nil {
		t.Fatal(err)
	}
	m := &ping{make(chan struct{}, 1)}
	theirs := testing.AllocsPerRun(2000, func() { root.ref.system.Root.Send(bare, m); <-m.done })
	ours := testing.AllocsPerRun(2000, func() { ref.Send(m); <-m.done })
	if ours > theirs {
		t.Errorf("%v allocations, the library alone %v", ours, theirs)
	}
}

// BenchmarkSend is one message to an actor and its answer by channel: by way of this package, and of the library alone.
func BenchmarkSend(b *testing.B) {
	root := newSystem(b).Root()
	ref, err := root.Spawn(NewProps(func() Actor { return answering{} }, nil), "answering")
	if err != nil {
		b.Fatal(err)
	}
	bare, err := root.ref.system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if m, ok := ctx.Message().(*ping); ok {
			m.done <- struct{}{}
		}
	}), "bare")
	if err != nil {
		b.Fatal(err)
	}
	m := &ping{make(chan struct{}, 1)}
	b.Run("ref", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			ref.Send(m)
			<-m.done
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			root.ref.system.Root.Send(bare, m)
			<-m.done
		}
	})
}
