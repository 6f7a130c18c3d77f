package auth

import "sync"

// turns lets one caller at a time work on a record. The zero value is ready; it holds nothing of records that nobody works
// on.
type turns struct {
	mu      sync.Mutex
	holders map[string]*turn
}

type turn struct {
	mu   sync.Mutex
	used int // callers that hold it or wait
}

// take waits for the turn of a record.
func (t *turns) take(id string) (leave func()) {
	t.mu.Lock()
	if t.holders == nil {
		t.holders = make(map[string]*turn)
	}
	own := t.holders[id]
	if own == nil {
		own = new(turn)
		t.holders[id] = own
	}
	own.used++
	t.mu.Unlock()
	own.mu.Lock()
	return func() {
		own.mu.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.used--; own.used == 0 {
			delete(t.holders, id)
		}
	}
}
