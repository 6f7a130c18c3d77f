package mailer

import (
	"context"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/internal/routine"
)

// pendingMail is a mail on its way. Between two attempts it is the actor's, during one it belongs to the attempt.
type pendingMail struct {
	mail   Mail
	ctx    context.Context
	left   int  // attempts
	waited bool // somebody waits for it
	wait   time.Duration
}

// tried says that an attempt has ended, due that a mail's time for the next one has come.
type (
	tried struct {
		mail  *pendingMail
		again bool
	}
	due   struct{ mail *pendingMail }
	drain struct{ idle chan struct{} }
)

// queue is the state of the actor. It is kept outside of it, so that a restart loses no mail.
type queue struct {
	queued, waited   []*pendingMail
	atWork, atWorkIn int // deliveries of queued and of waited mails
	retrying         map[*pendingMail]*time.Timer
	end              *drain
}

// queueActor is the actor.
type queueActor struct{ m *Mailer }

// Receive implements actors.Actor.
func (a queueActor) Receive(_ actors.Ref, message any) {
	q := &a.m.queue
	switch msg := message.(type) {
	case *pendingMail:
		q.put(msg)
	case tried:
		q.back(msg.mail)
		if msg.again {
			a.later(msg.mail)
		}
	case due:
		if _, ok := q.retrying[msg.mail]; ok {
			delete(q.retrying, msg.mail)
			q.put(msg.mail)
		}
	case *drain:
		q.end = msg
		for p, timer := range q.retrying {
			timer.Stop()
			p.left = 1
			q.put(p)
		}
		clear(q.retrying)
	default:
		return
	}
	a.work()
}

func (q *queue) put(p *pendingMail) {
	if p.waited {
		q.waited = append(q.waited, p)
	} else {
		q.queued = append(q.queued, p)
	}
}

func (q *queue) back(p *pendingMail) {
	if p.waited {
		q.atWorkIn--
	} else {
		q.atWork--
	}
}

// later puts a mail aside until its next attempt. At the end there is only one more.
func (a queueActor) later(p *pendingMail) {
	q := &a.m.queue
	if q.end != nil {
		p.left = 1
		q.put(p)
		return
	}
	p.wait = max(firstDelay, p.wait*delayFactor)
	ref := a.m.ref
	q.retrying[p] = routine.After(p.wait, func() { ref.Send(due{p}) }, a.m.panicked)
}

// work begins as many deliveries as there are places.
func (a queueActor) work() {
	q := &a.m.queue
	for len(q.waited) > 0 && q.atWorkIn < placesWaited {
		q.atWorkIn++
		a.deliver(q.waited[0])
		q.waited = q.waited[1:]
	}
	for len(q.queued) > 0 && q.atWork < placesQueued {
		q.atWork++
		a.deliver(q.queued[0])
		q.queued = q.queued[1:]
	}
	if q.end != nil && q.atWork+q.atWorkIn == 0 {
		close(q.end.idle)
		q.end = nil
	}
}

// deliver runs an attempt on a goroutine of its own: the actor's turns are short.
func (a queueActor) deliver(p *pendingMail) {
	m := a.m
	routine.In(&m.running, func() {
		again := m.attempt(p)
		m.ref.Send(tried{p, again})
	}, func(panicked *routine.Panic) {
		m.panicked(panicked)
		m.ref.Send(tried{p, false}) // its place is free again
	})
}
