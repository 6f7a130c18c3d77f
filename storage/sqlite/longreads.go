package sqlite

import (
	"fmt"
	"runtime"
	"time"
)

// A read begins as a short one. SQLite calls tick after every tickSteps of its steps; a read that is found to take long there leaves its
// place to the short ones and takes one of the few for long reads, of which a client may have half. Where none is free it gives up its Reader and
// begins again when its turn comes: the Readers of long reads are bounded, those who wait hold none.
//
// Of the long reads only some run at a time, in slices, client by client; the others stand still inside tick. Beside short reads half of
// the cores are theirs, all of them while nobody else reads: a long read that runs takes as much of the machine from others as any
// number of short ones that share a core.
//
// The server's own reads (no client) and those that a change of the schema waits for are not paused.

// lengthen makes a read that takes long one of the long ones, and waits until it may go on. False means that the statement has
// to end: the read has been stopped, or begins again later.
func (p *pool) lengthen(r *Reader) bool {
	p.mu.Lock()
	client := r.loan.client
	was := place(r.place.Load())
	switch {
	case r.exempt():
		if was == short && p.placeFor(apart, "") {
			p.move(r, apart)
		}
		p.mu.Unlock()
		return true
	case p.waiting[long].of(client) > 0 || !p.placeFor(long, client):
		r.postponed, r.loan.kind = true, long
		p.mu.Unlock()
		return false
	}
	p.move(r, long)
	return p.hold(r) == nil
}

// move changes what a lent Reader counts as; the caller holds the lock.
func (p *pool) move(r *Reader, to place) {
	p.leave(place(r.place.Load()), r.loan.client)
	p.take(to, r.loan.client)
	r.place.Store(int32(to))
	p.promote()
}

// hold waits until a long read may run. It is entered with the lock held and leaves without. It fails when the read is stopped meanwhile; the
// Reader is lent all the same.
func (p *pool) hold(r *Reader) error {
	if p.paused.n == 0 && p.onCPU.Load() < p.slots() {
		p.run(r)
		p.mu.Unlock()
		return nil
	}
	p.paused.push(r.loan.client, r)
	from := p.now()
	p.mu.Unlock()
	<-r.resume
	r.since += p.now() - from // it does not count as work
	if !r.stop.Load() {
		return nil
	}
	if err := r.loan.ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return fmt.Errorf("%w: it waited too long among other long reads", ErrBusy)
}

// yield lets other long reads go on, if there are some whose turn it is, and waits for the next turn. False means that the read has
// been stopped.
func (p *pool) yield(r *Reader) bool {
	p.mu.Lock()
	if r.running.Load() {
		if p.paused.n == 0 && p.onCPU.Load() <= p.slots() {
			r.slice = p.now()
			p.mu.Unlock()
			runtime.Gosched()
			return !r.stop.Load()
		}
		p.halt(r)
		p.dispatch()
	}
	return p.hold(r) == nil
}

// run lets a long read run, halt takes that back; the caller holds the lock.
func (p *pool) run(r *Reader) {
	p.onCPU.Add(1)
	r.slice = p.now()
	r.ticked.Store(int64(r.slice))
	r.running.Store(true)
}

func (p *pool) halt(r *Reader) {
	p.onCPU.Add(-1)
	r.running.Store(false)
}

// dispatch lets paused reads go on while they may; the caller holds the lock.
func (p *pool) dispatch() {
	for p.paused.n > 0 && p.onCPU.Load() < p.slots() {
		r, _ := p.paused.pop(anyClient)
		p.run(r)
		r.resume <- struct{}{}
	}
}

func anyClient(string) bool { return true }

// slots is how many long reads may run now.
func (p *pool) slots() int32 {
	if p.now()-time.Duration(p.active.Load()) > calm {
		return int32(p.limits.cores)
	}
	return int32(p.limits.steady)
}

// await waits, without a Reader, for what the read could not go on without.
func (p *pool) await(l *loan) error {
	after := l.after
	if after == nil {
		return nil
	}
	l.after = nil
	p.mu.Lock()
	if p.others >= maxWaiting {
		p.mu.Unlock()
		return fmt.Errorf("%w: too many reads wait", ErrBusy)
	}
	p.others++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.others--
		p.mu.Unlock()
	}()
	timer := time.NewTimer(time.Until(l.deadline))
	defer timer.Stop()
	select {
	case <-after:
		return nil
	case <-l.ctx.Done():
		return fmt.Errorf("%w: %w", ErrInterrupted, l.ctx.Err())
	case <-timer.C:
		return fmt.Errorf("%w: another read took too long", ErrInterrupted)
	case <-p.quit:
		return ErrClosed
	}
}
