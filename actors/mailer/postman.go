package mailer

import (
	"context"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/internal/routine"
)

// letter is a mail on its way. Between two attempts it is the actor's, during one it belongs to the attempt.
type letter struct {
	mail   Mail
	ctx    context.Context
	left   int  // attempts
	waited bool // somebody waits for it
	wait   time.Duration
}

// tried says that an attempt has ended, due that a letter's time for the next one has come.
type (
	tried struct {
		letter *letter
		again  bool
	}
	due   struct{ letter *letter }
	drain struct{ idle chan struct{} }
)

// desk is the state of the actor. It is kept outside of it, so that a restart loses no letter.
type desk struct {
	queued, waited   []*letter
	atWork, atWorkIn int // deliveries of queued and of waited letters
	retrying         map[*letter]*time.Timer
	end              *drain
}

// postman is the actor.
type postman struct{ m *Mailer }

// Receive implements actors.Actor.
func (p postman) Receive(_ actors.Ref, message any) {
	d := &p.m.desk
	switch msg := message.(type) {
	case *letter:
		d.put(msg)
	case tried:
		d.back(msg.letter)
		if msg.again {
			p.later(msg.letter)
		}
	case due:
		if _, ok := d.retrying[msg.letter]; ok {
			delete(d.retrying, msg.letter)
			d.put(msg.letter)
		}
	case *drain:
		d.end = msg
		for l, timer := range d.retrying {
			timer.Stop()
			l.left = 1
			d.put(l)
		}
		clear(d.retrying)
	default:
		return
	}
	p.work()
}

func (d *desk) put(l *letter) {
	if l.waited {
		d.waited = append(d.waited, l)
	} else {
		d.queued = append(d.queued, l)
	}
}

func (d *desk) back(l *letter) {
	if l.waited {
		d.atWorkIn--
	} else {
		d.atWork--
	}
}

// later puts a letter aside until its next attempt. At the end there is only one more.
func (p postman) later(l *letter) {
	d := &p.m.desk
	if d.end != nil {
		l.left = 1
		d.put(l)
		return
	}
	l.wait = max(firstDelay, l.wait*delayFactor)
	ref := p.m.ref
	d.retrying[l] = routine.After(l.wait, func() { ref.Send(due{l}) }, p.m.panicked)
}

// work begins as many deliveries as there are places.
func (p postman) work() {
	d := &p.m.desk
	for len(d.waited) > 0 && d.atWorkIn < placesWaited {
		d.atWorkIn++
		p.deliver(d.waited[0])
		d.waited = d.waited[1:]
	}
	for len(d.queued) > 0 && d.atWork < placesQueued {
		d.atWork++
		p.deliver(d.queued[0])
		d.queued = d.queued[1:]
	}
	if d.end != nil && d.atWork+d.atWorkIn == 0 {
		close(d.end.idle)
		d.end = nil
	}
}

// deliver runs an attempt on a goroutine of its own: the actor's turns are short.
func (p postman) deliver(l *letter) {
	m := p.m
	routine.In(&m.running, func() {
		again := m.attempt(l)
		m.ref.Send(tried{l, again})
	}, func(p *routine.Panic) {
		m.panicked(p)
		m.ref.Send(tried{l, false}) // its place is free again
	})
}
