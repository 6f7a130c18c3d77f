package sqlite

import (
	"time"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// watchSteps has tick called while statements run. The function that SQLite is given is kept in r: it is a pointer that Go's collector
// does not see there.
func (r *Reader) watchSteps() {
	r.handler = func(*libc.TLS, uintptr) int32 {
		if r.tick() {
			return 0
		}
		return 1 // ends the statement
	}
	lib.Xsqlite3_progress_handler(r.conn.tls, r.conn.db, tickSteps, functionPointer(r.handler), 0)
}

// functionPointer is a function as translated C code holds it: the pointer to what Go calls a func value.
func functionPointer(f func(*libc.TLS, uintptr) int32) uintptr {
	return *(*uintptr)(unsafe.Pointer(&struct {
		f func(*libc.TLS, uintptr) int32
	}{f}))
}

// tick looks after a read from inside of it, on its own goroutine: see longreads.go. False ends the statement.
func (r *Reader) tick() bool {
	if r.stop.Load() {
		return false
	}
	kind := place(r.place.Load())
	if kind == pin {
		return true
	}
	now := r.pool.now()
	r.ticks++
	r.ticked.Store(int64(now))
	if !r.slow && r.ticks >= slowTicks && now-r.since > longRead {
		r.slow = true
	}
	switch {
	case kind != long:
		if !r.slow || kind == apart && r.exempt() {
			return true
		}
		return r.pool.lengthen(r)
	case !r.running.Load() || now-r.slice > timeSlice || r.pool.crowded(now):
		return r.pool.yield(r)
	}
	return true
}

// crowded reports whether more long reads run than should beside short ones.
func (p *pool) crowded(now time.Duration) bool {
	return int(p.onCPU.Load()) > p.limits.steady && now-time.Duration(p.active.Load()) <= calm
}

// exempt reports whether the read is not paused.
func (r *Reader) exempt() bool { return r.loan.client == "" || r.gated }

// learn remembers, when a loan ends, which of its statements took long. Steps are compared and not time, so that the others of the loan
// are not blamed.
func (r *Reader) learn() {
	if r.ticks == 0 && !r.knownSlow {
		return
	}
	var heaviest *statement
	most := int32(slowTicks * tickSteps)
	for _, s := range r.conn.cache.used {
		if n := r.conn.stepsOf(s); n >= most {
			heaviest, most = s, n
		}
	}
	for _, s := range r.conn.cache.used {
		switch {
		case r.slow && s == heaviest:
			r.pool.slow.raise(s.hash)
		case r.knownSlow && !r.postponed:
			r.pool.slow.lower(s.hash)
		}
	}
}

// stepsOf is how many steps a statement has taken since it was first used in a loan.
func (c *connection) stepsOf(s *statement) int32 {
	return lib.Xsqlite3_stmt_status(c.tls, s.handle, lib.SQLITE_STMTSTATUS_VM_STEP, 0)
}

func (c *connection) forgetSteps(s *statement) {
	lib.Xsqlite3_stmt_status(c.tls, s.handle, lib.SQLITE_STMTSTATUS_VM_STEP, 1)
}

// bytesOf is what SQLite has allocated for a statement.
func (c *connection) bytesOf(s *statement) int64 {
	return int64(lib.Xsqlite3_stmt_status(c.tls, s.handle, lib.SQLITE_STMTSTATUS_MEMUSED, 0))
}
