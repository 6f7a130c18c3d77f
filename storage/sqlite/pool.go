package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"modernc.org/libc"
)

// pool lends Readers. As many short reads run at once as there are cores, since more only get in one another's way; a read that turns out
// long stops counting (the watchdog sees to that), so that somebody else's scan holds up nobody. Safe for concurrent use.
type pool struct {
	db    *DB
	cores int
	limit time.Duration
	wake  chan struct{} // starts the watchdog
	quit  chan struct{}
	pins  chan struct{} // a token for each pinned connection that may be lent

	mu       sync.Mutex
	free     []*Reader // the most recently used last
	open     int       // Readers that exist or are being opened
	lent     []*Reader
	pinned   []*Reader // idle ones of Pin
	short    int       // places of short reads that are taken
	waiters  []*waiter
	watching bool
	closed   bool
	tls      *libc.TLS // the watchdog's, for interrupts
}

// waiter is a read that waits for its turn.
type waiter struct {
	turn     chan turn // holds one
	deadline time.Time
}

// turn is what a waiter gets: a Reader, or leave to open one, or an error.
type turn struct {
	reader *Reader
	err    error
}

func newPool(db *DB, cores int) *pool {
	p := &pool{
		db: db, cores: cores, limit: db.options.ReadLimit,
		wake: make(chan struct{}, 1), quit: make(chan struct{}), pins: make(chan struct{}, maxPinned),
		tls: libc.NewTLS(),
	}
	for range maxPinned {
		p.pins <- struct{}{}
	}
	return p
}

// acquire lends a Reader for a short read, until release.
func (p *pool) acquire(ctx context.Context) (*Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	now := time.Now()
	deadline := p.deadline(ctx, now)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if len(p.waiters) > 0 || !p.room() {
		return p.wait(ctx, deadline)
	}
	p.short++
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		p.lend(r, ctx, now, deadline)
		p.mu.Unlock()
		return r, nil
	}
	p.open++
	p.mu.Unlock()
	return p.openCounted(ctx, deadline)
}

func (p *pool) deadline(ctx context.Context, now time.Time) time.Time {
	deadline := now.Add(p.limit)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		return d
	}
	return deadline
}

// room reports whether another short read may begin now.
func (p *pool) room() bool { return p.short < p.cores && (len(p.free) > 0 || p.open < maxReaders) }

// lend hands r out; the caller holds the lock and has counted it.
func (p *pool) lend(r *Reader, ctx context.Context, now, deadline time.Time) {
	r.active, r.counted = true, true
	r.started, r.deadline, r.ctx = now, deadline, ctx
	r.stop.Store(false)
	p.lent = append(p.lent, r)
	p.watch()
}

// watch makes sure that the watchdog ticks; the caller holds the lock.
func (p *pool) watch() {
	if !p.watching {
		p.watching = true
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// openCounted opens a Reader whose place is counted already and lends it.
func (p *pool) openCounted(ctx context.Context, deadline time.Time) (*Reader, error) {
	conn, err := connect(p.db.options.Path, p.db.options.Connect, readerPragmas()...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && p.closed {
		err = errors.Join(ErrClosed, conn.close())
	}
	if err != nil {
		p.short--
		p.open--
		p.promote()
		return nil, err
	}
	r := &Reader{conn: conn}
	p.lend(r, ctx, time.Now(), deadline)
	return r, nil
}

// wait queues for a turn. It is entered with the lock held and leaves without.
func (p *pool) wait(ctx context.Context, deadline time.Time) (*Reader, error) {
	if len(p.waiters) >= maxWaiting {
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: too many reads wait", ErrBusy)
	}
	w := &waiter{turn: make(chan turn, 1), deadline: deadline}
	p.waiters = append(p.waiters, w)
	p.watch()
	p.mu.Unlock()
	var t turn
	select {
	case t = <-w.turn:
	case <-ctx.Done():
		if p.forget(w) {
			return nil, fmt.Errorf("%w: %w", ErrInterrupted, ctx.Err())
		}
		t = <-w.turn
	}
	switch {
	case t.err != nil:
		return nil, t.err
	case t.reader == nil:
		return p.openCounted(ctx, deadline)
	}
	p.mu.Lock()
	t.reader.ctx = ctx
	p.mu.Unlock()
	return t.reader, nil
}

// forget takes w out of the queue; false means that it has had its turn.
func (p *pool) forget(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiters, w)
	if i < 0 {
		return false
	}
	p.waiters = slices.Delete(p.waiters, i, i+1)
	return true
}

// promote gives waiting reads their turn while there is room; the caller holds the lock.
func (p *pool) promote() {
	for len(p.waiters) > 0 && p.room() {
		w := p.waiters[0]
		p.waiters[0] = nil
		p.waiters = p.waiters[1:]
		p.short++
		if n := len(p.free); n > 0 {
			r := p.free[n-1]
			p.free = p.free[:n-1]
			p.lend(r, context.Background(), time.Now(), w.deadline)
			w.turn <- turn{reader: r}
		} else {
			p.open++
			w.turn <- turn{}
		}
	}
}

// release takes r back.
func (p *pool) release(r *Reader) {
	good := true
	if r.snapshot || r.stop.Load() {
		p.deactivate(r) // a late interrupt would hit the ROLLBACK
		r.restart()
		good = r.clean()
	} else {
		r.conn.cache.giveBack()
	}
	p.mu.Lock()
	p.end(r)
	if good && !p.closed {
		p.free = append(p.free, r)
		r = nil
	} else {
		p.open--
	}
	p.promote()
	p.mu.Unlock()
	if r != nil {
		p.db.report("close a Reader", r.conn.close())
	}
}

func (p *pool) deactivate(r *Reader) {
	p.mu.Lock()
	p.end(r)
	p.mu.Unlock()
}

// end finishes r's loan, if it has not been finished; the caller holds the lock.
func (p *pool) end(r *Reader) {
	if !r.active {
		return
	}
	r.active, r.ctx = false, nil
	if r.counted {
		r.counted = false
		p.short--
	}
	i := slices.Index(p.lent, r)
	last := len(p.lent) - 1
	p.lent[i] = p.lent[last]
	p.lent[last] = nil
	p.lent = p.lent[:last]
}

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
		conn, err := connect(p.db.options.Path, p.db.options.Connect, readerPragmas()...)
		if err != nil {
			p.pins <- struct{}{}
			return nil, fmt.Errorf("pin: %w", err)
		}
		r = &Reader{conn: conn}
	}
	now := time.Now()
	deadline := p.deadline(ctx, now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.pins <- struct{}{}
		return nil, errors.Join(ErrClosed, r.conn.close())
	}
	p.lend(r, ctx, now, deadline)
	r.counted = false
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
	for _, w := range p.waiters {
		w.turn <- turn{err: ErrClosed}
	}
	p.waiters = nil
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
			r.deadline = time.Time{}
		}
		p.mu.Unlock()
		if !p.drained(closeWait) {
			errs = append(errs, errors.New("reads still run"))
		}
	}
	close(p.quit)
	p.mu.Lock()
	defer p.mu.Unlock() // the watchdog may be at its last inspection
	p.lent, p.waiters = nil, nil
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
