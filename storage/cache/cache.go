// Package cache keeps what is expensive to make again under texts that come from anywhere, bounded in bytes.
//
// Which entry goes when there is no room is decided by a hand that goes round: an entry that was asked for since it last passed stays
// for another round, others go. A new entry does not count as asked for. So a flood of different texts, of which none is asked for twice,
// pushes out its own entries and leaves those that are in use.
package cache

import (
	"sync"
	"sync/atomic"

	"github.com/troupebase/troupe/storage/budget"
)

// largest is the part of a cache that one entry may take: what is larger is made again each time.
const largest = 8

// overhead is what an entry costs beside its value and its key: its own fields, its places in the map and in the ring.
const overhead = 160

// Cache keeps values under texts. It is safe for concurrent use; make one with [New].
type Cache[V any] struct {
	limit int64
	share *budget.Share

	mu      sync.RWMutex
	entries map[string]*entry[V]
	ring    []*entry[V]
	hand    int
	bytes   int64
	closed  bool
}

type entry[V any] struct {
	key   string
	value V
	cost  int64
	at    int // in the ring
	asked atomic.Bool
}

// New returns a cache of at most limit bytes, which are taken from share on behalf of the server as they are filled: where the share has no room
// the cache makes do with what it has. A nil share has no limits.
func New[V any](limit int64, share *budget.Share) *Cache[V] {
	return &Cache[V]{limit: limit, share: share, entries: make(map[string]*entry[V])}
}

// Get returns the value under a key.
func (c *Cache[V]) Get(key string) (v V, ok bool) {
	c.mu.RLock()
	e := c.entries[key]
	c.mu.RUnlock()
	return e.ask()
}

// GetBytes is [Cache.Get] for a key that is not a string; it is not kept.
func (c *Cache[V]) GetBytes(key []byte) (v V, ok bool) {
	c.mu.RLock()
	e := c.entries[string(key)]
	c.mu.RUnlock()
	return e.ask()
}

func (e *entry[V]) ask() (v V, ok bool) {
	if e == nil {
		return v, false
	}
	if !e.asked.Load() {
		e.asked.Store(true)
	}
	return e.value, true
}

// Put keeps a value of cost bytes under a key, in place of the one before. It may be gone at once.
func (c *Cache[V]) Put(key string, v V, cost int64) {
	cost += int64(len(key)) + overhead
	c.mu.Lock()
	defer c.mu.Unlock()
	var asked bool
	if old := c.entries[key]; old != nil {
		asked = old.asked.Load()
		c.drop(old)
	}
	if c.closed || cost > c.limit/largest || !c.makeRoom(cost) {
		return
	}
	e := &entry[V]{key: key, value: v, cost: cost, at: len(c.ring)}
	e.asked.Store(asked)
	c.entries[key] = e
	c.ring = append(c.ring, e)
	c.bytes += cost
}

// makeRoom drops entries until there is room for cost bytes, and takes them.
func (c *Cache[V]) makeRoom(cost int64) bool {
	for c.bytes+cost > c.limit {
		c.drop(c.victim())
	}
	for c.share.Take("", cost) != nil {
		if len(c.ring) == 0 {
			return false
		}
		c.drop(c.victim())
	}
	return true
}

// victim returns the next entry that was not asked for since the hand last passed it. There must be entries.
func (c *Cache[V]) victim() *entry[V] {
	for {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		if e := c.ring[c.hand]; !e.asked.Swap(false) {
			return e
		}
		c.hand++
	}
}

func (c *Cache[V]) drop(e *entry[V]) {
	delete(c.entries, e.key)
	last := len(c.ring) - 1
	c.ring[e.at] = c.ring[last]
	c.ring[e.at].at = e.at
	c.ring[last] = nil
	c.ring = c.ring[:last]
	c.bytes -= e.cost
	c.share.Give("", e.cost)
}

// Delete forgets the value under a key if keep does not want it to stay.
func (c *Cache[V]) Delete(key string, keep func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil && !keep(e.value) {
		c.drop(e)
	}
}

// Close forgets everything and gives its bytes back. What is put into the cache afterwards is not kept.
func (c *Cache[V]) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.share.Give("", c.bytes)
	c.entries, c.ring, c.bytes, c.hand = nil, nil, 0, 0
}

// Size returns how many entries there are and what they cost.
func (c *Cache[V]) Size() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.entries), c.bytes
}
