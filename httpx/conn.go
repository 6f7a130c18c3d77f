package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// parkAfter is how long a kept connection stays with fasthttp between two requests. As long as it does it holds a read buffer and a
	// deep stack; a parked one costs a goroutine that waits for one byte.
	parkAfter = 2 * time.Second
	// maxHeader is how long request line and headers may be: programs send thousands of ids in a filter.
	maxHeader = 256 << 10
	// firstHead is what is set aside when the first byte of a head has come; most heads fit. It grows by headGrowth.
	firstHead, headGrowth = 1 << 10, 4
	// freeHead is how much of a head is not charged: it is bounded by the number of connections.
	freeHead = 4 << 10
)

// readBuffers are the sizes of fasthttp's read buffers, which have to hold a head as a whole. Nearly all requests are served with the
// first; a connection is served with a larger one for a single request.
var readBuffers = [...]int{8 << 10, 64 << 10, maxHeader + 1<<10}

// Where a connection is. Only idle ones change hands: a stopping server ends them.
const (
	connActive int32 = iota
	connIdle
	connEnding
)

// conn is a connection that comes to fasthttp with the complete head of a request and leaves it when the next one is not there soon: its Read
// reports a regular end then, its Close does not close, and a goroutine with next to no stack waits for the next head. So whoever
// sends slowly, or nothing, holds little. Apart from places, which may close it and end it when it is idle, it is used by one goroutine at a
// time.
type conn struct {
	net.Conn
	server *Server
	outer  net.Conn // what fasthttp knows it as
	addr   netip.Addr
	client string          // whom it is charged to
	work   context.Context // on behalf of client, once a request asked for it

	state    atomic.Int32
	deadline time.Time // of the idle time
	armed    armed     // what deadlines the socket has
	headless bool      // the next deadline to read is that of a head, which is there already
	again    bool      // Close waits for the next head
	lingers  bool      // Close lets the peer read the answer first
	checked  bool      // the head of the current request was looked at
	arrived  int       // how much had come in behind the head of the current request when that was complete
	invited  *invited  // the body of the current request, where its client waits to be told to send it

	ahead   []byte // read and not given out yet, after the first off bytes
	off     int
	head    int // how many of those are the head of the next request
	charged int64
	size    int // which of readBuffers it is served with

	before, after *conn // of places
	waiting       bool
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{Conn: nc, server: s, addr: addrOf(nc.RemoteAddr())}
	c.client, c.outer = ClientOf(c.addr), c
	if t, ok := nc.(tlsState); ok {
		c.outer = &tlsConn{c, t}
	}
	return c
}

// tlsState is how fasthttp recognises TLS.
type tlsState interface {
	Handshake() error
	ConnectionState() tls.ConnectionState
}

type tlsConn struct {
	*conn
	tlsState
}

// connOf returns the connection behind what fasthttp knows, nil for one that is not this server's.
func connOf(nc net.Conn) *conn {
	switch c := nc.(type) {
	case *conn:
		return c
	case *tlsConn:
		return c.conn
	}
	return nil
}

// connState learns from fasthttp when a connection is between two requests. The other states are reported after Close,
// when the connection may be in other hands already.
func connState(nc net.Conn, state fasthttp.ConnState) {
	switch c := connOf(nc); {
	case c == nil:
	case state == fasthttp.StateIdle:
		c.state.Store(connIdle)
	case state == fasthttp.StateActive:
		c.state.Store(connActive)
	}
}

// endIdle has a connection that is between two requests end at once.
func (c *conn) endIdle() {
	if c.state.CompareAndSwap(connIdle, connEnding) {
		c.Conn.SetReadDeadline(past)
	}
}

var past = time.Unix(1, 0)

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.head == 0 && c.state.Load() != connActive {
		return c.next(p)
	}
	if c.off == len(c.ahead) {
		return c.Conn.Read(p)
	}
	given := c.ahead[c.off:]
	if c.head > 0 {
		given = given[:c.head]
	}
	n := copy(p, given)
	c.off += n
	c.head = max(c.head-n, 0)
	if c.off == len(c.ahead) {
		c.dropAhead()
	}
	return n, nil
}

// next reads the head of the next request for fasthttp, if all of it is there. Else the connection leaves fasthttp, and waits.
func (c *conn) next(p []byte) (int, error) {
	c.lingers, c.checked = false, false
	if c.size > 0 || c.server.stopped.Load() {
		c.again = true
		return 0, io.EOF
	}
	if c.off < len(c.ahead) {
		return c.nextAhead(p)
	}
	n, err := c.Conn.Read(p)
	if n == 0 {
		c.again = timedOut(err)
		if c.again {
			err = io.EOF
		}
		return 0, err
	}
	var s headScanner
	end, err := s.scan(p[:n])
	if err != nil || end == 0 {
		c.ahead, c.again = append(c.ahead[:0], p[:n]...), true
		return 0, io.EOF
	}
	c.ahead = append(c.ahead, p[end:n]...)
	c.checked, c.headless, c.arrived = true, true, n-end
	return end, nil
}

// nextAhead is next for a head that came in behind the one before it.
func (c *conn) nextAhead(p []byte) (int, error) {
	var s headScanner
	end, err := s.scan(c.ahead[c.off:])
	if err != nil || end == 0 || end > readBuffers[0] {
		c.again = true
		return 0, io.EOF
	}
	c.head, c.checked, c.headless, c.arrived = end, true, true, len(c.ahead)-c.off-end
	return c.Read(p)
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// Close has the connection wait for the next request when Read has said so, otherwise it closes it.
func (c *conn) Close() error {
	if c.again {
		c.again = false
		c.server.start("serve a connection", c, c.wait)
		return nil
	}
	if c.lingers {
		c.linger(lingerTime)
	}
	return c.end()
}

// end closes the connection and gives back what it holds.
func (c *conn) end() error {
	err := c.Conn.Close()
	c.dropAhead()
	c.discharge()
	c.server.places.leave(c)
	return err
}

// wait blocks until the next head is complete, then has fasthttp serve it.
func (c *conn) wait() {
	c.size, c.headless = 0, false
	if !c.server.places.wait(c) {
		c.end()
		return
	}
	err := c.readHead()
	if !c.server.places.claim(c) {
		c.end() // it was closed to make room, or the server stops
		return
	}
	if err != nil {
		c.fail(err)
		return
	}
	for c.size < len(readBuffers)-1 && c.head >= readBuffers[c.size] {
		c.size++
	}
	c.checked, c.arrived = true, len(c.ahead)-c.off-c.head
	c.state.Store(connActive)
	// Its error is about the peer; fasthttp has answered and closed.
	_ = c.server.http[c.size].ServeConn(c.outer)
}

// dropAhead forgets the buffer, which is empty.
func (c *conn) dropAhead() {
	if cap(c.ahead) == firstHead {
		buffer := (*[firstHead]byte)(c.ahead[:firstHead])
		heads.Put(buffer)
	}
	c.ahead, c.off, c.head = nil, 0, 0
}

// heads are buffers for the beginning of heads.
var heads = sync.Pool{New: func() any { return new([firstHead]byte) }}

// discharge gives back what the head was charged.
func (c *conn) discharge() {
	c.server.opts.Bodies.Give(c.client, c.charged)
	c.charged = 0
}
