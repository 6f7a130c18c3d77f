package realtime

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/troupebase/troupe/internal/routine"
)

// How long streams live, in seconds (realtime.md 1.2).
const (
	idleLimit     = 5 * 60
	lifeLimit     = 30 * 60
	commentPeriod = 25 // proxies give up after 30 or 60
)

const (
	// lookInterval is how often connections are looked after.
	lookInterval = time.Second
	// drainLimit bounds how long Close waits for what was committed to be announced, flushLimit how long for it to be sent.
	drainLimit = 5 * time.Second
	flushLimit = 2 * time.Second
	// flushInterval is how often Close looks whether all is sent.
	flushInterval = 5 * time.Millisecond
)

// lookAfter ends old streams and keeps silent ones awake, with one clock for all of them.
func (h *Hub) lookAfter() {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.look()
		case <-h.quit:
			return
		}
	}
}

func (h *Hub) look() {
	now := h.seconds()
	for _, c := range h.slow.look(now, h.Len()) {
		h.drop(c, "too slow")
	}
	h.budget.signal() // who waits for room may find a client that does not keep up
	for _, c := range h.all(func(c *client) bool {
		return now-c.written.Load() >= commentPeriod || now-c.told.Load() >= idleLimit || now-c.began >= lifeLimit
	}) {
		if now-c.told.Load() >= idleLimit || now-c.began >= lifeLimit {
			c.end()
			continue
		}
		c.written.Store(now) // so that a stalled client gets one comment, not one a second
		c.send(commentMessage)
	}
}

// all returns the clients that fit.
func (h *Hub) all(fits func(*client) bool) []*client {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*client
	for _, c := range h.index.byID {
		if fits(c) {
			list = append(list, c)
		}
	}
	return list
}

// Close announces what was committed, sends what is under way and ends all streams; none is opened any more. It needs the
// database to be open still. Groups that are committed later are not announced.
func (h *Hub) Close() error {
	h.feeds.close()
	h.mu.Lock()
	if h.closed || !h.started {
		h.closed = true
		h.stop()
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()
	h.drain()
	close(h.quit)
	h.stop()
	h.judges.close()
	everybody := func(*client) bool { return true }
	for _, c := range h.all(everybody) {
		c.end()
	}
	for end := time.Now().Add(flushLimit); h.Len() > 0 && time.Now().Before(end); {
		time.Sleep(flushInterval)
	}
	for _, c := range h.all(everybody) {
		h.drop(c, "server stopped")
	}
	h.backlog.close()
	err := h.watch.close()
	h.running.Wait()
	if err != nil {
		return fmt.Errorf("close realtime: %w", err)
	}
	return nil
}

// drain waits until everything that was committed has been told.
func (h *Hub) drain() {
	h.wakeAnnouncer()
	wait(h.pressure.untilIdle(), drainLimit)
}

func wait(done <-chan struct{}, limit time.Duration) {
	if done == nil {
		return
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case <-done:
	case <-timeout.C:
	}
}

// run starts a goroutine that [Hub.Close] waits for. A panic is logged and ends it.
func (h *Hub) run(what string, f func()) {
	routine.In(&h.running, f, h.panicked(what))
}

// alone starts a goroutine that nobody waits for. A panic is logged and ends it.
func (h *Hub) alone(what string, f func()) {
	routine.Go(f, h.panicked(what))
}

// panicked logs the panic of a goroutine.
func (h *Hub) panicked(what string) func(p *routine.Panic) {
	return func(p *routine.Panic) {
		h.opts.Logger.Error("realtime: "+what, "error", p, "stack", string(p.Stack))
	}
}

// guard runs f and logs its panic.
func (h *Hub) guard(what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			h.opts.Logger.Error("realtime: "+what, "error", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	f()
}
