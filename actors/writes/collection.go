package writes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/admission"
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
	if !ok {
		return
	}
	admission.Do(o.reply, func() {
		if o.fault != nil {
			o.fault()
		}
		if err := c.db.Submit(&o.unit); err != nil {
			o.reply.Give(err)
		}
	})
}

// order is a command on its way through the collection's actor. What was taken back meanwhile the Writer passes over.
type order struct {
	unit  sqlite.Unit
	reply admission.Reply
	fault func() // makes the actor panic, in tests
}

// collectionRef is the actor of a collection and who is let in to it.
type collectionRef struct {
	ref  actors.Ref
	gate admission.Gate
	gone chan struct{} // closed when the collection is deleted
}

// collections are the collections' actors by collection id. They are spawned with the first write.
type collections struct {
	mu   sync.Mutex
	byID map[string]*collectionRef
}

// busy tells whether any command is under way.
func (m *collections) busy() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.byID {
		if one.gate.Under() > 0 {
			return true
		}
	}
	return false
}

func (a *Service) collection(collectionID string) (*collectionRef, error) {
	a.collections.mu.Lock()
	defer a.collections.mu.Unlock()
	if m := a.collections.byID[collectionID]; m != nil {
		return m, nil
	}
	if a.closing.Load() {
		return nil, sqlite.ErrClosed
	}
	props := actors.NewProps(func() actors.Actor { return &collectionActor{db: a.db} }, nil)
	ref, err := a.supervisor.Spawn(props, fmt.Sprintf("collection/%s/%d", collectionID, a.spawned.Add(1)))
	if err != nil {
		return nil, err
	}
	m := &collectionRef{ref: ref, gate: admission.Gate{Max: maxAdmitted, Closing: &a.closing}, gone: make(chan struct{})}
	a.collections.byID[collectionID] = m
	return m, nil
}

// dismiss stops the actor of a collection that is gone. Whoever waits for it is answered at once, unless it has begun.
func (a *Service) dismiss(collectionID string) {
	a.collections.mu.Lock()
	m := a.collections.byID[collectionID]
	delete(a.collections.byID, collectionID)
	a.collections.mu.Unlock()
	if m != nil {
		close(m.gone)
		m.ref.Drain()
	}
}

// write sends an order through the actor of its collection and waits for the outcome.
func (a *Service) write(ctx context.Context, c *schema.Collection, o *order) error {
	to, err := a.collection(c.ID)
	if err != nil {
		return err
	}
	if err := to.gate.Enter(); err != nil {
		return fmt.Errorf("write to %s: %w", c.Name, err)
	}
	defer to.gate.Leave()
	deadline := admission.Deadline(ctx, writeTimeout)
	leave, err := a.hub.Admit(ctx, c, deadline)
	if err != nil {
		return fmt.Errorf("write to %s: %w", c.Name, err)
	}
	defer leave.Done()
	o.reply = admission.NewReply()
	o.unit.Source, o.unit.Deadline, o.unit.Done = c.ID, deadline, o.reply.Give
	if a.handedOver != nil {
		defer a.handedOver(ctx)()
	}
	to.ref.Send(o)
	err = o.reply.Wait(ctx, deadline, &o.unit, to.gone)
	if errors.Is(err, admission.ErrOver) {
		return fmt.Errorf("write to %s: %w", c.Name, records.ErrNoCollection)
	}
	return err
}

// gone tells whether a collection is not there any more, whoever has its id now.
func (a *Service) gone(c *schema.Collection) bool {
	now := a.catalogue().ByID(c.ID)
	return now == nil || now.Incarnation != c.Incarnation
}
