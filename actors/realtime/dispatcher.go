package realtime

import (
	"runtime"
	"sync"
)

// dispatcher runs the turns of the clients' actors on a few goroutines instead of one for each: a turn is so short that
// starting a goroutine, whose stack has to grow first, would cost a third of it. Turns never wait. It implements
// actors.Dispatcher and is safe for concurrent use.
//
// What is queued is bounded by the number of actors, since each has at most one turn.
type dispatcher struct {
	start   func(f func()) // runs something on a goroutine of its own
	mu      sync.Mutex
	queue   []func()
	next    int // of the queue, what is before it has been run
	workers int
}

// Schedule implements actors.Dispatcher.
func (d *dispatcher) Schedule(turn func()) {
	d.mu.Lock()
	d.queue = append(d.queue, turn)
	more := d.workers < runtime.GOMAXPROCS(0)
	if more {
		d.workers++
	}
	d.mu.Unlock()
	if more {
		d.start(d.work)
	}
}

// Throughput implements actors.Dispatcher: how many messages an actor handles before others may go on.
func (d *dispatcher) Throughput() int { return 16 }

// work runs turns until there are none. The library recovers the panics of actors.
func (d *dispatcher) work() {
	for {
		d.mu.Lock()
		if d.next == len(d.queue) {
			d.reset()
			d.workers--
			d.mu.Unlock()
			return
		}
		turn := d.queue[d.next]
		d.queue[d.next] = nil
		d.next++
		d.mu.Unlock()
		turn()
	}
}

// keptTurns is how long the queue may be that is kept for the next burst.
const keptTurns = 1 << 14

func (d *dispatcher) reset() {
	if cap(d.queue) > keptTurns {
		d.queue = nil
	}
	d.queue, d.next = d.queue[:0], 0
}
