package wasmhost

import (
	"sync/atomic"
	"time"
)

// watchdog is the one goroutine that looks after all running calls, so that a call needs neither a timer nor a channel. It sleeps while there is
// nothing to look after.
type watchdog struct {
	manager  *Manager
	wake     chan struct{}
	quit     chan struct{}
	ended    chan struct{}
	watching atomic.Bool
	clock    atomic.Int64 // the manager's time as of the last look, or of a call that began when there was nothing to look after
}

func newWatchdog(m *Manager) *watchdog {
	return &watchdog{manager: m, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
}

// watch makes sure that the watchdog looks soon, and that its clock goes from now on. Whoever calls it has made visible what is to be looked at.
func (w *watchdog) watch(now int64) {
	if now-w.clock.Load() > int64(watchInterval) {
		w.clock.Store(now)
	}
	if !w.watching.Load() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func (w *watchdog) run() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	for {
		tick.Stop()
		select {
		case <-w.wake:
		case <-sweep.C:
			w.manager.sweep()
			continue
		case <-w.quit:
			return
		}
		w.watching.Store(true)
		tick.Reset(watchInterval)
		for quiet := time.Duration(0); quiet < watchLinger; {
			select {
			case <-tick.C:
				if w.manager.inspect() {
					quiet = 0
				} else {
					quiet += watchInterval
				}
			case <-sweep.C:
				w.manager.sweep()
			case <-w.quit:
				return
			}
		}
		w.watching.Store(false)
		// A call that began since the last look saw that somebody watches.
		if w.manager.inspect() {
			w.watch(w.manager.now())
		}
	}
}

// stop ends the goroutine and waits for it.
func (w *watchdog) stop() {
	close(w.quit)
	<-w.ended
}
