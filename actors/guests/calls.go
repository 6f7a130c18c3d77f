package guests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// How much is kept of calls that could not be made. What is beyond is lost, and said to be: the log has it, and [CallTotals] counts it.
const (
	// maxCallsEach and maxCallBytesEach are those of one extension, so that one that is broken leaves room for others: a day of a call every nine
	// seconds.
	maxCallsEach, maxCallBytesEach = 10_000, 32 << 20
	// maxCalls and maxCallBytes are those of all. What is in memory of a call is a few hundred bytes.
	maxCalls, maxCallBytes = 30_000, 128 << 20
	// keepTimeout is how long whoever wrote waits until a call is kept.
	keepTimeout = 10 * time.Second
	// maxLoggedRecord is how many bytes of its record the log has of a call that is lost.
	maxLoggedRecord = 8 << 10
	// loadStep is how many calls are read at once when the server starts.
	loadStep = 1000
)

// errCallsFull says that there is no room for a call that is to be kept.
var errCallsFull = errors.New("too many calls of the extension, or too many bytes of them, are kept already")

// errBehind says that a call waits because an earlier one for the same record does.
var errBehind = errors.New("an earlier call for the record waits")

// Calls are the calls of success hooks that could not be made, or did not come to their end: kept in the data file, and made again until they do. So
// such a call runs at least once. It is safe for concurrent use.
type Calls struct {
	log *slog.Logger
	db  *sqlite.DB
	now func() time.Time
	// call makes a call again. Its error is that of [wasmhost.Extension.Before], or one that no other attempt would mend, as [errHopeless].
	call func(ctx context.Context, on hookAt, c *calls.Header) error

	bounds  callBounds
	waiting atomic.Int64 // so that nobody takes the lock while there is nothing
	woken   chan struct{}
	cancel  context.CancelFunc
	done    chan struct{}

	mu    sync.Mutex
	kept  map[string]*keptCall
	lanes map[hookKey]*lane
	sums  map[string]*CallTotals
	bytes int
	hooks map[hookKey]hookAt // that are loaded now
	slots int                // calls that may begin now
}

// callBounds is how much is kept; tests have less.
type callBounds struct{ callsEach, bytesEach, calls, bytes int }

// hookAt is a hook of a loaded extension.
type hookAt struct {
	x     *wasmhost.Extension
	index int
}

// CallTotals is how many calls are kept of one extension.
type CallTotals struct {
	Extension string `json:"extension"`
	// Waiting are tried again, GivenUp only when somebody asks for it. Bytes is what all of them take.
	Waiting int `json:"waiting"`
	GivenUp int `json:"givenUp"`
	Bytes   int `json:"bytes"`
	// Lost is how many could not be kept since the server started. The log has each.
	Lost int `json:"lost"`
}

func newCalls(log *slog.Logger, db *sqlite.DB) *Calls {
	return &Calls{
		log: log, db: db, now: time.Now, woken: make(chan struct{}, 1), kept: make(map[string]*keptCall), lanes: make(map[hookKey]*lane),
		sums: make(map[string]*CallTotals), slots: maxCallsAtOnce, bounds: callBounds{maxCallsEach, maxCallBytesEach, maxCalls, maxCallBytes},
	}
}

// load reads what is kept in the data file.
func (q *Calls) load(ctx context.Context) error {
	for after := int64(0); ; {
		var list []calls.Header
		err := q.db.Read(ctx, func(r *sqlite.Reader) (err error) {
			list, err = calls.Headers(r, after, loadStep)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the calls that wait: %w", err)
		}
		q.mu.Lock()
		for i := range list {
			h := &list[i]
			if after = h.Number; h.Unreadable != nil {
				h.State = calls.GivenUp // [Calls.List] says what is wrong with it
			}
			q.add(h, h.Bytes())
		}
		q.mu.Unlock()
		if len(list) < loadStep {
			return nil
		}
	}
}

// add takes a call that is in the data file into account; the caller holds the lock.
func (q *Calls) add(h *calls.Header, bytes int) {
	if q.kept[h.ID] != nil {
		return
	}
	c := &keptCall{
		id: h.ID, number: h.Number, key: hookKey{h.Extension, h.Hook}, about: subject{h.Collection, h.Record}, bytes: bytes,
		state: h.State, next: h.Next, at: -1,
	}
	q.kept[c.id] = c
	q.count(c, 1)
	if c.state == calls.Waiting {
		q.lane(c.key).join(c)
	}
}

// forget is for a call that is not in the data file any more; the caller holds the lock.
func (q *Calls) forget(c *keptCall) {
	if q.kept[c.id] != c {
		return
	}
	delete(q.kept, c.id)
	q.unline(c)
	q.count(c, -1)
	q.tidy(c.key)
}

// move gives a call another state; the caller holds the lock.
func (q *Calls) move(c *keptCall, to calls.State, next time.Time) {
	q.count(c, -1)
	q.unline(c)
	c.state, c.next = to, next
	q.count(c, 1)
	if to == calls.Waiting {
		q.lane(c.key).join(c)
	}
	q.tidy(c.key)
}

// unline takes a call out of its lane.
func (q *Calls) unline(c *keptCall) {
	if l := q.lanes[c.key]; l != nil && c.state == calls.Waiting {
		l.leave(c)
	}
}

// tidy takes a lane away that nothing is in.
func (q *Calls) tidy(key hookKey) {
	if l := q.lanes[key]; l != nil && len(l.lines) == 0 && !l.busy {
		delete(q.lanes, key)
	}
}

func (q *Calls) lane(key hookKey) *lane {
	l := q.lanes[key]
	if l == nil {
		l = &lane{lines: make(map[subject][]*keptCall)}
		q.lanes[key] = l
	}
	return l
}

func (q *Calls) sum(extension string) *CallTotals {
	s := q.sums[extension]
	if s == nil {
		s = &CallTotals{Extension: extension}
		q.sums[extension] = s
	}
	return s
}

// count adds one call, or takes it away.
func (q *Calls) count(c *keptCall, n int) {
	s := q.sum(c.key.extension)
	if c.state == calls.Waiting {
		s.Waiting += n
		q.waiting.Add(int64(n))
	} else {
		s.GivenUp += n
	}
	s.Bytes += n * c.bytes
	q.bytes += n * c.bytes
	if *s == (CallTotals{Extension: s.Extension}) {
		delete(q.sums, s.Extension)
	}
}

// waits tells whether an earlier call of the hook for the record is still to be made.
func (q *Calls) waits(key hookKey, about subject) bool {
	if q.waiting.Load() == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	return l != nil && len(l.lines[about]) > 0
}

// fits tells whether there is room for a call; the caller holds the lock.
func (q *Calls) fits(extension string, bytes int) bool {
	each := CallTotals{}
	if s := q.sums[extension]; s != nil {
		each = *s
	}
	b := q.bounds
	return len(q.kept) < b.calls && q.bytes+bytes <= b.bytes && each.Waiting+each.GivenUp < b.callsEach && each.Bytes+bytes <= b.bytesEach
}

// keep writes a call down, to be made again. It returns once that is on disk; where it cannot be done, the log has what is needed to do by hand what the
// call would have done. It must not be called by who holds the Writer.
func (q *Calls) keep(ctx context.Context, c *calls.Call) {
	err := q.insert(context.WithoutCancel(ctx), c)
	if err == nil {
		q.wake()
		return
	}
	q.mu.Lock()
	q.sum(c.Extension).Lost++
	q.mu.Unlock()
	asker := calls.Asker{}
	if c.Asker != nil {
		asker = *c.Asker
	}
	data := c.Data
	if len(data) > maxLoggedRecord {
		data = data[:maxLoggedRecord]
	}
	q.log.Error("extension: a call after a commit is lost: it was not made to its end, and could not be kept", "extension", c.Extension, "event", c.Event,
		"hook", c.Hook, "id", c.ID, "collection", c.Collection, "record", c.Record, "data", string(data), "method", asker.Method, "path", asker.Path, "ip", asker.IP,
		"auth_collection", asker.Collection, "auth", asker.Record, "superuser", asker.Superuser, "failed", c.Error, "error", err)
}

// insert writes a call.
func (q *Calls) insert(ctx context.Context, c *calls.Call) error {
	bytes := c.Bytes()
	q.mu.Lock()
	ok := q.fits(c.Extension, bytes)
	q.mu.Unlock()
	if !ok {
		return errCallsFull
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	err := q.db.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error { return calls.Insert(tx, c) }))
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if first := q.sums[c.Extension] == nil || q.sums[c.Extension].Waiting == 0; first {
		q.log.Warn("extension: a call after a commit was not made to its end; such calls are kept and made again", "extension", c.Extension, "event", c.Event,
			"record", c.Record, "error", c.Error)
	}
	q.add(&calls.Header{Call: *c}, bytes)
	return nil
}

// Totals returns how many calls are kept of each extension that has any, by name.
func (q *Calls) Totals() map[string]CallTotals {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make(map[string]CallTotals, len(q.sums))
	for name, s := range q.sums {
		out[name] = *s
	}
	return out
}

// List returns the calls that are kept, in order, and how many there are in all.
func (q *Calls) List(ctx context.Context, w calls.Wanted) (list []calls.Header, total int, err error) {
	err = q.db.Read(ctx, func(r *sqlite.Reader) (err error) {
		list, total, err = calls.List(r, w)
		return err
	})
	return list, total, err
}

// Get returns one call with its record. It fails with calls.ErrNotFound.
func (q *Calls) Get(ctx context.Context, id string) (h *calls.Header, err error) {
	err = q.db.Read(ctx, func(r *sqlite.Reader) (err error) {
		h, err = calls.Get(r, id)
		return err
	})
	return h, err
}

// Replay makes a call due now, as if it had not been tried. It returns before the call is made, and fails with calls.ErrNotFound.
func (q *Calls) Replay(ctx context.Context, id string) error {
	h, err := q.Get(ctx, id)
	if err != nil {
		return err
	}
	h.Attempts, h.Next, h.State = 0, q.now(), calls.Waiting
	err = q.db.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error { return calls.Update(tx, &h.Call) }))
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.again(q.kept[id], h.Next)
	q.wake()
	return nil
}

// ReplayAll is [Calls.Replay] for all calls of an extension. It returns how many these are.
func (q *Calls) ReplayAll(ctx context.Context, extension string) (n int, err error) {
	now := q.now()
	err = q.db.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error { return calls.ReplayAll(tx, extension, now) }))
	if err != nil {
		return 0, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range q.kept {
		if c.key.extension == extension {
			n++
			q.again(c, now)
		}
	}
	q.wake()
	return n, nil
}

// again makes a call due; the caller holds the lock. One that runs now is being made.
func (q *Calls) again(c *keptCall, now time.Time) {
	if c != nil && !c.running {
		q.move(c, calls.Waiting, now)
	}
}

// Discard takes a call away without making it. One that is being made comes to its end. It fails with calls.ErrNotFound.
func (q *Calls) Discard(ctx context.Context, id string) error {
	if _, err := q.Get(ctx, id); err != nil {
		return err
	}
	if err := q.db.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error { return calls.Remove(tx, id) })); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if c := q.kept[id]; c != nil {
		if c.gone = true; !c.running {
			q.forget(c)
		}
	}
	return nil
}
