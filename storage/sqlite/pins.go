package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// acquirePinned lends one of the connections for pinned snapshots.
func (p *pool) acquirePinned(ctx context.Context) (*Reader, error) {
	select {
	case <-p.pins:
	case <-ctx.Done():
		return nil, fmt.Errorf("pin: %w: %w", ErrInterrupted, ctx.Err())
	case <-p.quit:
		return nil, ErrClosed
	}
	p.mu.Lock()
	var r *Reader
	if n := len(p.pinned); n > 0 {
		r, p.pinned = p.pinned[n-1], p.pinned[:n-1]
	}
	p.mu.Unlock()
	if r == nil {
		var err error
		if r, err = p.openReader(); err != nil {
			p.pins <- struct{}{}
			return nil, fmt.Errorf("pin: %w", err)
		}
	}
	l := loan{ctx: ctx, deadline: p.deadline(ctx, time.Now()), kind: pin}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.pins <- struct{}{}
		return nil, errors.Join(ErrClosed, r.conn.close())
	}
	p.lend(r, &l)
	return r, nil
}

// releasePinned takes r back.
func (p *pool) releasePinned(r *Reader) {
	p.deactivate(r)
	r.restart()
	good := r.clean()
	p.mu.Lock()
	if good && !p.closed {
		p.pinned = append(p.pinned, r)
		r = nil
	}
	p.mu.Unlock()
	if r != nil {
		p.db.report("close a pinned Reader", r.conn.close())
	}
	p.pins <- struct{}{}
}

// close waits for the reads under way, interrupts those that take too long and closes all connections.
func (p *pool) close() error {
	p.mu.Lock()
	p.closed = true
	for kind := range p.waiting {
		for _, w := range p.waiting[kind].removeAll(func(*waiter) bool { return true }) {
			w.turn <- turn{err: ErrClosed}
		}
	}
	idle := append(p.free, p.pinned...)
	p.free, p.pinned = nil, nil
	p.mu.Unlock()
	var errs []error
	for _, r := range idle {
		errs = append(errs, r.conn.close())
	}
	if !p.drained(closeGrace) {
		p.mu.Lock()
		for _, r := range p.lent {
			r.loan.deadline = time.Time{}
		}
		p.mu.Unlock()
		if !p.drained(closeWait) {
			errs = append(errs, errors.New("reads still run"))
		}
	}
	close(p.quit)
	p.mu.Lock()
	defer p.mu.Unlock() // the watchdog may be at its last inspection
	p.lent = nil
	p.pages.close()
	p.tls.Close()
	return errors.Join(errs...)
}

// drained waits until nothing is lent, at most for d.
func (p *pool) drained(d time.Duration) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); ; <-tick.C {
		p.mu.Lock()
		n := len(p.lent)
		p.mu.Unlock()
		if n == 0 {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
