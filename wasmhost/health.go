package wasmhost

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// health counts the calls of one hook or route of one version, and suspends it while they keep failing: what a stranger can make fail must
// not switch off what judges others. Safe for concurrent use.
type health struct {
	what                      string   // for logs and answers: the event, or method and path
	lines                     logLimit // of calls that failed
	calls, rejected, failures atomic.Uint64
	busy                      atomic.Uint64
	total                     atomic.Int64    // nanoseconds
	row                       [2]atomic.Int32 // failing calls since the last good one, on the way in and out
	until                     atomic.Int64    // when the suspension ends, 0 without one

	mu    sync.Mutex
	pause time.Duration // the last suspension's length, until calls are good again
	last  string
	at    time.Time
}

// CallStats are counters of calls since the version was loaded.
type CallStats struct {
	// Calls are all that ran; Failures of them faulted or ran out of time, Rejected were answered with no. A call for which no instance could be
	// made is a failure.
	Calls, Failures, Rejected uint64
	// Busy are those that got no instance in time and did not run.
	Busy uint64
	// Total is the time of all calls, host calls included.
	Total time.Duration
	// LastError is the last failure's text, LastErrorAt its time.
	LastError   string
	LastErrorAt time.Time
	// Suspended is for how much longer it is not called. A call that fails before the suspension is over begins a longer one.
	Suspended time.Duration
}

// Stats are counters of one version of an extension since it was loaded.
type Stats struct {
	// CallStats are the sums of all hooks and routes, the last error of all, and the longest suspension.
	CallStats
	// Hooks and Routes are those of each, at the positions of [Extension.Hooks] and [Extension.Routes].
	Hooks, Routes []CallStats
	// Instances exist now, Idle of them wait for a call.
	Instances, Idle int
}

// SuspendedError is [ErrSuspended] with who it is.
type SuspendedError struct {
	// Extension is its name, What the event of the hook, or method and path of the route.
	Extension, What string
	// For is for how much longer.
	For time.Duration
}

// Error names who is suspended, for the log.
func (e *SuspendedError) Error() string {
	return fmt.Sprintf("%v: %s of %s, for %v", ErrSuspended, e.What, e.Extension, e.For.Round(time.Millisecond))
}

// Unwrap returns [ErrSuspended].
func (e *SuspendedError) Unwrap() error { return ErrSuspended }

// watchHealth makes a record of health for each hook and route of the description.
func (x *Extension) watchHealth() {
	x.hookHealth, x.routeHealth = make([]health, len(x.hooks)), make([]health, len(x.routes))
	for i := range x.hooks {
		x.hookHealth[i].what = x.hooks[i].Event
	}
	for i, r := range x.routes {
		x.routeHealth[i].what = "route " + r.Path
		if r.Method != "" {
			x.routeHealth[i].what = "route " + r.Method + " " + r.Path
		}
	}
}

// healthOf is that of what j calls.
func (x *Extension) healthOf(j job) *health {
	if j.op == opRoute {
		return &x.routeHealth[j.index]
	}
	return &x.hookHealth[j.index]
}

// Stats returns the counters as they are now.
func (x *Extension) Stats() Stats {
	var s Stats
	s.Hooks, s.Routes = s.gather(x, x.hookHealth), s.gather(x, x.routeHealth)
	x.pool.mu.Lock()
	s.Instances, s.Idle = len(x.pool.all), len(x.pool.idle)
	x.pool.mu.Unlock()
	return s
}

// gather returns the counters of each and adds them to the sums.
func (s *Stats) gather(x *Extension, list []health) []CallStats {
	out := make([]CallStats, len(list))
	for i := range list {
		one := list[i].stats(x.manager.now())
		out[i] = one
		s.Calls += one.Calls
		s.Failures += one.Failures
		s.Rejected += one.Rejected
		s.Busy += one.Busy
		s.Total += one.Total
		s.Suspended = max(s.Suspended, one.Suspended)
		if one.LastErrorAt.After(s.LastErrorAt) {
			s.LastError, s.LastErrorAt = one.LastError, one.LastErrorAt
		}
	}
	return out
}

func (h *health) stats(now int64) CallStats {
	s := CallStats{Calls: h.calls.Load(), Failures: h.failures.Load(), Rejected: h.rejected.Load(), Busy: h.busy.Load(), Total: time.Duration(h.total.Load())}
	h.mu.Lock()
	s.LastError, s.LastErrorAt = h.last, h.at
	h.mu.Unlock()
	s.Suspended = h.suspended(now)
	return s
}

// suspended is for how much longer nobody is admitted.
func (h *health) suspended(now int64) time.Duration {
	if until := h.until.Load(); until != 0 {
		return max(0, time.Duration(until-now))
	}
	return 0
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

// The ways of a call, see [job.way].
const (
	wayIn = iota
	wayOut
	wayAgain
)

// way is the direction of a call: what goes wrong on the way out is not made good by the way in, which comes before it each time. A call that is made again
// says nothing of others.
func (j job) way() int {
	switch {
	case j.call != nil && j.call.Again:
		return wayAgain
	case j.op == opAfter:
		return wayOut
	}
	return wayIn
}

// good ends a row of failures, and with a trial the suspension. The next one is as short as the first only when calls are good both ways.
func (h *health) good(trial bool, way int) {
	if way == wayAgain {
		return
	}
	failed := h.row[way].Load() != 0
	if failed {
		h.row[way].Store(0)
	}
	if !trial && !failed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.row[wayIn].Load() == 0 && h.row[wayOut].Load() == 0 {
		h.pause = 0
	}
	if trial {
		h.until.Store(0)
	}
}

// undecided is for a trial that says nothing about the guest: the next call is one.
func (h *health) undecided(trial bool, now int64) {
	if trial {
		h.until.Store(max(now, 1))
	}
}

// failed counts a failure that the guest is to blame for, and suspends it after too many in a row, or after a trial for twice as long.
func (h *health) failed(trial bool, way int, now int64, err error, log *slog.Logger) {
	if way == wayAgain {
		return
	}
	row := h.row[way].Add(1)
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
	log.Error("extension: suspended, because its calls keep failing", "what", h.what, "for", h.pause, "failures", row, "error", err)
}

// note keeps err for [Extension.Stats].
func (h *health) note(err error) {
	h.mu.Lock()
	h.last, h.at = cut(err.Error(), maxMessage), time.Now()
	h.mu.Unlock()
}
