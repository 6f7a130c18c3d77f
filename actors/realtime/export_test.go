package realtime

import (
	"time"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/records"
)

// Later makes the hub's clock be ahead by d and looks after the connections.
func (h *Hub) Later(d time.Duration) {
	h.ahead.Store(int64(d))
	h.look()
}

// Enrich puts user code around what the hub shows from now on. It is called before anybody listens.
func (h *Hub) Enrich(e records.Enricher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store = records.NewStore(h.db, h.opts.Catalogue, records.Options{Enricher: e})
}

// Share gives the hub other shares of memory. It is called before anybody connects.
func (h *Hub) Share(topics, streams *budget.Share) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opts.Topics, h.opts.Streams = topics, streams
	h.index.share, h.budget = topics, newMessageBudget(streams)
}

// Hold takes the lock under which the index is changed, until release.
func (h *Hub) Hold() (release func()) {
	h.mu.Lock()
	return h.mu.Unlock
}

// HoldJudges keeps what the database is asked for from being worked out, until release.
func (h *Hub) HoldJudges() (release func()) {
	js := h.judges
	js.mu.Lock()
	most := js.most
	js.most = 0
	js.mu.Unlock()
	return func() {
		js.mu.Lock()
		js.most = most
		js.mu.Unlock()
		js.put(nil)
	}
}

// FailJudging makes what is asked of the database from now on fail.
func (h *Hub) FailJudging() { h.stop() }

// Fail makes the next turn of a client's actor panic.
func (h *Hub) Fail(clientID string) {
	h.mu.Lock()
	c := h.index.byID[clientID]
	h.mu.Unlock()
	h.fault.Store(c)
	c.wake()
}

// Topics returns how many topics, buckets, names that are watched and bound records the index holds.
func (h *Hub) Topics() (topics, buckets, watched, bound int) {
	h.lock()
	defer h.mu.Unlock()
	x := &h.index
	return len(x.topics), len(x.buckets), len(x.watched.topics), len(x.bound)
}

// Owed returns what all clients are owed.
func (h *Hub) Owed() int64 { return h.backlog.weight.Load() }

// UnderWay returns how many changes are under way and how large they are.
func (h *Hub) UnderWay() (changes int, bytes int64) {
	h.pressure.mu.Lock()
	defer h.pressure.mu.Unlock()
	return h.pressure.changes, h.pressure.bytes
}

// Bounds of what may be under way, and of what is owed.
const (
	MaxCollectionChanges = maxCollectionChanges
	MaxUnderWay          = maxUnderWay
	MaxBacklog           = maxBacklog
	MaxRun               = maxRun
)
