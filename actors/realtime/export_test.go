package realtime

import (
	"time"

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
func (h *Hub) Owed() int64 { return h.debt.owed.Load() }
