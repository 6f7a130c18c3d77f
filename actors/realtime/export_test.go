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
	c.outbox.mu.Lock()
	c.queue = append(c.queue, nil)
	c.outbox.mu.Unlock()
	c.wake()
}

// Topics returns how many topics the index holds.
func (h *Hub) Topics() (topics, bases, watched, bound int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.index.topics), len(h.index.byBase), len(h.index.watched), len(h.index.bound)
}

// Owed returns what all clients are owed.
func (h *Hub) Owed() int64 { return h.debt.owed.Load() }
