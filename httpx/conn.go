package httpx

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// parkAfter is how long a kept connection stays with fasthttp between two requests. As long as it does it holds a read
// buffer of [maxHeader] bytes; a parked one costs a goroutine that waits for one byte.
const parkAfter = 2 * time.Second

// lot holds the parked connections, so that a stopping server can close them.
type lot struct {
	serve func(net.Conn) error
	after time.Duration

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
}

func (l *lot) enter(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.conns[c] = struct{}{}
	return true
}

// leave tells whether c was still there, and so is the caller's.
func (l *lot) leave(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.conns[c]
	delete(l.conns, c)
	return ok
}

func (l *lot) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// close ends all parked connections; none is parked afterwards.
func (l *lot) close() {
	l.mu.Lock()
	conns := l.conns
	l.conns, l.closed = make(map[*conn]struct{}), true
	l.mu.Unlock()
	for c := range conns {
		c.Conn.Close()
	}
}

// parkingListener makes connections that can be parked.
type parkingListener struct {
	net.Listener
	lot *lot
}

// Accept implements net.Listener.
func (l parkingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, lot: l.lot}
	if t, ok := nc.(tlsState); ok {
		c.outer = &tlsConn{c, t}
	} else {
		c.outer = c
	}
	return c.outer, nil
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

// conn is a connection that leaves fasthttp when it is idle for long: its Read reports a regular end, its Close then does
// not close but waits for the first byte of the next request, with which it is served again. Apart from Close it is used
// by one goroutine at a time.
type conn struct {
	net.Conn
	lot      *lot
	outer    net.Conn // what fasthttp knows it as
	idle     bool
	deadline time.Time // of the idle time
	first    [1]byte
	has      bool // first was read and is to be read next

	mu     sync.Mutex
	parked bool // by Read, to be taken by the next Close
}

// connState learns from fasthttp when a connection is between two requests. The other states are reported after Close,
// when the connection may be in other hands already.
func connState(nc net.Conn, state fasthttp.ConnState) {
	if state != fasthttp.StateIdle && state != fasthttp.StateActive {
		return
	}
	switch c := nc.(type) {
	case *conn:
		c.idle = state == fasthttp.StateIdle
	case *tlsConn:
		c.idle = state == fasthttp.StateIdle
	}
}

// SetReadDeadline shortens the deadline of an idle connection to the time after which it is parked.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.idle {
		c.deadline = t
		if early := time.Now().Add(c.lot.after); t.IsZero() || early.Before(t) {
			t = early
		}
	}
	return c.Conn.SetReadDeadline(t)
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.has && len(p) > 0 {
		p[0], c.has = c.first[0], false
		return 1, nil
	}
	n, err := c.Conn.Read(p)
	if c.idle && n == 0 && timedOut(err) {
		c.mu.Lock()
		c.parked = true
		c.mu.Unlock()
		return 0, io.EOF
	}
	return n, err
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// Close parks the connection when Read has said so, otherwise it closes it.
func (c *conn) Close() error {
	c.mu.Lock()
	parked := c.parked
	c.parked = false
	c.mu.Unlock()
	if parked && c.lot.enter(c) {
		go c.wait()
		return nil
	}
	return c.Conn.Close()
}

// wait blocks until the next request begins, then serves the connection again.
func (c *conn) wait() {
	err := c.Conn.SetReadDeadline(c.deadline)
	n := 0
	if err == nil {
		n, err = io.ReadFull(c.Conn, c.first[:])
	}
	if !c.lot.leave(c) || n == 0 || err != nil {
		c.Conn.Close()
		return
	}
	c.has, c.idle = true, false
	// Its error is about the peer; fasthttp has answered and closed.
	_ = c.lot.serve(c.outer)
}

// Hijack takes the connection away from HTTP after the handler returned: nothing of this answer is sent, and fn gets the
// bare connection on a goroutine of its own, with the head of the answer (status line and headers as set by the layers
// and the handler, the blank line included, no length: the peer reads until the end) for it to write first. From then on
// the connection is fn's to write, close or keep; deadlines are off. A panic of fn is logged and closes it.
func (c *Context) Hijack(fn func(nc net.Conn, head []byte)) {
	c.sent = true
	log, id := c.server.log, c.ctx.ID()
	head := append([]byte(nil), c.ctx.Response.Header.Header()...)
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(nc net.Conn) {
		nc = bare(nc)
		defer func() {
			if p := recover(); p != nil {
				log.Error("panic on a connection taken over", slog.Uint64("request", id), slog.Any("panic", p),
					slog.String("stack", string(debug.Stack())))
				nc.Close()
			}
		}()
		fn(nc, head)
	})
}

// bare takes the wrappings of fasthttp and of this package off a hijacked connection.
func bare(nc net.Conn) net.Conn {
	if h, ok := nc.(interface{ UnsafeConn() net.Conn }); ok {
		nc = h.UnsafeConn()
	}
	switch w := nc.(type) {
	case *conn:
		return w.Conn
	case *tlsConn:
		return w.Conn
	}
	return nc
}
