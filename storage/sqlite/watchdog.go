package sqlite

import (
	"fmt"
	"time"
)

// guardReads is the one goroutine that looks after all reads: it takes long ones out of the count of short ones, interrupts those beyond
// their time or without a caller, and refuses those that waited too long. It sleeps when there is nothing to look after.
func (p *pool) guardReads() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		tick.Stop()
		select {
		case <-p.wake:
		case <-p.quit:
			return
		}
		tick.Reset(watchInterval)
		for quiet := time.Duration(0); quiet < watchLinger; {
			select {
			case now := <-tick.C:
				if p.inspect(now) {
					quiet = 0
				} else {
					quiet += watchInterval
				}
			case <-p.quit:
				return
			}
		}
		p.rest()
	}
}

// inspect looks at every read once and reports whether there was any.
func (p *pool) inspect(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.lent {
		age := now.Sub(r.started)
		if r.counted && age > longRead {
			r.counted = false
			p.short--
		}
		if now.After(r.deadline) || age > longRead && r.ctx.Err() != nil {
			r.stop.Store(true)
			// At each tick again: an interrupt between two statements has no effect.
			r.conn.interrupt(p.tls)
		}
	}
	p.promote()
	kept := p.waiters[:0]
	for _, w := range p.waiters {
		if now.After(w.deadline) {
			w.turn <- turn{err: fmt.Errorf("%w: no connection came free", ErrBusy)}
		} else {
			kept = append(kept, w)
		}
	}
	clear(p.waiters[len(kept):])
	p.waiters = kept
	return len(p.lent) > 0 || len(p.waiters) > 0
}

// rest lets the watchdog sleep and closes the connections that were opened for a rush, with their caches.
func (p *pool) rest() {
	p.mu.Lock()
	if len(p.lent) > 0 || len(p.waiters) > 0 {
		p.watching = false
		p.watch()
		p.mu.Unlock()
		return
	}
	p.watching = false
	var surplus []*Reader
	if n := len(p.free) - p.cores; n > 0 {
		surplus = append(surplus, p.free[:n]...)
		p.free = append(p.free[:0], p.free[n:]...)
		p.open -= n
	}
	p.mu.Unlock()
	for _, r := range surplus {
		p.db.report("close a Reader", r.conn.close())
	}
}
