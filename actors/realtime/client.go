package realtime

import (
	"crypto/rand"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/storage/filter"
)

const (
	// wireSize is how much is written to a connection at once.
	wireSize = 64 << 10
	// socketSize is how much the system keeps for a connection that is not read. By itself it keeps several MiB, which a stranger can have
	// for each stream, and tells that there is room again only when a third is free: who reads would seem to stand still for seconds.
	socketSize = 128 << 10
)

// client is one stream. Its outbox takes what is to be sent; its actor alone writes to the connection. It is small on
// purpose: there may be very many.
type client struct {
	hub  *Hub
	conn net.Conn
	raw  syscall.RawConn // nil when the connection is no plain socket
	id   string
	ip   string
	// account is who is charged for what the client makes the hub keep.
	account string
	// plain tells that the client does not know chunks: HTTP/1.0.
	plain bool
	ref   atomic.Pointer[actors.Ref]
	outbox

	key     uint32 // under which the watcher knows the connection
	began   int32  // seconds since the hub began
	told    atomic.Int32
	written atomic.Int32
	heavy   atomic.Int64 // nanoseconds that heavy messages took, see heavyLimit
	gone    atomic.Bool
	behind  atomic.Bool // it is one of hub.slow
	slow    atomic.Bool // somebody waits for the connection to take more

	// Under the hub's lock.
	subscriptions []*subscription
	who           *filter.Identity
}

// newClientID returns a random id.
func newClientID() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const fair = 256 - 256%len(letters)
	id := make([]byte, 0, clientIDLength)
	var random [clientIDLength]byte
	for {
		_, _ = rand.Read(random[:]) // never fails, see crypto/rand
		for _, b := range random {
			if int(b) >= fair {
				continue
			}
			if id = append(id, letters[int(b)%len(letters)]); len(id) == clientIDLength {
				return string(id)
			}
		}
	}
}

// send puts messages into the outbox and wakes the actor. Each was counted as held by it.
func (c *client) send(messages ...*message) { c.act(c.put(messages...)) }

func (c *client) act(o outcome) {
	switch o {
	case wake:
		c.wake()
	case full:
		c.hub.drop(c, "too slow")
	case put:
	}
}

// wake tells the actor that there is something in the outbox. Before it was spawned there is nobody to tell; it looks by
// itself then.
func (c *client) wake() {
	if ref := c.ref.Load(); ref != nil {
		ref.Send(c)
	}
}

// end finishes the stream: what is in the outbox is still sent.
func (c *client) end() { c.act(c.finish(endMessage)) }

// streams is the behaviour of the actors of all clients. The message is the client itself, so that an actor has no state
// that a restart could lose.
type streams struct{}

// Receive implements actors.Actor. Whatever goes wrong ends this one stream.
func (streams) Receive(_ actors.Ref, message any) {
	c, ok := message.(*client)
	if !ok {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.hub.opts.Logger.Error("realtime: send to a client", "error", fmt.Sprint(v), "stack", string(debug.Stack()))
			c.hub.drop(c, "failed")
		}
	}()
	if c.hub.fault.Load() == c {
		panic("on purpose")
	}
	c.flush()
}

// wire is a buffer for what goes to a connection in one write, with what a write that must not wait needs.
type wire struct {
	buf []byte
	try func(fd uintptr) bool
	n   int
	err error
}

var wires = sync.Pool{New: func() any {
	w := &wire{buf: make([]byte, 0, wireSize)}
	w.try = func(fd uintptr) bool {
		w.n, w.err = writeOnce(fd, w.buf)
		return true
	}
	return w
}}

// maxWrites is how often a client's actor writes in a turn before others may go on.
const maxWrites = 16

// flush sends what is in the outbox, as many messages at once as fit. It never waits for the connection.
func (c *client) flush() {
	if c.slow.Load() {
		return // whoever waits for the connection wakes the actor afterwards
	}
	w := wires.Get().(*wire)
	defer wires.Put(w)
	for range maxWrites {
		w.buf = c.peek(w.buf[:0])
		if c.raw == nil && len(w.buf) > 0 {
			c.writeElsewhere()
			return
		}
		if w.n = 0; len(w.buf) > 0 && !c.write(w) {
			return
		}
		more, last := c.sent(w.n)
		if last {
			c.hub.drop(c, "ended")
			return
		}
		if w.n < len(w.buf) {
			c.await()
			return
		}
		if !more {
			c.hub.slow.remove(c)
			return
		}
	}
	c.wake()
}

// write writes what the connection takes of the buffer. It returns false when the client is gone.
func (c *client) write(w *wire) bool {
	err := c.raw.Write(w.try)
	if err == nil {
		err = w.err
	}
	if err != nil {
		c.hub.drop(c, "write failed")
		return false
	}
	c.took(w.n)
	return true
}

// took notes that the connection took bytes.
func (c *client) took(n int) {
	c.written.Store(c.hub.seconds())
	c.hub.slow.took(c, n)
}

// await has the actor woken when the connection takes more. Until then nobody writes to it.
func (c *client) await() {
	c.slow.Store(true)
	c.hub.slow.add(c)
	if !c.hub.watch.await(c) {
		c.writeElsewhere()
	}
}

// writable is called when the connection takes more.
func (c *client) writable() {
	c.slow.Store(false)
	c.wake()
}

// writeElsewhere writes on a goroutine that may wait for the connection.
func (c *client) writeElsewhere() {
	c.slow.Store(true)
	c.hub.slow.add(c)
	c.hub.run("write to a client", func() {
		if c.writeBlocking() {
			c.hub.slow.remove(c)
			c.writable()
		}
	})
}

// slowWire is how much such a goroutine writes at once.
const slowWire = 16 << 10

// writeBlocking writes until nothing is left. It returns false when the client is gone.
func (c *client) writeBlocking() bool {
	var buf []byte
	for {
		if weight, _ := c.owed(); buf == nil && weight > 1 {
			buf = make([]byte, 0, slowWire)
		} else if buf == nil {
			buf = make([]byte, 0, slowWire/16)
		}
		buf = c.peek(buf[:0])
		if len(buf) > 0 {
			n, err := c.conn.Write(buf)
			if err != nil {
				c.hub.drop(c, "write failed")
				return false
			}
			c.took(n)
		}
		more, last := c.sent(len(buf))
		if last {
			c.hub.drop(c, "ended")
			return false
		}
		if !more {
			return true
		}
	}
}
