package signin

import "sync"

// keyLocks are locks by key: one caller at a time works on a record. The zero value is ready; it holds nothing of records
// that nobody works on.
type keyLocks struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	mu    sync.Mutex
	users int // callers that hold it or wait
}

// lock waits for the lock of a key.
func (k *keyLocks) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = make(map[string]*keyLock)
	}
	own := k.held[key]
	if own == nil {
		own = new(keyLock)
		k.held[key] = own
	}
	own.users++
	k.mu.Unlock()
	own.mu.Lock()
	return func() {
		own.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(k.held, key)
		}
	}
}
