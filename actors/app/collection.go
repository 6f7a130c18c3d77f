package app

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxAdmitted is how many commands of one collection may be under way: about four full groups of the Writer. Whoever
// comes then is told to try again, which is better than to wait in a line that only grows.
const maxAdmitted = 1024

// writeTimeout is how long a command may wait for its turn. Once it has begun its caller waits for the outcome.
const writeTimeout = 10 * time.Second

// collectionActor orders the writes of one collection: it hands them to the Writer in the order in which they came.
type collectionActor struct{ db *sqlite.DB }

// Receive implements actors.Actor.
func (c *collectionActor) Receive(_ actors.Ref, message any) {
	o, ok := message.(*order)
	if !ok || !o.begin() {
		return
	}
	o.work(func() {
		if err := c.db.Submit(&o.unit); err != nil {
			o.answer(err)
		}
	})
}

// order is a command on its way through the collection's actor.
type order struct {
	unit  sqlite.Unit
	state atomic.Int32
	once  sync.Once
	reply chan error // buffered
	fault func()     // makes the actor panic, in tests
}

const (
	waiting int32 = iota
	begun
	withdrawn
)

// begin tells the actor whether the order still counts.
func (o *order) begin() bool { return o.state.CompareAndSwap(waiting, begun) }

// withdraw takes the order back, unless the actor has begun it.
func (o *order) withdraw() bool { return o.state.CompareAndSwap(waiting, withdrawn) }

// work runs what an actor does with an order. The order is answered even when that panics, which is then the supervisor's
// business.
func (o *order) work(do func()) {
	defer func() {
		if v := recover(); v != nil {
			o.answer(&routine.Panic{Value: v})
			panic(v)
		}
	}()
	if o.fault != nil {
		o.fault()
	}
	do()
}

func (o *order) answer(err error) { o.once.Do(func() { o.reply <- err }) }

// troupe of a collection: its actor and how many commands it has.
type member struct {
	ref      actors.Ref
	admitted atomic.Int64
	gone     chan struct{} // closed when the collection is deleted
}

// members are the collections' actors by collection id. They are spawned with the first write.
type members struct {
	mu   sync.Mutex
	byID map[string]*member
}

// busy tells whether any command is under way.
func (m *members) busy() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.byID {
		if one.admitted.Load() > 0 {
			return true
		}
	}
	return false
}

func (a *App) member(collectionID string) (*member, error) {
	a.members.mu.Lock()
	defer a.members.mu.Unlock()
	if m := a.members.byID[collectionID]; m != nil {
		return m, nil
	}
	if a.closing.Load() {
		return nil, sqlite.ErrClosed
	}
	props := actors.NewProps(func() actors.Actor { return &collectionActor{db: a.db} }, nil)
	ref, err := a.catalogueSupervisor.Spawn(props, fmt.Sprintf("collection/%s/%d", collectionID, a.spawned.Add(1)))
	if err != nil {
		return nil, err
	}
	m := &member{ref: ref, gone: make(chan struct{})}
	a.members.byID[collectionID] = m
	return m, nil
}

// dismiss stops the actor of a collection that is gone. Whoever waits for it is answered at once, unless it has begun.
func (a *App) dismiss(collectionID string) {
	a.members.mu.Lock()
	m := a.members.byID[collectionID]
	delete(a.members.byID, collectionID)
	a.members.mu.Unlock()
	if m != nil {
		close(m.gone)
		m.ref.Drain()
	}
}

func (a *App) write(ctx context.Context, c *schema.Collection, o *order) error {
	m, err := a.member(c.ID)
	if err != nil {
		return err
	}
	defer m.admitted.Add(-1)
	if m.admitted.Add(1) > maxAdmitted {
		return fmt.Errorf("write to %s: %w", c.Name, sqlite.ErrBusy)
	}
	if a.closing.Load() { // asked after the command was counted: Close waits for those it finds
		return fmt.Errorf("write to %s: %w", c.Name, sqlite.ErrClosed)
	}
	deadline := time.Now().Add(writeTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	leave, err := a.hub.Admit(ctx, c, deadline)
	if err != nil {
		return fmt.Errorf("write to %s: %w", c.Name, err)
	}
	defer leave.Done()
	o.reply = make(chan error, 1)
	o.unit.Source, o.unit.Deadline, o.unit.Done = c.ID, deadline, o.answer
	m.ref.Send(o)
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case err = <-o.reply:
		return err
	case <-m.gone:
		if o.withdraw() {
			return fmt.Errorf("write to %s: %w", c.Name, records.ErrNoCollection)
		}
		return <-o.reply
	case <-timer.C:
		if o.withdraw() {
			return fmt.Errorf("write to %s: %w", c.Name, sqlite.ErrNotWritten)
		}
		return <-o.reply
	}
}
