package realtime

import (
	"runtime"
	"sync"
)

// turns runs the turns of the clients' actors on a few goroutines instead of one for each: a turn is so short that
// starting a goroutine, whose stack has to grow first, would cost a third of it. Turns never wait. It implements
// actors.Dispatcher and is safe for concurrent use.
//
// What is queued is bounded by the number of actors, since each has at most one turn.
type turns struct {
	start   func(f func()) // runs something on a goroutine of its own
	mu      sync.Mutex
	queue   []func()
	next    int // of the queue, what is before it has been run
	workers int
}

// Schedule implements actors.Dispatcher.
func (t *turns) Schedule(turn func()) {
	t.mu.Lock()
	t.queue = append(t.queue, turn)
	more := t.workers < runtime.GOMAXPROCS(0)
	if more {
		t.workers++
	}
	t.mu.Unlock()
	if more {
		t.start(t.work)
	}
}

// Throughput implements actors.Dispatcher: how many messages an actor handles before others may go on.
func (t *turns) Throughput() int { return 16 }

// work runs turns until there are none. The library recovers the panics of actors.
func (t *turns) work() {
	for {
		t.mu.Lock()
		if t.next == len(t.queue) {
			t.reset()
			t.workers--
			t.mu.Unlock()
			return
		}
		turn := t.queue[t.next]
		t.queue[t.next] = nil
		t.next++
		t.mu.Unlock()
		turn()
	}
}

// keptTurns is how long the queue may be that is kept for the next burst.
const keptTurns = 1 << 14

func (t *turns) reset() {
	if cap(t.queue) > keptTurns {
		t.queue = nil
	}
	t.queue, t.next = t.queue[:0], 0
}
