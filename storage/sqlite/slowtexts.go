package sqlite

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// slowTexts remembers, by their text, which statements took long the last times: these begin among the long reads. Two bad
// runs more than good ones make a statement slow, so that one bad day of a quick one does no harm. Safe for concurrent use.
type slowTexts struct {
	seed   maphash.Seed
	n      atomic.Int32 // entries, so that a server without slow statements does not look
	mu     sync.RWMutex
	scores map[uint64]int8
}

const (
	slowScore = 2 // from here on a statement is slow
	mostScore = 4 // so many good runs clear the worst
	// maxSlow bounds the memory of this, 16 bytes an entry. Beyond it others are forgotten, which costs them longRead each to be found out again.
	maxSlow = 4096
)

func (t *slowTexts) init() {
	t.seed = maphash.MakeSeed()
	t.scores = make(map[uint64]int8)
}

func (t *slowTexts) hash(sql string) uint64 { return maphash.String(t.seed, sql) }

// knows reports whether a statement is slow.
func (t *slowTexts) knows(hash uint64) bool {
	if t.n.Load() == 0 {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.scores[hash] >= slowScore
}

func (t *slowTexts) raise(hash uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.scores[hash]; !ok && len(t.scores) >= maxSlow {
		for other := range t.scores { // any one
			delete(t.scores, other)
			break
		}
	}
	t.scores[hash] = min(t.scores[hash]+1, mostScore)
	t.n.Store(int32(len(t.scores)))
}

func (t *slowTexts) lower(hash uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.scores[hash]; ok {
		if t.scores[hash] = n - 1; n <= 1 {
			delete(t.scores, hash)
		}
		t.n.Store(int32(len(t.scores)))
	}
}
