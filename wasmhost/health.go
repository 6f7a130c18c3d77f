package wasmhost

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// health counts the calls of one version, and suspends it while they keep failing. Safe for concurrent use.
type health struct {
	calls, rejected, failures atomic.Uint64
	busy                      atomic.Uint64
	total                     atomic.Int64 // nanoseconds
	row                       atomic.Int32 // failing calls since the last good one
	until                     atomic.Int64 // when the suspension ends, 0 without one

	mu    sync.Mutex
	pause time.Duration // the current suspension's length
	last  string
	at    time.Time
}

// Stats are counters of one version of an extension since it was loaded.
type Stats struct {
	// Calls are all that ran; Failures of them faulted or ran out of time, Rejected were answered with no.
	Calls, Failures, Rejected uint64
	// Busy are those that got no instance in time and did not run.
	Busy uint64
	// Total is the time of all calls, host calls included.
	Total time.Duration
	// LastError is the last failure's text, LastErrorAt its time.
	LastError   string
	LastErrorAt time.Time
	// Suspended is for how much longer the extension is not called.
	Suspended time.Duration
	// Instances exist now, Idle of them wait for a call.
	Instances, Idle int
}

// Stats returns the counters as they are now.
func (x *Extension) Stats() Stats {
	h := &x.health
	s := Stats{Calls: h.calls.Load(), Failures: h.failures.Load(), Rejected: h.rejected.Load(), Busy: h.busy.Load(), Total: time.Duration(h.total.Load())}
	h.mu.Lock()
	s.LastError, s.LastErrorAt = h.last, h.at
	h.mu.Unlock()
	if until := h.until.Load(); until != 0 {
		s.Suspended = max(0, time.Duration(until-x.manager.now()))
	}
	x.pool.mu.Lock()
	s.Instances, s.Idle = len(x.pool.all), len(x.pool.idle)
	x.pool.mu.Unlock()
	return s
}

// admit reports whether a call may run. When a suspension is over one call, the trial, may run, and the others are refused until it has ended;
// lease is how long it may take.
func (h *health) admit(now int64, lease time.Duration) (ok, trial bool) {
	until := h.until.Load()
	if until == 0 {
		return true, false
	}
	trial = now >= until && h.until.CompareAndSwap(until, now+int64(lease))
	return trial, trial
}

// good ends a row of failures, and with a trial the suspension.
func (h *health) good(trial bool) {
	if h.row.Load() != 0 {
		h.row.Store(0)
	}
	if trial {
		h.mu.Lock()
		h.pause = 0
		h.until.Store(0)
		h.mu.Unlock()
	}
}

// undecided is for a trial that says nothing about the module: the next call is one.
func (h *health) undecided(trial bool, now int64) {
	if trial {
		h.until.Store(max(now, 1))
	}
}

// failed counts a failure that the module is to blame for, and suspends it after too many in a row, or after a trial for twice as long.
func (h *health) failed(trial bool, now int64, err error, log *slog.Logger) {
	row := h.row.Add(1)
	if row < failuresInARow && !trial {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.until.Load() != 0 && !trial {
		return // it was under way when others had it suspended
	}
	h.pause = min(max(2*h.pause, suspendFirst), suspendMost)
	h.until.Store(now + int64(h.pause))
	log.Error("extension: suspended, because its calls keep failing", "for", h.pause, "failures", row, "error", err)
}

// note keeps err for [Extension.Stats].
func (h *health) note(err error) {
	h.mu.Lock()
	h.last, h.at = cut(err.Error(), maxMessage), time.Now()
	h.mu.Unlock()
}
