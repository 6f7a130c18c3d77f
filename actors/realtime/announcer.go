package realtime

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

const (
	// maxIntake is how many groups may wait for the announcer. Writers wait when it is full.
	maxIntake = 64
	// maxJobs is how many messages are worked out before they are sent, which bounds their memory.
	maxJobs = 1024
)

// batch is what one group has to tell, with the audiences as they were when it was committed.
type batch struct {
	entries []entry
	pin     *pin
	done    chan struct{} // closed when the batch was dealt with, may be nil
}

// entry is a change and who listens.
type entry struct {
	change    *records.Change
	audiences []*audience
}

// pin is the state before a group, and the definitions that go with it.
type pin struct {
	reader    *sqlite.Reader
	release   func()
	catalogue *schema.Catalogue
}

func (p *pin) close() {
	if p != nil {
		p.release()
	}
}

// Committing is to be called as sqlite.Options.Committing: where somebody listens to deletes whose rules need the
// database, the state before the group is kept.
func (h *Hub) Committing(g sqlite.Group) {
	h.pin.close() // of a group that was not committed after all
	h.pin = nil
	if h.clients.Load() == 0 || !h.asksOfDeletes(g) {
		return
	}
	reader, release, err := h.db.Pin(context.Background())
	if err != nil {
		h.opts.Logger.Error("realtime: keep the state before a delete", "error", err)
		return
	}
	h.pin = &pin{reader, release, h.opts.Catalogue()}
}

func (h *Hub) asksOfDeletes(g sqlite.Group) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, change := range g.Changes {
		if ch, ok := change.(*records.Change); ok && ch.Action == records.Deleted {
			if _, asking := h.index.watches(ch.Collection); asking {
				return true
			}
		}
	}
	return false
}

// Committed is to be called as sqlite.Options.Committed. Streams that are bound to records of the group have their new
// state when it returns; the messages follow by themselves. It waits while too much is owed to subscribers.
func (h *Hub) Committed(g sqlite.Group) {
	p := h.pin
	h.pin = nil
	if h.clients.Load() == 0 {
		p.close()
		return
	}
	b := h.address(g)
	if len(b.entries) == 0 {
		p.close()
		return
	}
	b.pin = p
	select {
	case h.intake <- b:
		h.wakeAnnouncer()
	case <-h.quit:
		p.close()
	}
}

// address finds out who listens to the changes of a group.
func (h *Hub) address(g sqlite.Group) *batch {
	b := new(batch)
	h.mu.Lock()
	defer h.mu.Unlock()
	var topics []*topic
	for _, change := range g.Changes {
		ch, ok := change.(*records.Change)
		if !ok {
			continue
		}
		if ch.Collection.IsAuth() && ch.Action == records.Updated {
			h.index.renew(ch)
		}
		if listened, _ := h.index.watches(ch.Collection); listened {
			topics = h.index.matching(topics[:0], ch.Collection, ch.Record.ID())
			if list := h.index.addressees(topics, ch); len(list) > 0 {
				b.entries = append(b.entries, entry{ch, list})
			}
		}
		if ch.Collection.IsAuth() && ch.Action == records.Deleted {
			h.index.renew(ch)
		}
	}
	return b
}

// addressees are the audiences of a change on some topics.
func (x *index) addressees(topics []*topic, ch *records.Change) []*audience {
	if len(topics) == 1 && !ch.Collection.IsAuth() {
		return x.audiences(topics[0], ch.Collection)
	}
	var list []*audience
	for _, t := range topics {
		for _, a := range x.audiences(t, ch.Collection) {
			list = x.shares(list, a, ch)
		}
	}
	return list
}

func (h *Hub) wakeAnnouncer() {
	if h.announcing.CompareAndSwap(false, true) {
		h.opts.System.Root.Send(h.announcer, announce{})
	}
}

// announce tells the announcer that the intake holds something.
type announce struct{}

// announcer works out the messages of what was committed and hands them to the clients, group after group. What it works
// on is in the intake, so that nothing is lost with it.
type announcer struct{ h *Hub }

// Receive implements actor.Actor.
func (a announcer) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case announce, *actor.Started:
	default:
		return
	}
	for {
		select {
		case b := <-a.h.intake:
			a.h.guard("announce a group", func() { a.h.announce(b) })
		default:
			a.h.announcing.Store(false)
			if len(a.h.intake) == 0 || !a.h.announcing.CompareAndSwap(false, true) {
				return
			}
		}
	}
}

// announce deals with one batch.
func (h *Hub) announce(b *batch) {
	defer func() {
		b.pin.close()
		if b.done != nil {
			close(b.done)
		}
	}()
	var jobs []job
	for _, e := range b.entries {
		for _, a := range e.audiences {
			jobs = append(jobs, job{change: e.change, audience: a})
			if len(jobs) == maxJobs {
				h.tell(jobs, b.pin)
				clear(jobs)
				jobs = jobs[:0]
			}
		}
	}
	h.tell(jobs, b.pin)
}

// tell works out messages and sends them in order.
func (h *Hub) tell(jobs []job, p *pin) {
	h.debt.wait()
	h.judge(jobs, p)
	now := h.seconds()
	var run []*message
	for i := range jobs {
		if m := jobs[i].message; m != nil {
			run = append(run, m)
		}
		if i+1 < len(jobs) && jobs[i+1].audience == jobs[i].audience {
			continue
		}
		if len(run) > 0 {
			for _, c := range jobs[i].audience.members {
				c.told.Store(now)
				c.send(run...)
			}
		}
		run = run[:0]
	}
}
