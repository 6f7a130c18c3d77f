package realtime

import (
	"runtime"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/storage/schema"
)

const (
	// maxRun is how many messages to one audience are put into outboxes at once.
	maxRun = 64
	// maxSlots is how many messages have their places in outboxes before they are handed on to be worked out.
	maxSlots = 256
	// maxStretch is how many places are given before others may go on.
	maxStretch = 16
)

func (h *Hub) wakeAnnouncer() {
	if h.announcing.CompareAndSwap(false, true) {
		h.announcer.Send(announce{})
	}
}

// announce tells the announcer that there is something to tell.
type announce struct{}

// announcer tells the clients what was committed, group after group. What it works on is in the hub, so that nothing is lost with
// it.
type announcer struct{ h *Hub }

// Receive implements actors.Actor.
func (a announcer) Receive(_ actors.Ref, message any) {
	switch message.(type) {
	case announce, actors.Started:
	default:
		return
	}
	for {
		if b := a.h.next(); b != nil {
			a.h.guard("announce a group", func() { a.h.announce(b) })
			continue
		}
		a.h.announcing.Store(false)
		if !a.h.intake.some.Load() || !a.h.announcing.CompareAndSwap(false, true) {
			return
		}
	}
}

// delivery is the announcer at work on a batch: messages in order, those to the same audience put together.
type delivery struct {
	h         *Hub
	b         *batch
	catalogue *schema.Catalogue
	scratch   scratch
	// plain are the encoded records of the current entry that topics without options share: for superusers, for others.
	plain [2][]byte

	to    *recipients // of run
	run   []*message
	slots []*job
	told  int // entries whose messages are in outboxes, or have their places there
	begun int // entries that are told, some of whose messages may still be in run
}

// announce deals with one batch. Every message takes its place in the outboxes here, in order. Those for which the database or user
// code is asked are worked out afterwards, and what comes after them in an outbox waits; other clients do not.
func (h *Hub) announce(b *batch) {
	t := &delivery{h: h, b: b, catalogue: h.opts.Catalogue()}
	defer b.pin.close()
	defer t.end()
	for i := range b.entries {
		b.entries[i].open.Store(1)
	}
	for i := range b.entries {
		t.entry(&b.entries[i])
	}
}

// end hands on what is left, also when something went wrong.
func (t *delivery) end() {
	t.hand()
	t.begun = len(t.b.entries)
	t.settle()
}

// settle counts what is in the outboxes as dealt with, so that whoever waits for that finds it there.
func (t *delivery) settle() {
	for ; t.told < t.begun; t.told++ {
		t.h.done(&t.b.entries[t.told])
	}
}

func (t *delivery) entry(e *entry) {
	t.plain = [2][]byte{}
	if e.own != nil {
		for _, r := range e.own {
			t.tell(e, r)
		}
	} else {
		for _, s := range e.lists {
			for _, r := range s.list {
				t.tell(e, r)
			}
		}
	}
	t.begun++
	if len(t.run) == 0 {
		t.settle()
	}
}

// tell works the message of one change for one audience out, or has that done.
func (t *delivery) tell(e *entry, r *recipients) {
	j := job{entry: e, to: r}
	if r.enriched || j.asking() && !t.h.decide(&j) {
		t.later(&j)
		return
	}
	t.h.settle(&j, func() error { return t.h.work(t.h.alive, &t.scratch, &j, t.catalogue, nil, &t.plain) })
	if j.message != nil {
		t.add(r, j.message, j.message.bytes())
	}
}

// later gives a message its place and notes that it is to be worked out.
func (t *delivery) later(j *job) {
	if j.before() && j.asking() {
		switch {
		case t.b.unpinned:
			t.flush()
			t.h.giveUp(j.to, "not judged")
			return
		case t.b.pin == nil:
			return // nobody who listened before the commit asks
		}
		j.pin = t.b.pin
		j.pin.users.Add(1)
	}
	j.entry.open.Add(1)
	j.slot = &message{slot: true}
	j.slot.state.Store(pending)
	t.add(j.to, j.slot, messageSize+j.entry.cost.bytes)
	kept := *j
	t.slots = append(t.slots, &kept)
	if len(t.slots) == maxSlots {
		t.hand()
	}
	if len(t.slots)%maxStretch == 0 {
		runtime.Gosched() // as in judgeOn
	}
}

// add puts a message behind those for the same audience.
func (t *delivery) add(r *recipients, m *message, bytes int64) {
	if t.to != r || len(t.run) == maxRun {
		t.flush()
	}
	for !t.h.budget.take(m, bytes) {
		t.hand()
		t.h.waitForBudget(m, bytes)
	}
	t.to = r
	t.run = append(t.run, m)
}

// flush puts messages into outboxes.
func (t *delivery) flush() {
	if len(t.run) == 0 {
		return
	}
	t.h.backlog.wait()
	r, now := t.to, t.h.seconds()
	n := int32(len(r.members) - len(r.except))
	slots := true
	for _, m := range t.run {
		m.refs.Store(n)
		slots = slots && m.slot
	}
	for _, c := range r.members {
		if _, not := r.except[c]; not {
			continue
		}
		if !slots {
			c.told.Store(now)
		}
		c.send(t.run...)
	}
	if n == 0 {
		for _, m := range t.run {
			t.h.budget.give(m)
		}
	}
	clear(t.run)
	t.run, t.to = t.run[:0], nil
	t.settle()
}

// hand puts what there is into outboxes, and has what has its place there worked out.
func (t *delivery) hand() {
	t.flush()
	if len(t.slots) > 0 {
		t.h.judges.put(t.slots)
		t.slots = nil
	}
}

// waitForBudget waits until there may be room for a message. Clients that do not keep up and are owed the most have to go for it.
func (h *Hub) waitForBudget(m *message, bytes int64) {
	less := h.budget.wait()
	if h.budget.take(m, bytes) {
		h.budget.give(m) // the caller takes it again
		return
	}
	if c := h.slow.largest(); c != nil {
		h.drop(c, "too slow")
		return
	}
	select {
	case <-less:
	case <-h.quit:
	}
}

// giveUp drops the members of an audience to whom something cannot be told: a stream that ends says that there is something to fetch
// again, one that goes on does not.
func (h *Hub) giveUp(r *recipients, why string) {
	for _, c := range r.members {
		if _, not := r.except[c]; !not {
			h.drop(c, why)
		}
	}
}
