package httpx

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/storage/budget"
)

const (
	// freeBody is how long a body may be that came in with its head and is not charged: it is bounded by the number of connections.
	freeBody = 2 << 10
	// leastBody is what a body is charged at least: a connection with one under way holds buffers and a stack besides.
	leastBody = 8 << 10
	// stalledAfter is when a body of which nothing came is taken for abandoned, as soon as somebody else has no room.
	stalledAfter = 5 * time.Second
	// largerBy is how many times as large a body that is still coming in has to be to make room for another.
	largerBy = 2
	// maxVictims is how many bodies are ended at most to make room for one.
	maxVictims = 4
	// victimTime is how long the end of one is waited for: its request notices at once.
	victimTime = 200 * time.Millisecond
)

// bodyCharge is what a request keeps of the share of bodies. It belongs to its Context; victims are told through it.
type bodyCharge struct {
	n       int64        // bytes that are charged
	client  string       // whom they are charged to
	conn    *conn        // while the body comes in
	heard   atomic.Int64 // when a piece of it came last, in nanoseconds
	victim  atomic.Bool  // it was ended to make room
	linked  bool         // it is among the bodies that come in
	waiting chan struct{}
}

// bodies are the requests whose bodies are coming in. When the share has no room for one, the largest or one that stands still is ended, if
// that is not the new one itself: who sends much at once, slowly, waits for others and not the others for them. It is safe for concurrent use.
type bodies struct {
	share *budget.Share
	now   func() time.Time

	mu   sync.Mutex
	open map[*bodyCharge]struct{}
}

// begin puts a request among those whose bodies are coming in.
func (b *bodies) begin(k *bodyCharge) {
	k.heard.Store(b.now().UnixNano())
	b.mu.Lock()
	defer b.mu.Unlock()
	k.linked = true
	b.open[k] = struct{}{}
}

// came takes it out again: what is complete is not ended.
func (b *bodies) came(k *bodyCharge) {
	if !k.linked {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k.linked = false
	delete(b.open, k)
}

// take charges n bytes more to k, for which another body may have to go.
func (b *bodies) take(k *bodyCharge, n int64) error {
	for range maxVictims {
		err := b.share.Take(k.client, n)
		if err == nil {
			b.add(k, n)
			return nil
		}
		var full *budget.FullError
		if !errors.As(err, &full) {
			return err
		}
		if full.Never() || !b.endOne(k, n, full.Client) {
			return noRoom(full)
		}
	}
	err := b.share.Take(k.client, n)
	if err == nil {
		b.add(k, n)
		return nil
	}
	var full *budget.FullError
	if errors.As(err, &full) {
		return noRoom(full)
	}
	return err
}

func (b *bodies) add(k *bodyCharge, n int64) {
	b.mu.Lock()
	k.n += n
	b.mu.Unlock()
}

// giveBack gives n of the bytes back that k was charged.
func (b *bodies) giveBack(k *bodyCharge, n int64) {
	b.mu.Lock()
	k.n -= n
	b.mu.Unlock()
	b.share.Give(k.client, n)
}

// give gives all back that k was charged.
func (b *bodies) give(k *bodyCharge) {
	b.came(k)
	b.mu.Lock()
	n, waiting := k.n, k.waiting
	k.n, k.waiting = 0, nil
	b.mu.Unlock()
	b.share.Give(k.client, n)
	if waiting != nil {
		close(waiting)
	}
}

// endOne ends a body to make room for n bytes of k, of the same client where only its own part is used up, and waits until what that
// one kept is there. It tells whether there was one.
func (b *bodies) endOne(k *bodyCharge, n int64, own bool) bool {
	now := b.now()
	b.mu.Lock()
	var victim *bodyCharge
	for o := range b.open {
		if o == k || own && o.client != k.client || o.conn == nil || o.victim.Load() {
			continue
		}
		stalled := now.Sub(time.Unix(0, o.heard.Load())) > stalledAfter
		if (stalled || o.n > largerBy*(k.n+n)) && (victim == nil || o.n > victim.n) {
			victim = o
		}
	}
	if victim == nil {
		b.mu.Unlock()
		return false
	}
	victim.victim.Store(true)
	gone := make(chan struct{})
	victim.waiting = gone
	conn := victim.conn
	b.mu.Unlock()
	_ = conn.Conn.SetReadDeadline(past) // one that is gone anyway needs none
	patience := time.NewTimer(victimTime)
	defer patience.Stop()
	select {
	case <-gone:
	case <-patience.C:
	}
	return true
}

// take charges n bytes more to the request.
func (c *Context) take(n int64) error {
	if c.charge == nil {
		c.charge = &bodyCharge{client: c.Client()}
	}
	return c.server.bodies.take(c.charge, n)
}

// heard notes that a piece of the body came.
func (c *Context) heard() { c.charge.heard.Store(c.server.bodies.now().UnixNano()) }

// receive prepares to read the body. It is called once a request at most; afterwards [Context.received] is.
func (c *Context) receive() error {
	if c.charge == nil {
		c.charge = &bodyCharge{client: c.Client(), conn: c.conn}
	}
	c.server.bodies.begin(c.charge)
	return c.take(leastBody)
}

// received ends what receive began.
func (c *Context) received() {
	if c.charge != nil {
		c.server.bodies.came(c.charge)
	}
}

// ended returns the answer to a request whose body was ended to make room for others, nil when it was not.
func (c *Context) ended() error {
	if c.charge == nil || !c.charge.victim.Load() {
		return nil
	}
	return noRoom(&budget.FullError{Share: "bodies", Wanted: c.charge.n, Limit: c.charge.n})
}
