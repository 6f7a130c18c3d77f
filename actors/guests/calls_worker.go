package guests

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

const (
	// maxCallsAtOnce is how many calls are made again at once, each of another hook: they take nothing from requests but that.
	maxCallsAtOnce = 4
	// firstPause is how long a call waits for its second attempt; each pause is twice as long as the one before, up to mostPause.
	firstPause, mostPause = time.Second, time.Hour
	// maxAttempts is how often a call is tried before it is given up: for half a day, so that somebody who sleeps can mend the extension.
	maxAttempts = 24
	// busyPause is how long a hook is left alone that was busy, or could not be called for another reason that is not a failure of it.
	busyPause = time.Second
	// restFactor is how much longer a hook is left alone after a failure than that took: what keeps looping takes a quarter of a core.
	restFactor = 3
	// stopGrace is how long closing waits for calls that are being made.
	stopGrace = 5 * time.Second
)

// never is when a lane is due whose hook is not loaded: when it is, the lane is looked at again.
var never = time.Unix(math.MaxInt32, 0)

// pause is how long a call waits after that many attempts.
func pause(attempts int) time.Duration {
	if attempts > 12 {
		return mostPause
	}
	return min(firstPause<<max(attempts-1, 0), mostPause)
}

// errHopeless is an error that no other attempt mends.
var errHopeless = errors.New("the call cannot be made")

// start reads what is kept and begins to make it.
func (q *Calls) start(ctx context.Context) error {
	if err := q.load(ctx); err != nil {
		return err
	}
	ctx, q.cancel = context.WithCancel(context.Background())
	q.done = make(chan struct{})
	routine.Go(func() {
		defer close(q.done)
		for ctx.Err() == nil {
			err := routine.Guard(func() error { q.run(ctx); return nil })
			if err != nil {
				q.log.Error("extension: make calls again", "error", err)
			}
		}
	}, func(p *routine.Panic) {
		q.log.Error("extension: make calls again", "error", p, "stack", string(p.Stack))
	})
	return nil
}

// stop ends what start began. Calls that are being made come to their end, within bounds.
func (q *Calls) stop() {
	if q.cancel == nil {
		return
	}
	q.cancel()
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
		q.log.Error("extension: a call is still being made; it is made again at the next start")
	}
}

// wake makes run look. It does not block.
func (q *Calls) wake() {
	select {
	case q.woken <- struct{}{}:
	default:
	}
}

// loaded says which hooks there are now. What waits for a hook that has another version is due at once: it may be mended.
func (q *Calls) loaded(set []*wasmhost.Extension) {
	hooks := make(map[hookKey]hookAt)
	for _, x := range set {
		for i, key := range hookKeys(x) {
			hooks[key] = hookAt{x, i}
		}
	}
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for key, l := range q.lanes {
		if hooks[key].x == q.hooks[key].x && hooks[key].x != nil {
			continue
		}
		l.until = time.Time{}
		var all []*keptCall
		for _, line := range l.lines {
			all = append(all, line...)
		}
		for _, c := range all {
			if !c.running && c.next.After(now) {
				c.next = now
				l.settle(c.about)
			}
		}
	}
	q.hooks = hooks
	q.wake()
}

// run makes calls as they are due, until ctx ends, and waits for those that it began.
func (q *Calls) run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for ctx.Err() == nil {
			c, on, ok := q.next()
			if !ok {
				break
			}
			routine.In(&running, func() { q.attempt(ctx, c, on) }, func(p *routine.Panic) {
				q.log.Error("extension: make a call again", "extension", c.key.extension, "id", c.id, "error", p, "stack", string(p.Stack))
			})
		}
		timer.Reset(q.wait())
		select {
		case <-ctx.Done():
			return
		case <-q.woken:
		case <-timer.C:
		}
	}
}

// next takes the call that is to be made now; ok is false when none is.
func (q *Calls) next() (c *keptCall, on hookAt, ok bool) {
	now := q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.slots > 0 {
		var first *lane
		var key hookKey
		var when time.Time
		for k, l := range q.lanes {
			if at, ok := l.due(); ok && !at.After(now) && (first == nil || at.Before(when)) {
				first, key, when = l, k, at
			}
		}
		if first == nil {
			return nil, on, false
		}
		if on, ok = q.hooks[key]; !ok {
			first.until = never
			continue
		}
		c = heap.Pop(&first.heads).(*keptCall)
		c.running, first.busy = true, true
		q.slots--
		return c, on, true
	}
	return nil, on, false
}

// wait is how long there is nothing to do.
func (q *Calls) wait() time.Duration {
	now, least := q.now(), mostPause
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.slots == 0 {
		return least // who ends wakes
	}
	for _, l := range q.lanes {
		if at, ok := l.due(); ok {
			least = min(least, max(at.Sub(now), time.Millisecond))
		}
	}
	return least
}

// verdict is what an attempt came to.
type verdict struct {
	made bool
	// state and next are what becomes of a call that was not made, until is how long its hook is left alone.
	state calls.State
	next  time.Time
	until time.Time
}

// attempt makes a call, and takes it out of the data file if it came to its end.
func (q *Calls) attempt(ctx context.Context, c *keptCall, on hookAt) {
	v := verdict{state: calls.Waiting, next: q.now().Add(mostPause)} // of a panic
	defer func() { q.conclude(c, v) }()
	v = q.judged(ctx, c, on)
}

// judged makes a call.
func (q *Calls) judged(ctx context.Context, c *keptCall, on hookAt) verdict {
	if c.made {
		return q.remove(c)
	}
	h, err := q.Get(ctx, c.id)
	switch {
	case errors.Is(err, calls.ErrNotFound):
		return verdict{made: true} // somebody took it away
	case err != nil && ctx.Err() != nil:
		return verdict{state: calls.Waiting, next: c.next}
	case err != nil:
		q.log.Error("extension: read a call", "extension", c.key.extension, "id", c.id, "error", err)
		return verdict{state: calls.Waiting, next: c.next, until: q.now().Add(busyPause)}
	}
	begun := q.now()
	if err = h.Unreadable; err != nil {
		err = fmt.Errorf("%w: %w", errHopeless, err)
	} else {
		err = q.call(ctx, on, h)
	}
	no := answered(err)
	switch {
	case err == nil:
		return q.remove(c)
	case no != nil:
		q.log.Info("extension: a rejection after the outcome changes nothing", "extension", h.Extension, "event", h.Event, "message", no.Error())
		return q.remove(c)
	case ctx.Err() != nil, !attempted(err):
		return verdict{state: calls.Waiting, next: c.next, until: q.now().Add(busyPause)}
	}
	v := q.failed(h, err)
	now := q.now()
	v.until = now.Add(restFactor * now.Sub(begun))
	return v
}

// attempted tells whether a call that did not come to its end has begun, so that it counts.
func attempted(err error) bool {
	return !errors.Is(err, wasmhost.ErrSuspended) && !errors.Is(err, wasmhost.ErrBusy) && !errors.Is(err, wasmhost.ErrClosed)
}

// failed notes an attempt that failed.
func (q *Calls) failed(h *calls.Header, err error) verdict {
	h.Attempts++
	h.Next, h.Error, h.State = q.now().Add(pause(h.Attempts)), err.Error(), calls.Waiting
	if h.Attempts >= maxAttempts || errors.Is(err, errHopeless) {
		h.State = calls.GivenUp
		q.log.Error("extension: a call after a commit is given up; a superuser can replay it", "extension", h.Extension, "event", h.Event, "id", h.ID,
			"record", h.Record, "attempts", h.Attempts, "error", err)
	}
	if err := q.write(func(tx *sqlite.Tx) error { return calls.Update(tx, &h.Call) }); err != nil {
		q.log.Error("extension: note an attempt of a call", "extension", h.Extension, "id", h.ID, "error", err)
	}
	return verdict{state: h.State, next: h.Next}
}

// remove takes a call that was made out of the data file. Where that fails, it is done later, and the call is not made again, unless the server ends before.
func (q *Calls) remove(c *keptCall) verdict {
	if err := q.write(func(tx *sqlite.Tx) error { return calls.Remove(tx, c.id) }); err != nil {
		q.log.Error("extension: take away a call that was made", "extension", c.key.extension, "id", c.id, "error", err)
		c.made = true
		return verdict{state: calls.Waiting, next: q.now().Add(keepTimeout)}
	}
	return verdict{made: true}
}

// write does a unit of work, also while the server closes.
func (q *Calls) write(fn func(tx *sqlite.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), keepTimeout)
	defer cancel()
	return q.db.Do(ctx, sqlite.WorkFunc(fn))
}

// conclude makes room for the next call of the hook.
func (q *Calls) conclude(c *keptCall, v verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slots++
	c.running = false
	l := q.lanes[c.key]
	l.busy = false
	if v.until.After(l.until) {
		l.until = v.until
	}
	switch {
	case v.made || c.gone:
		q.forget(c)
	default:
		q.move(c, v.state, v.next)
	}
	q.wake()
}
