package sqlite

import (
	"sync"
	"sync/atomic"
)

// gate lets reads and schema changes pass one another without a read ever using the catalogue of one side with the tables of the
// other, and without a long scan holding up a change. The number is odd while a change is being committed and moves with each: a read that saw
// the same even number before and after was on one side all the time. One that did not is run again, holding the gate shared.
type gate struct {
	number atomic.Uint64
	mu     sync.RWMutex
}

// read runs fn until it ran on one side of every change; between two runs, again is called.
func (g *gate) read(fn func() error, again func()) error {
	if n := g.number.Load(); n%2 == 0 {
		err := fn()
		if g.number.Load() == n {
			return err
		}
		again()
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return fn()
}

// close keeps reads out until open; those under way will be run again.
func (g *gate) close() {
	g.mu.Lock()
	g.number.Add(1)
}

func (g *gate) open() {
	g.number.Add(1)
	g.mu.Unlock()
}

// moved makes reads under way run again, after a change that nobody could keep out.
func (g *gate) moved() { g.number.Add(2) }
