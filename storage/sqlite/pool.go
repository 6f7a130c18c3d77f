package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/libc"

	"github.com/troupebase/troupe/storage/budget"
)

// pool lends Readers. As many short reads run at once as there are cores, since more only get in one another's way; a read that turns out
// long leaves its place to them and goes on among the few long ones (longreads.go). Those who wait are served in turn, client by
// client. Safe for concurrent use.
type pool struct {
	db         *DB
	limits     limits
	limit      time.Duration
	epoch      time.Time
	slow       slowTexts
	statements statementRoom
	wake       chan struct{} // starts the watchdog
	quit       chan struct{}
	pins       chan struct{} // a token for each pinned connection that may be lent
	active     atomic.Int64  // when the last short read began, as of now
	onCPU      atomic.Int32  // long reads that run; changed under the lock

	mu       sync.Mutex
	free     []*Reader // the most recently used last
	open     int       // Readers that exist or are being opened
	lent     []*Reader
	pinned   []*Reader // idle ones of Pin
	taken    [places]int
	longOf   map[string]int // long places taken, by client
	waiting  [places]fairQueue[*waiter]
	paused   fairQueue[*Reader] // long reads that wait to go on
	others   int                // reads that wait for what another one works out
	watching bool
	closed   bool
	tls      *libc.TLS // the watchdog's
	pages    pages
}

// place is what a lent Reader counts as.
type place int32

const (
	short  place = iota // holds one of the places for short reads
	long                // holds one of those for long reads
	apart               // a long one of the server itself, or one that does something else than to read
	places              // how many kinds are counted
	pin    place = -1   // a pinned snapshot
)

// limits are how many Readers of each kind may be lent.
type limits struct {
	of        [places]int
	perClient int // long ones of one client
	steady    int // long ones that run at once beside short ones
	cores     int // long ones that run at once while there is nothing else to do
}

func newLimits(cores int) limits {
	n := max(minLong, cores)
	return limits{of: [places]int{short: cores, long: n, apart: maxApart}, perClient: n / 2, steady: max(1, cores/2), cores: cores}
}

// readers is how many Readers there can be.
func (l *limits) readers() int { return l.of[short] + l.of[long] + l.of[apart] }

// loan is one call of [DB.Read].
type loan struct {
	ctx      context.Context
	client   string // "" is the server itself
	deadline time.Time
	kind     place           // short, or long once it is known to be
	after    <-chan struct{} // what it waits for before it begins again, nil for nothing
}

// waiter is a read that waits for its turn.
type waiter struct {
	loan loan
	turn chan turn // holds one
}

// turn is what a waiter gets: a Reader, or leave to open one, or an error.
type turn struct {
	reader *Reader
	err    error
}

func newPool(db *DB, cores int) *pool {
	p := &pool{
		db: db, limits: newLimits(cores), limit: db.options.ReadLimit, epoch: time.Now(), longOf: make(map[string]int),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), pins: make(chan struct{}, maxPinned),
		tls: libc.NewTLS(),
	}
	p.slow.init()
	p.pages = newPages(p.tls)
	for range maxPinned {
		p.pins <- struct{}{}
	}
	return p
}

// now is the time since the pool was made, on a clock that never goes back.
func (p *pool) now() time.Duration { return time.Since(p.epoch) }

func (p *pool) newLoan(ctx context.Context) loan {
	return loan{ctx: ctx, client: budget.ClientOf(ctx), deadline: p.deadline(ctx, time.Now())}
}

func (p *pool) deadline(ctx context.Context, now time.Time) time.Time {
	deadline := now.Add(p.limit)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		return d
	}
	return deadline
}

// acquire lends a Reader for a read, until release.
func (p *pool) acquire(l *loan) (*Reader, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if p.waiting[l.kind].of(l.client) > 0 || !p.room(l.kind, l.client) {
		return p.wait(l)
	}
	p.take(l.kind, l.client)
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		p.lend(r, l)
		return p.begin(r)
	}
	p.open++
	p.mu.Unlock()
	return p.openCounted(l)
}

// begin lets a read begin to which r was lent. It is entered with the lock held and leaves without.
func (p *pool) begin(r *Reader) (*Reader, error) {
	if r.loan.kind != long {
		p.mu.Unlock()
		return r, nil
	}
	if err := p.hold(r); err != nil {
		p.release(r)
		return nil, err
	}
	return r, nil
}

// room reports whether another read of a kind may begin now; the caller holds the lock.
func (p *pool) room(kind place, client string) bool {
	return (len(p.free) > 0 || p.open < p.limits.readers()) && p.placeFor(kind, client)
}

// placeFor reports whether a client may have another place of a kind; the caller holds the lock.
func (p *pool) placeFor(kind place, client string) bool {
	return p.taken[kind] < p.limits.of[kind] && (kind != long || p.longOf[client] < p.limits.perClient)
}

// take counts a place as taken, leave as left; the caller holds the lock.
func (p *pool) take(kind place, client string) {
	p.taken[kind]++
	if kind == long {
		p.longOf[client]++
	}
}

func (p *pool) leave(kind place, client string) {
	p.taken[kind]--
	if kind != long {
		return
	}
	if p.longOf[client]--; p.longOf[client] == 0 {
		delete(p.longOf, client)
	}
}

// lend hands r out; the caller holds the lock and has taken the place.
func (p *pool) lend(r *Reader, l *loan) {
	now := p.now()
	r.active, r.loan = true, *l
	r.since, r.begun = now, now
	r.ticked.Store(int64(now))
	r.ticks, r.prepared, r.slow, r.postponed, r.gated, r.knownSlow = 0, 0, false, false, false, false
	r.place.Store(int32(l.kind))
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
func (p *pool) openCounted(l *loan) (*Reader, error) {
	r, err := p.openReader()
	p.mu.Lock()
	if err == nil && p.closed {
		err = errors.Join(ErrClosed, r.conn.close())
	}
	if err != nil {
		p.leave(l.kind, l.client)
		p.open--
		p.promote()
		p.mu.Unlock()
		return nil, err
	}
	p.lend(r, l)
	return p.begin(r)
}

func (p *pool) openReader() (*Reader, error) {
	conn, err := connect(p.db.options.Path, p.db.options.Connect, readerPragmas()...)
	if err != nil {
		return nil, err
	}
	if err := conn.keepLog(); err != nil { // that is the Writer's business
		return nil, errors.Join(err, conn.close())
	}
	r := &Reader{conn: conn, pool: p, resume: make(chan struct{}, 1)}
	conn.cache.slow, conn.cache.room = &p.slow, &p.statements
	r.watchSteps()
	return r, nil
}

// wait queues for a turn. It is entered with the lock held and leaves without.
func (p *pool) wait(l *loan) (*Reader, error) {
	q := &p.waiting[l.kind]
	if err := p.roomToWait(q, l); err != nil {
		p.mu.Unlock()
		return nil, err
	}
	w := &waiter{turn: make(chan turn, 1), loan: *l}
	q.push(l.client, w)
	p.watch()
	p.mu.Unlock()
	var t turn
	select {
	case t = <-w.turn:
	case <-l.ctx.Done():
		if p.forget(w) {
			return nil, fmt.Errorf("%w: %w", ErrInterrupted, l.ctx.Err())
		}
		t = <-w.turn
	}
	switch {
	case t.err != nil:
		return nil, t.err
	case t.reader == nil:
		return p.openCounted(l)
	}
	p.mu.Lock()
	return p.begin(t.reader)
}

// roomToWait makes room in a queue for a loan, or refuses it: beyond a number it is the client with the most reads that loses one, so
// that nobody is kept out by others.
func (p *pool) roomToWait(q *fairQueue[*waiter], l *loan) error {
	most, all := maxWaitingClient, maxWaiting
	if l.kind == long {
		most, all = maxLongWaitingClient, maxLongWaiting
	}
	own := q.of(l.client)
	if own >= most && l.client != "" {
		return fmt.Errorf("%w: too many reads of the client wait", ErrBusy)
	}
	if q.n < all {
		return nil
	}
	w, ok := q.removeNewest(own + 1)
	if !ok {
		return fmt.Errorf("%w: too many reads wait", ErrBusy)
	}
	w.turn <- turn{err: fmt.Errorf("%w: too many reads of the client wait", ErrBusy)}
	return nil
}

// forget takes w out of its queue; false means that it has had its turn.
func (p *pool) forget(w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting[w.loan.kind].remove(w.loan.client, w)
}

// promote gives waiting reads their turn while there is room; the caller holds the lock.
func (p *pool) promote() {
	for _, kind := range []place{short, long} {
		q := &p.waiting[kind]
		for q.n > 0 {
			w, ok := q.pop(func(client string) bool { return p.room(kind, client) })
			if !ok {
				break
			}
			p.grant(w)
		}
	}
}

// grant gives w its turn; the caller holds the lock.
func (p *pool) grant(w *waiter) {
	p.take(w.loan.kind, w.loan.client)
	if n := len(p.free); n > 0 {
		r := p.free[n-1]
		p.free = p.free[:n-1]
		p.lend(r, &w.loan)
		w.turn <- turn{reader: r}
		return
	}
	p.open++
	w.turn <- turn{}
}

// release takes r back.
func (p *pool) release(r *Reader) {
	r.learn()
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
	r.active = false
	kind := place(r.place.Load())
	if kind == short && !r.postponed {
		p.active.Store(int64(r.begun))
	}
	if kind != pin {
		p.leave(kind, r.loan.client)
	}
	if r.running.Load() {
		p.halt(r)
		p.dispatch()
	}
	r.loan = loan{}
	i := slices.Index(p.lent, r)
	last := len(p.lent) - 1
	p.lent[i] = p.lent[last]
	p.lent[last] = nil
	p.lent = p.lent[:last]
}
