package realtime

import (
	"sync"
	"sync/atomic"
)

const (
	// maxOwed is how much all clients together may be owed, by weight, before writers have to wait: some hundred events for
	// each of a thousand clients, a few MiB of queues. It is far more than what clients that keep up ever have.
	maxOwed = 1 << 18
	// maxStalled is how much a client may be owed whose connection takes nothing: a little longer than a hiccup of the
	// network at the rate of a busy server. It is dropped beyond.
	maxStalled = 8192
)

// debt counts what clients that keep up are owed. Whoever adds to it waits while it is too high. Safe for concurrent use.
type debt struct {
	owed    atomic.Int64
	waiting atomic.Int32
	mu      sync.Mutex
	less    sync.Cond
	closed  bool
}

func (d *debt) add(n int64) {
	if d.owed.Add(n) <= maxOwed && n < 0 && d.waiting.Load() > 0 {
		d.mu.Lock()
		d.less.Broadcast()
		d.mu.Unlock()
	}
}

// wait returns when the debt is below its bound, or closed.
func (d *debt) wait() {
	if d.owed.Load() <= maxOwed {
		return
	}
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.owed.Load() > maxOwed && !d.closed {
		d.less.Wait()
	}
}

func (d *debt) close() {
	d.mu.Lock()
	d.closed = true
	d.less.Broadcast()
	d.mu.Unlock()
}

// outbox holds what a client is still to be sent, in order. Safe for concurrent use.
type outbox struct {
	mu       sync.Mutex
	queue    []*message
	weight   int64 // of the queue
	awake    bool  // the actor knows that there is something
	stalled  bool  // the connection takes nothing: the queue is not part of the debt
	shut     bool  // nothing is taken any more
	finished bool  // the last message was put
}

// outcome of putting messages into an outbox.
type outcome int

const (
	put  outcome = iota // nothing is to be done
	wake                // the actor must be told
	full                // the client is too slow
)

// put appends messages.
func (o *outbox) put(d *debt, messages ...*message) outcome {
	var weight int64
	for _, m := range messages {
		weight += m.weight()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shut || o.finished {
		return put
	}
	if o.stalled && o.weight+weight > maxStalled {
		return full
	}
	o.queue = append(o.queue, messages...)
	o.weight += weight
	if !o.stalled {
		d.add(weight)
	}
	return o.rouse()
}

// finish appends the last message; what is put later is dropped.
func (o *outbox) finish(d *debt, m *message) outcome {
	w := o.put(d, m)
	o.mu.Lock()
	o.finished = true
	o.mu.Unlock()
	return w
}

func (o *outbox) rouse() outcome {
	if o.awake {
		return put
	}
	o.awake = true
	return wake
}

// take moves the queue into dst, empty when the actor may rest. last tells that nothing follows.
func (o *outbox) take(d *debt, dst []*message) (messages []*message, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	messages = append(dst[:0], o.queue...)
	clear(o.queue)
	if cap(o.queue) > keptQueue {
		o.queue = nil
	} else {
		o.queue = o.queue[:0]
	}
	if !o.stalled {
		d.add(-o.weight)
	}
	o.weight = 0
	o.awake = len(messages) > 0
	return messages, o.finished
}

// keptQueue is how long a queue may be that an idle client keeps, for the sake of memory.
const keptQueue = 4

// stall and resume tell that the connection takes nothing, and takes bytes again.
func (o *outbox) stall(d *debt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.stalled && !o.shut {
		o.stalled = true
		d.add(-o.weight)
	}
}

func (o *outbox) resume(d *debt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stalled && !o.shut {
		o.stalled = false
		d.add(o.weight)
	}
}

// close drops the queue for good.
func (o *outbox) close(d *debt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.stalled && !o.shut {
		d.add(-o.weight)
	}
	o.queue, o.weight, o.shut = nil, 0, true
}
