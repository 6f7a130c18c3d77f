package sqlite

import (
	"fmt"
	"time"
)

// guardReads is the one goroutine that looks after all reads: it takes those that hang out of the count of short ones, lets long ones go on in turn, interrupts those beyond
// their time or without a caller, and refuses those that waited too long. It sleeps when there is nothing to look after.
func (p *pool) guardReads() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	idle := time.NewTimer(idlePages)
	defer idle.Stop()
	for {
		tick.Stop()
		idle.Reset(idlePages)
		for awake := false; !awake; {
			select {
			case <-p.wake:
				awake = true
			case <-idle.C:
				p.shrink()
			case <-p.quit:
				return
			}
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
		p.look(r, now)
	}
	p.pages.trim()
	p.promote()
	p.dispatch()
	for kind := range p.waiting {
		late := p.waiting[kind].removeAll(func(w *waiter) bool { return now.After(w.loan.deadline) })
		for _, w := range late {
			w.turn <- turn{err: fmt.Errorf("%w: no place came free", ErrBusy)}
		}
	}
	return len(p.lent) > 0 || p.waiting[short].n+p.waiting[long].n > 0
}

// look inspects one read; the caller holds the lock.
func (p *pool) look(r *Reader, now time.Time) {
	still := p.now() - time.Duration(r.ticked.Load())
	switch place(r.place.Load()) {
	case short:
		if still > stuckRead && p.placeFor(apart, "") {
			p.move(r, apart)
		}
	case long:
		if still > stuckLong && r.running.Load() {
			p.halt(r)
		}
	}
	age := p.now() - r.begun
	if now.After(r.loan.deadline) || age > stuckRead && r.loan.ctx.Err() != nil {
		r.stop.Store(true)
		// At each tick again: an interrupt between two statements has no effect.
		r.conn.interrupt(p.tls)
		if p.paused.remove(r.loan.client, r) {
			r.resume <- struct{}{}
		}
	}
}

// rest lets the watchdog sleep and closes the connections that were opened for a rush, with their caches.
func (p *pool) rest() {
	p.mu.Lock()
	if len(p.lent) > 0 || p.waiting[short].n+p.waiting[long].n > 0 {
		p.watching = false
		p.watch()
		p.mu.Unlock()
		return
	}
	p.watching = false
	var surplus []*Reader
	if n := len(p.free) - p.limits.cores; n > 0 {
		surplus = append(surplus, p.free[:n]...)
		p.free = append(p.free[:0], p.free[n:]...)
		p.open -= n
	}
	p.mu.Unlock()
	for _, r := range surplus {
		p.db.report("close a Reader", r.conn.close())
	}
}
