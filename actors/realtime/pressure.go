package realtime

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// What may be under way between the commit of changes and their delivery. Beyond what is meant for one collection its own writers
// wait, before their commands reach the Writer.
const (
	// maxCollectionChanges and maxCollectionBytes are how many changes of one collection may be under way, and how large: as many
	// as commands of one collection are admitted, and two full groups of the Writer.
	maxCollectionChanges = 1024
	maxCollectionBytes   = 8 << 20
	// maxCollectionWork is how much they may ask for, see MaxWork: about a quarter of a second of one core, by which the events of others
	// may be late.
	maxCollectionWork = 1 << 17
	// maxCollectionPins is how many snapshots of a collection's state before a delete may be held: of all there are few.
	maxCollectionPins = 4
	// maxUnderWay is how large the changes of all collections may be that are under way. The Writer waits beyond: that happens only
	// when transactions and cascades, which nobody holds back before they begin, write more than can be told.
	maxUnderWay = 32 << 20
	// holdLimit is how long the Writer waits then before clients are dropped whose topics hold things up.
	holdLimit = 500 * time.Millisecond
)

// pressure counts what is under way between commit and delivery. Safe for concurrent use.
type pressure struct {
	mu      sync.Mutex
	loads   map[string]*load // by the collection's id
	bytes   int64
	changes int // of all loads
	// Who waits until what is under way is less than too much, is little, or is nothing.
	fits, little, idle gate
}

// gate is a channel that is closed to let those through who wait; nil when nobody does.
type gate chan struct{}

func (g *gate) wait() <-chan struct{} {
	if *g == nil {
		*g = make(chan struct{})
	}
	return *g
}

func (g *gate) open(when bool) {
	if when && *g != nil {
		close(*g)
		*g = nil
	}
}

// load is what is under way of one collection, and the writes to it that wait for that.
type load struct {
	changes int
	bytes   int64
	work    int64
	pins    int
	unit    int64 // the work of the last change, which is what the next one is believed to ask for
	held    int   // admitted writes that have not ended
	reserve int64 // their work
	waiting []*waitingWrite
}

// waitingWrite is a write that waits.
type waitingWrite struct {
	admitted chan struct{} // closed when it is admitted
	work     int64
}

// Admission is the permission to begin one write to a collection. The zero value is that for a collection to which nobody listens:
// its Done does nothing.
type Admission struct {
	p    *pressure
	l    *load
	work int64
}

// Done ends an admission, after the outcome of the write.
func (a Admission) Done() {
	if a.l == nil {
		return
	}
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	a.l.held--
	a.l.reserve -= a.work
	a.l.admit()
}

// Admit waits until one more write to a collection may begin. Subscribers who keep up lose no event; that is why writers wait while
// too many events of the collection are still to be delivered. It fails with sqlite.ErrNotWritten when ctx or the deadline ends
// first. It must not be called on the Writer's goroutine or inside a transaction.
func (h *Hub) Admit(ctx context.Context, c *schema.Collection, deadline time.Time) (Admission, error) {
	if h.clients.Load() == 0 {
		return Admission{}, nil
	}
	if listened, _, _ := h.index.watched.of(c); !listened {
		return Admission{}, nil
	}
	p := &h.pressure
	p.mu.Lock()
	l := p.load(c.ID)
	a := Admission{p, l, max(l.unit, 1)}
	if len(l.waiting) == 0 && l.admits(a.work) {
		l.held++
		l.reserve += a.work
		p.mu.Unlock()
		return a, nil
	}
	t := &waitingWrite{admitted: make(chan struct{}), work: a.work}
	l.waiting = append(l.waiting, t)
	p.mu.Unlock()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-t.admitted:
		return a, nil
	case <-timer.C:
	case <-ctx.Done():
	case <-h.quit:
	}
	if p.withdraw(l, t) {
		return Admission{}, fmt.Errorf("%w: too many events of %s wait to be delivered", sqlite.ErrNotWritten, c.Name)
	}
	return a, nil
}

func (p *pressure) load(id string) *load {
	l := p.loads[id]
	if l == nil {
		l = new(load)
		p.loads[id] = l
	}
	return l
}

// withdraw ends the wait of a write; false means that it was admitted.
func (p *pressure) withdraw(l *load, t *waitingWrite) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range l.waiting {
		if other == t {
			l.waiting = append(l.waiting[:i:i], l.waiting[i+1:]...)
			l.admit()
			return true
		}
	}
	return false
}

// admits tells whether another write may begin. One always may when nothing is under way.
func (l *load) admits(work int64) bool {
	if l.changes+l.held == 0 {
		return true
	}
	return l.changes+l.held < maxCollectionChanges && l.bytes < maxCollectionBytes && l.work+l.reserve+work <= maxCollectionWork && l.pins < maxCollectionPins
}

// admit lets those through who wait, in the order in which they came.
func (l *load) admit() {
	for len(l.waiting) > 0 && l.admits(l.waiting[0].work) {
		t := l.waiting[0]
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		l.held++
		l.reserve += t.work
		close(t.admitted)
	}
}

// cost is what one change was counted as.
type cost struct {
	load  *load
	bytes int64
	work  int64
}

// add counts the changes of a batch. It does not wait.
func (p *pressure) add(b *batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range b.entries {
		e := &b.entries[i]
		l := p.load(e.change.Collection.ID)
		e.cost = cost{l, sizeOfChange(e.change), max(l.unit, 1)}
		l.changes++
		l.bytes += e.cost.bytes
		l.work += e.cost.work
		p.bytes += e.cost.bytes
	}
	p.changes += len(b.entries)
}

// known notes what a change really asks for.
func (p *pressure) known(e *entry, work int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.cost.load.unit = work
	e.cost.load.work += work - e.cost.work
	e.cost.work = work
}

// remove counts a change as dealt with.
func (p *pressure) remove(t cost) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := t.load
	l.changes--
	l.bytes -= t.bytes
	l.work -= t.work
	p.bytes -= t.bytes
	l.admit()
	p.changes--
	p.fits.open(p.bytes <= maxUnderWay)
	p.little.open(p.isLittle())
	p.idle.open(p.changes == 0)
}

// pinned counts snapshots that are held on behalf of a collection.
func (p *pressure) pinned(l *load, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.pins += n
	l.admit()
}

// The following return a channel that is closed when it is so, nil when it is so now.

// untilFits is for the Writer.
func (p *pressure) untilFits() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytes <= maxUnderWay {
		return nil
	}
	return p.fits.wait()
}

// untilLittle is for those who write much.
func (p *pressure) untilLittle() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isLittle() {
		return nil
	}
	return p.little.wait()
}

func (p *pressure) isLittle() bool {
	return p.changes <= maxCollectionChanges && p.bytes <= maxCollectionBytes
}

// untilIdle is for the end.
func (p *pressure) untilIdle() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changes == 0 {
		return nil
	}
	return p.idle.wait()
}

// changeSize is what a change keeps beside the values of its records, valueSize what a value keeps beside its bytes.
const changeSize, valueSize = 256, 24

// sizeOfChange is about how many bytes a change keeps until it is told.
func sizeOfChange(ch *records.Change) int64 {
	size := int64(changeSize)
	for _, r := range [2]*records.Record{ch.Record, ch.Old} {
		if r == nil {
			continue
		}
		for _, v := range r.Values {
			size += valueSize
			switch v := v.(type) {
			case string:
				size += int64(len(v))
			case schema.JSON:
				size += int64(len(v))
			case []string:
				for _, s := range v {
					size += valueSize + int64(len(s))
				}
			}
		}
	}
	return size
}
