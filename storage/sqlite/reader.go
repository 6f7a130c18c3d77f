package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"modernc.org/libc"
	zsqlite "zombiezen.com/go/sqlite"
)

// Reader is a connection that only reads, lent by [DB.Read] for the time of a call or by [DB.Pin] until it is released. One goroutine at a time
// may use it.
type Reader struct {
	conn    *connection
	pool    *pool
	handler func(*libc.TLS, uintptr) int32
	resume  chan struct{} // holds one: the paused read may go on, or is stopped
	stop    atomic.Bool   // set when the watchdog interrupted the loan
	running atomic.Bool   // a long read that is not paused
	place   atomic.Int32  // what the loan counts as; changed under the pool's lock
	ticked  atomic.Int64  // when the read was last seen to go on
	active  bool          // lent; under the pool's lock
	loan    loan          // under the pool's lock while it changes hands

	// These belong to the borrower.
	since     time.Duration // when it began, moved on by the time it was paused
	begun     time.Duration // when it began
	slice     time.Duration // when it was last let run as a long read
	ticks     int           // how often it was looked after
	prepared  int           // how often a statement was asked for
	slow      bool          // it took long
	knownSlow bool          // it has used a statement that was known to take long
	postponed bool          // it has to begin again
	gated     bool          // a change of the schema waits for it
	snapshot  bool          // a transaction is open
	seen      uint64        // the gate's number that the cached statements belong to
}

// Prepare returns the statement for sql, reset and with no parameter bound. It belongs to the connection's cache: it need not
// be finalised, it is reset when the Reader is given back, and it is reset when the same text is prepared again.
func (r *Reader) Prepare(sql string) (*zsqlite.Stmt, error) {
	if r.stop.Load() || r.postponed {
		return nil, ErrInterrupted
	}
	s, err := r.conn.cache.get(sql)
	if err != nil {
		return nil, err
	}
	if r.prepared++; r.prepared%prepareTicks == 0 && !r.tick() {
		return nil, ErrInterrupted
	}
	if r.pool.slow.knows(s.hash) {
		r.knownSlow = true
		if place(r.place.Load()) == short && !r.pool.lengthen(r) {
			return nil, ErrInterrupted
		}
	}
	return s.Stmt, nil
}

// Await waits until done is closed, for a read that needs what another one works out. Nobody holds a Reader for that: if it is not
// closed yet the read ends with an error and begins again afterwards.
func (r *Reader) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	if place(r.place.Load()) != pin && !r.gated {
		r.postponed, r.loan.after = true, done
		return ErrInterrupted
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrInterrupted, ctx.Err())
	}
}

// Snapshot makes all statements that follow see one and the same state. Without it each statement sees the newest.
func (r *Reader) Snapshot() error {
	if r.snapshot {
		return nil
	}
	s, err := r.Prepare("BEGIN")
	if err != nil {
		return err
	}
	if err := exec(s); err != nil {
		return fmt.Errorf("begin snapshot: %w", err)
	}
	r.snapshot = true
	return nil
}

// Interrupted reports whether the loan has run out of time or its caller has gone. Statements fail from then on; loops in Go should end.
func (r *Reader) Interrupted() bool { return r.stop.Load() }

// Conn returns the connection itself, for what has no method here. What is set on it must be unset, statements prepared on it must be finalised.
func (r *Reader) Conn() *zsqlite.Conn { return r.conn.Conn }

// refresh forgets the statements that were prepared before a schema change. SQLite would compile them again by itself,
// but then what no longer fits fails in the middle of a read instead of at its beginning.
func (r *Reader) refresh(number uint64) {
	if r.seen != number {
		r.conn.cache.clear()
		r.seen = number
	}
}

// restart makes the Reader as good as new for a second run.
func (r *Reader) restart() {
	r.conn.cache.clear()
	if r.snapshot {
		_ = r.conn.run("ROLLBACK") // what is left open shows below
		r.snapshot = false
	}
}

// clean reports whether the connection can be lent again.
func (r *Reader) clean() bool { return r.conn.AutocommitEnabled() }

// Read lends a Reader to fn, on behalf of the client that [budget.WithClient] put into ctx. fn may be run again when a schema change was
// committed meanwhile, or when it takes long and has to wait for a place among the long reads, so it starts from scratch each time:
// it loads the catalogue inside and resets its buffers. It runs on the caller's goroutine; its error is returned.
//
// The read ends with [ErrInterrupted] when ctx ends or after the read limit, with [ErrBusy] when no connection came free in time. A read inside
// a read takes a second connection and should be avoided.
func (db *DB) Read(ctx context.Context, fn func(r *Reader) error) error {
	l := db.pool.newLoan(ctx)
	for {
		again, err := db.readOnce(&l, fn)
		if !again {
			return err
		}
		if err := db.pool.await(&l); err != nil {
			return err
		}
	}
}

// readOnce lends a Reader to fn, once. again tells that fn has to be run again.
func (db *DB) readOnce(l *loan, fn func(r *Reader) error) (again bool, err error) {
	r, err := db.pool.acquire(l)
	if err != nil {
		return false, err
	}
	defer db.pool.release(r)
	r.refresh(db.gate.number.Load())
	err = db.gate.read(func() error { return fn(r) }, r.rerun)
	if r.postponed {
		l.kind, l.after = r.loan.kind, r.loan.after
		return true, nil
	}
	if err != nil {
		return false, r.explain(err)
	}
	return false, nil
}

// rerun prepares for a second run, which a change of the schema waits for.
func (r *Reader) rerun() {
	r.restart()
	r.gated = true
}

// explain marks an error that our interrupt caused.
func (r *Reader) explain(err error) error {
	if !r.stop.Load() || errors.Is(err, ErrInterrupted) || !isCode(err, zsqlite.ResultInterrupt) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, err)
}

// Pin begins a snapshot: called from [Options.Committing] it is the state before the group that is being committed. It waits for one
// of a few connections kept for this. ctx bounds the life of the snapshot; the read limit does so in any case. release must be called once, after the last use.
//
// The gate does not cover it: a pinned Reader keeps the tables as they were, so it goes with the catalogue of that moment.
func (db *DB) Pin(ctx context.Context) (r *Reader, release func(), err error) {
	r, err = db.pool.acquirePinned(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err = r.Snapshot(); err == nil {
		var s *zsqlite.Stmt
		if s, err = r.Prepare("SELECT 1 FROM sqlite_schema LIMIT 1"); err == nil {
			_, err = s.Step() // the snapshot begins with the first read
		}
	}
	if err != nil {
		db.pool.releasePinned(r)
		return nil, nil, fmt.Errorf("pin: %w", err)
	}
	r.conn.cache.giveBack()
	return r, func() { db.pool.releasePinned(r) }, nil
}
