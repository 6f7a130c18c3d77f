package realtime

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// batch is what one group has to tell.
type batch struct {
	entries []entry
	pin     *pin
	// unpinned tells that there ought to be a pin and is none.
	unpinned bool
}

// entry is a change and who listens.
type entry struct {
	change *records.Change
	lists  []*snapshot   // everybody who listened when it was committed
	own    []*recipients // instead of lists where somebody is told something else
	cost   cost
	open   atomic.Int32 // what is still to be done about it
}

// pin is the state before a group, and the definitions that go with it. The last user closes it.
type pin struct {
	reader    *sqlite.Reader
	release   func()
	catalogue *schema.Catalogue
	mu        sync.Mutex // of the reader
	users     atomic.Int32
	loads     []*load
	pressure  *pressure
}

func (p *pin) close() {
	if p == nil || p.users.Add(-1) > 0 {
		return
	}
	p.release()
	for _, l := range p.loads {
		p.pressure.pinned(l, -1)
	}
}

// Committing is to be called as sqlite.Options.Committing: where somebody listens to deletes whose rules need the
// database, the state before the group is kept.
func (h *Hub) Committing(g sqlite.Group) {
	h.pin.close() // of a group that was not committed after all
	h.pin, h.unpinned = nil, false
	if h.clients.Load() == 0 {
		return
	}
	loads := h.asksOfDeletes(g)
	if len(loads) == 0 {
		return
	}
	reader, release, err := h.db.Pin(context.Background())
	if err != nil {
		h.opts.Logger.Error("realtime: keep the state before a delete", "error", err)
		h.unpinned = true
		return
	}
	h.pin = &pin{reader: reader, release: release, catalogue: h.opts.Catalogue(), loads: loads, pressure: &h.pressure}
	h.pin.users.Store(1)
	for _, l := range loads {
		h.pressure.pinned(l, 1)
	}
}

// asksOfDeletes returns the loads of collections of whose deleted records the database is asked.
func (h *Hub) asksOfDeletes(g sqlite.Group) (loads []*load) {
	var last *schema.Collection
	for _, change := range g.Changes {
		ch, ok := change.(*records.Change)
		if !ok || ch.Action != records.Deleted || ch.Collection == last {
			continue
		}
		last = ch.Collection
		if _, asking, _ := h.index.watched.of(last); asking {
			h.pressure.mu.Lock()
			l := h.pressure.load(last.ID)
			h.pressure.mu.Unlock()
			loads = appendOnce(loads, l)
		}
	}
	return loads
}

func appendOnce(list []*load, l *load) []*load {
	for _, other := range list {
		if other == l {
			return list
		}
	}
	return append(list, l)
}

// Committed is to be called as sqlite.Options.Committed. Whoever looks at streams that are bound to records of the group finds their
// new state when it returns; the messages follow by themselves. It takes no lock that anybody holds for long, and waits only while
// more is under way than is meant for all collections together.
func (h *Hub) Committed(g sqlite.Group) {
	h.feeds.committed(g)
	p, unpinned := h.pin, h.unpinned
	h.pin, h.unpinned = nil, false
	var b *batch
	if h.clients.Load() > 0 {
		b = h.batch(g)
	}
	if b == nil {
		p.close()
		return
	}
	b.pin, b.unpinned = p, unpinned
	h.pressure.add(b)
	h.intake.put(b)
	h.wakeAnnouncer()
	h.holdBack()
}

// batch collects the changes that may be of interest to somebody, nil when there are none.
func (h *Hub) batch(g sqlite.Group) *batch {
	var b *batch
	var last *schema.Collection
	var listened, bound bool
	for i, change := range g.Changes {
		ch, ok := change.(*records.Change)
		if !ok {
			continue
		}
		if ch.Collection != last {
			last = ch.Collection
			listened, _, bound = h.index.watched.of(last)
		}
		if !listened && (!bound || ch.Action == records.Created) {
			continue
		}
		if b == nil {
			b = &batch{entries: make([]entry, 0, len(g.Changes)-i)}
		}
		b.entries = append(b.entries, entry{change: ch})
	}
	return b
}

// holdBack waits while too much is under way. Clients whose topics hold things up are dropped when that does not end.
func (h *Hub) holdBack() {
	var timer *time.Timer
	for {
		less := h.pressure.untilFits()
		if less == nil {
			return
		}
		if timer == nil {
			timer = time.NewTimer(holdLimit)
			defer timer.Stop()
		}
		select {
		case <-less:
		case <-timer.C:
			h.judges.shed()
			timer.Reset(holdLimit)
		case <-h.quit:
			return
		}
	}
}

// intake is the groups whose listeners were not looked up yet. Safe for concurrent use.
type intake struct {
	mu      sync.Mutex
	waiting []*batch
	some    atomic.Bool
}

func (q *intake) put(b *batch) {
	q.mu.Lock()
	q.waiting = append(q.waiting, b)
	q.some.Store(true)
	q.mu.Unlock()
}

func (q *intake) take() []*batch {
	if !q.some.Load() {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.waiting
	q.waiting = nil
	q.some.Store(false)
	return list
}

// lock takes the hub's lock and brings the index up to what was committed: whoever looks at it or changes it afterwards does so after
// those groups.
func (h *Hub) lock() {
	h.mu.Lock()
	for _, b := range h.intake.take() {
		h.address(b)
		h.addressed = append(h.addressed, b)
	}
}

// next returns the batch that is to be told next, nil when there is none.
func (h *Hub) next() *batch {
	h.lock()
	defer h.mu.Unlock()
	if len(h.addressed) == 0 {
		return nil
	}
	b := h.addressed[0]
	h.addressed[0] = nil
	if h.addressed = h.addressed[1:]; len(h.addressed) == 0 {
		h.addressed = nil
	}
	return b
}

// address finds out who listens to the changes of a batch, and gives streams that are bound to changed records their new state. The
// caller holds the hub's lock.
func (h *Hub) address(b *batch) {
	h.groups++
	var buf [4]*snapshot
	var before []*snapshot
	for i := range b.entries {
		e := &b.entries[i]
		ch := e.change
		auth := ch.Collection.IsAuth()
		if auth && ch.Action == records.Updated {
			h.index.renew(ch)
		}
		lists := h.index.addressees(buf[:0], ch.Collection, ch.Record.ID(), h.groups)
		if !same(lists, before) {
			before = append([]*snapshot(nil), lists...)
		}
		e.lists = before
		if auth && len(h.index.bound) > 0 {
			e.own = h.index.ownEmail(lists, ch)
		}
		if auth && ch.Action == records.Deleted {
			h.index.renew(ch)
		}
		work := int64(1)
		for _, s := range lists {
			work += int64(s.work)
		}
		if work != e.cost.work {
			h.pressure.known(e, work)
		}
	}
}

func same(a, b []*snapshot) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// done tells that one thing about an entry was done.
func (h *Hub) done(e *entry) {
	if e.open.Add(-1) == 0 {
		h.pressure.remove(e.cost)
	}
}
