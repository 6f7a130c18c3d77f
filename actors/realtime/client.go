package realtime

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupebase/troupe/storage/filter"
)

const (
	// writeDeadline is how long a connection may take nothing before its client is dropped.
	writeDeadline = 10 * time.Second
	// wireSize is how large buffers are to begin with: enough for a burst of small messages.
	wireSize = 16 << 10
	// maxKeptWire is how large a buffer may have grown to be used again.
	maxKeptWire = 256 << 10
)

// client is one stream. Its outbox takes what is to be sent; its actor alone writes to the connection. It is small on
// purpose: there may be very many.
type client struct {
	hub  *Hub
	conn net.Conn
	raw  syscall.RawConn // nil when the connection is no plain socket
	id   string
	ip   string
	pid  atomic.Pointer[actor.PID]
	outbox

	key     uint32 // under which the watcher knows the connection
	began   int32  // seconds since the hub began
	told    atomic.Int32
	written atomic.Int32
	gone    atomic.Bool
	slow    atomic.Bool // a goroutine waits for the connection

	// Under the hub's lock.
	topics []*topic
	who    *filter.Identity
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

// send puts messages into the outbox and wakes the actor.
func (c *client) send(messages ...*message) { c.act(c.put(&c.hub.debt, messages...)) }

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
	if pid := c.pid.Load(); pid != nil {
		c.hub.opts.System.Root.Send(pid, c)
	}
}

// end finishes the stream: what is in the outbox is still sent.
func (c *client) end() { c.act(c.finish(&c.hub.debt, endMessage)) }

// streams is the behaviour of the actors of all clients. The message is the client itself, so that an actor has no state
// that a restart could lose.
type streams struct{}

// Receive implements actor.Actor. Whatever goes wrong ends this one stream.
func (streams) Receive(ctx actor.Context) {
	c, ok := ctx.Message().(*client)
	if !ok {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.hub.opts.Logger.Error("realtime: send to a client", "error", fmt.Sprint(v), "stack", string(debug.Stack()))
			c.hub.drop(c, "failed")
		}
	}()
	c.flush()
}

// wire is a buffer for what goes to a connection in one write, with what a write that must not wait needs.
type wire struct {
	buf      []byte
	messages []*message
	try      func(fd uintptr) bool
	n        int
	err      error
}

var wires = sync.Pool{New: func() any {
	w := &wire{buf: make([]byte, 0, wireSize)}
	w.try = func(fd uintptr) bool {
		w.n, w.err = writeOnce(fd, w.buf)
		return true
	}
	return w
}}

// flush sends everything in the outbox, as many messages at once as there are. It never waits for the connection.
func (c *client) flush() {
	if c.slow.Load() {
		return // whoever waits for the connection wakes the actor afterwards
	}
	w := wires.Get().(*wire)
	defer w.giveBack()
	for {
		var last bool
		w.messages, last = c.take(&c.hub.debt, w.messages)
		if len(w.messages) == 0 {
			if last {
				c.hub.drop(c, "ended")
			}
			return
		}
		w.buf = w.buf[:0]
		for _, m := range w.messages {
			w.buf = m.appendTo(w.buf, c.id)
		}
		if !c.write(w) {
			return
		}
	}
}

func (w *wire) giveBack() {
	clear(w.messages)
	if cap(w.buf) <= maxKeptWire {
		wires.Put(w)
	}
}

// write sends the buffer. It returns false when the client is gone, or when the connection took only a part: the rest is
// then sent by a goroutine that waits for the connection, and the outbox is marked, so that nobody else waits.
func (c *client) write(w *wire) bool {
	rest := w.buf
	if c.raw != nil {
		err := c.raw.Write(w.try)
		if err == nil {
			err = w.err
		}
		if err != nil {
			c.hub.drop(c, "write failed")
			return false
		}
		rest = rest[w.n:]
	}
	if len(rest) > 0 {
		c.slow.Store(true)
		c.stall(&c.hub.debt)
		rest = bytes.Clone(rest)
		go c.hub.guard("wait for a slow client", func() { c.writeSlowly(rest) })
		return false
	}
	c.written.Store(c.hub.seconds())
	return true
}

func (c *client) writeSlowly(rest []byte) {
	err := c.conn.SetWriteDeadline(time.Now().Add(writeDeadline))
	if err == nil {
		_, err = c.conn.Write(rest)
	}
	if err == nil {
		err = c.conn.SetWriteDeadline(time.Time{})
	}
	if err != nil {
		c.hub.drop(c, "too slow")
		return
	}
	c.written.Store(c.hub.seconds())
	c.resume(&c.hub.debt)
	c.slow.Store(false)
	c.wake()
}
