package realtime

import "sync"

const (
	// maxStalled is how much a client may be owed that does not keep up: a little longer than a hiccup of the network at the rate
	// of a busy server. It is dropped beyond.
	maxStalled = 8192
	// stalledSize is what a client keeps that does not keep up, beside messages and queue; placeSize is a place in its queue.
	stalledSize, placeSize = 4096, 8
)

// outbox holds what a client is still to be sent, in order. Safe for concurrent use.
type outbox struct {
	mu       sync.Mutex
	queue    []*message
	next     int32 // of the queue, what is before it was sent
	offset   int   // in the next message, what is before it was sent
	weight   int64 // of what is left in the queue
	awake    bool  // the actor knows that there is something
	stalled  bool  // the client does not keep up: the queue is not part of the backlog but charged to it
	shut     bool  // nothing is taken any more
	finished bool  // the last message was put
	charged  int64 // bytes of a stalled client
}

// outcome of putting messages into an outbox.
type outcome int

const (
	put  outcome = iota // nothing is to be done
	wake                // the actor must be told
	full                // the client is too slow
)

// put appends messages. Each was counted as held by this outbox.
func (c *client) put(messages ...*message) outcome {
	var weight int64
	for _, m := range messages {
		weight += m.weight()
	}
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.shut || o.finished:
		releaseAll(messages)
		return put
	case o.stalled && (o.weight+weight > maxStalled || !c.chargeStalled(int64(len(messages))*placeSize)):
		releaseAll(messages)
		return full
	}
	o.queue = append(o.queue, messages...)
	o.weight += weight
	if !o.stalled {
		c.hub.backlog.add(weight)
	}
	return o.rouse()
}

func releaseAll(messages []*message) {
	for _, m := range messages {
		m.release()
	}
}

// finish appends the last message; what is put later is dropped.
func (c *client) finish(m *message) outcome {
	w := c.put(m)
	c.outbox.mu.Lock()
	c.outbox.finished = true
	c.outbox.mu.Unlock()
	return w
}

// rouse tells whether the actor is to be told: it does not know yet, and there is something that can be sent.
func (o *outbox) rouse() outcome {
	if o.awake || int(o.next) == len(o.queue) || o.queue[o.next].state.Load() == pending {
		return put
	}
	o.awake = true
	return wake
}

// settled tells that a message of the queue is not pending any more.
func (c *client) settled() outcome {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	c.skipVoid()
	return o.rouse()
}

// skipVoid removes messages from the front of the queue that are nobody's. The caller holds the outbox's lock.
func (c *client) skipVoid() {
	o := &c.outbox
	for int(o.next) < len(o.queue) && o.queue[o.next].state.Load() == void {
		c.pop()
	}
}

// pop removes the first message. The caller holds the outbox's lock.
func (c *client) pop() {
	o := &c.outbox
	m := o.queue[o.next]
	o.queue[o.next] = nil
	o.next++
	o.offset = 0
	o.weight -= m.weight()
	if o.stalled {
		c.hub.opts.Streams.Give(c.account, placeSize)
		o.charged -= placeSize
	} else {
		c.hub.backlog.add(-m.weight())
	}
	m.release()
	switch n := len(o.queue); {
	case int(o.next) < n:
		if o.next >= keptQueue && int(o.next) >= n/2 {
			o.queue = append(o.queue[:0], o.queue[o.next:]...)
			clear(o.queue[len(o.queue):n])
			o.next = 0
		}
	case cap(o.queue) > keptQueue:
		o.queue, o.next = nil, 0
	default:
		o.queue, o.next = o.queue[:0], 0
	}
}

// keptQueue is how long a queue may be that an idle client keeps, for the sake of memory.
const keptQueue = 4

// peek appends what is to be sent next to dst, up to its capacity. Nothing is removed: that is for sent.
func (c *client) peek(dst []byte) []byte {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	offset := o.offset
	for i := int(o.next); i < len(o.queue) && len(dst) < cap(dst); i++ {
		m := o.queue[i]
		switch m.state.Load() {
		case pending:
			return dst
		case void:
			continue
		}
		dst = m.appendTo(dst, c, offset)
		offset = 0
	}
	return dst
}

// sent removes n bytes that were sent. more tells that there is something left that can be sent, otherwise the actor may rest; last
// that nothing follows.
func (c *client) sent(n int) (more, last bool) {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	for int(o.next) < len(o.queue) {
		c.skipVoid()
		if int(o.next) == len(o.queue) || o.queue[o.next].state.Load() == pending {
			break
		}
		left := o.queue[o.next].length(c) - o.offset
		if n < left {
			o.offset += n
			break
		}
		n -= left
		c.pop()
	}
	empty := int(o.next) == len(o.queue)
	more = !empty && o.queue[o.next].state.Load() != pending
	o.awake = more
	return more, empty && o.finished
}

// stall makes a client one that does not keep up: nobody waits for it, it may be owed little, and its queue is charged to it. It
// returns false when that is too much already.
func (c *client) stall() bool {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stalled || o.shut {
		return true
	}
	if o.weight > maxStalled || !c.chargeStalled(stalledSize+int64(len(o.queue)-int(o.next))*placeSize) {
		return false
	}
	o.stalled = true
	c.hub.backlog.add(-o.weight)
	return true
}

// chargeStalled charges bytes to the client. The caller holds the outbox's lock.
func (c *client) chargeStalled(n int64) bool {
	if c.hub.opts.Streams.Take(c.account, n) != nil {
		return false
	}
	c.outbox.charged += n
	return true
}

// resume makes it one that keeps up again.
func (c *client) resume() {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stalled && !o.shut {
		o.stalled = false
		c.hub.backlog.add(o.weight)
		c.refund()
	}
}

func (c *client) refund() {
	c.hub.opts.Streams.Give(c.account, c.outbox.charged)
	c.outbox.charged = 0
}

// owed is what the client is owed, by weight.
func (o *outbox) owed() (weight int64, stalled bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.weight, o.stalled
}

// shutDown drops the queue for good.
func (c *client) shutDown() {
	o := &c.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut {
		return
	}
	if !o.stalled {
		c.hub.backlog.add(-o.weight)
	}
	releaseAll(o.queue[o.next:])
	c.refund()
	o.queue, o.next, o.weight, o.shut = nil, 0, 0, true
}
