package httpx

import (
	"log/slog"
	"net"
	"runtime/debug"
)

// KnowsChunks tells whether the peer speaks HTTP/1.1, and so may be answered in chunks.
func (c *Context) KnowsChunks() bool { return c.ctx.Request.Header.IsHTTP11() }

// Hijack takes the connection away from HTTP after the handler returned: nothing of this answer is sent, and fn gets the
// bare connection on a goroutine of its own, with the head of the answer (status line and headers as set by the layers
// and the handler, the blank line included, no length: the peer reads until the end) for it to write first. From then on
// the connection is fn's to write, close or keep; deadlines are off. Until it is closed it counts as one of its client's
// connections, and when there are no places left for clients with fewer it may be ended, which looks like a peer that hangs up. A panic of fn is logged and closes it.
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

// bare takes the wrappings of fasthttp and of this package off a hijacked connection, all but the one that gives its place back.
func bare(nc net.Conn) net.Conn {
	if h, ok := nc.(interface{ UnsafeConn() net.Conn }); ok {
		nc = h.UnsafeConn()
	}
	c := connOf(nc)
	if c == nil {
		return nc
	}
	c.dropAhead()
	c.discharge()
	t := &taken{conn: c.Conn, places: c.server.places, client: c.client} // and not all of c
	c.server.places.handOver(c, t)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return &takenTCP{TCPConn: tcp, place: t}
	}
	return &takenConn{Conn: c.Conn, place: t}
}

// taken is the place of a hijacked connection. newer, older and placed are of places.
type taken struct {
	conn         net.Conn
	places       *places
	client       string
	newer, older *taken
	placed       bool // it was neither given back nor taken away
}

// takenConn is a hijacked connection, which gives its place back when it is closed.
type takenConn struct {
	net.Conn
	place *taken
}

// Close implements net.Conn.
func (t *takenConn) Close() error {
	defer t.place.places.leaveTaken(t.place)
	return t.Conn.Close()
}

// takenTCP is takenConn with the way to its socket.
type takenTCP struct {
	*net.TCPConn
	place *taken
}

// Close implements net.Conn.
func (t *takenTCP) Close() error {
	defer t.place.places.leaveTaken(t.place)
	return t.TCPConn.Close()
}
