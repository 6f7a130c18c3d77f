package httpx

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/troupebase/troupe/storage/budget"
)

const (
	// lingerTime and lingerBytes bound what is read of a peer that was answered before it had sent everything. A connection that is
	// closed on unread bytes resets, and the peer never sees the answer.
	lingerTime  = 2 * time.Second
	lingerBytes = DefaultBodyLimit
)

// readHead reads until a head is complete. It fails with what [conn.fail] answers.
func (c *conn) readHead() error {
	c.discharge()
	began := len(c.ahead) > c.off
	deadline := time.Now().Add(headerTimeout)
	if !began && !c.deadline.IsZero() {
		deadline = c.deadline
	}
	c.armed.read = deadline
	if err := c.Conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	if !began {
		var first [1]byte
		if _, err := io.ReadFull(c.Conn, first[:]); err != nil {
			return errNothing
		}
		c.dropAhead()
		c.ahead = append(heads.Get().(*[firstHead]byte)[:0], first[0])
		c.armed.read = time.Now().Add(headerTimeout)
		if err := c.Conn.SetReadDeadline(c.armed.read); err != nil {
			return err
		}
	}
	var s headScanner
	for {
		end, err := s.scan(c.ahead[c.off:])
		switch {
		case err != nil:
			return err
		case end > maxHeader:
			return errHeadTooLarge
		case end > 0:
			c.head = end
			return c.charge(end)
		}
		if err := c.readMore(); err != nil {
			return err
		}
	}
}

// errNothing says that a peer went away, or was idle for too long, before it began a request: there is nobody to tell.
var errNothing = errors.New("no request")

// readMore reads into the room behind what was read, and makes some when there is none.
func (c *conn) readMore() error {
	if len(c.ahead) == cap(c.ahead) {
		if len(c.ahead)-c.off > maxHeader {
			return errHeadTooLarge
		}
		// A little more than the limit tells that it was passed.
		size := min(max(cap(c.ahead), firstHead)*headGrowth, readBuffers[len(readBuffers)-1])
		if err := c.charge(size); err != nil {
			return err
		}
		grown := append(make([]byte, 0, size), c.ahead[c.off:]...)
		head := c.head
		c.dropAhead()
		c.ahead, c.head = grown, head
	}
	n, err := c.Conn.Read(c.ahead[len(c.ahead):cap(c.ahead)])
	c.ahead = c.ahead[:len(c.ahead)+n]
	if n > 0 {
		return nil
	}
	return err
}

// charge takes what a head of n bytes keeps from the share: its bytes here and in fasthttp's buffer.
func (c *conn) charge(n int) error {
	if n <= freeHead {
		return nil
	}
	more := 2*int64(n) - c.charged
	if err := c.server.opts.Bodies.Take(c.client, more); err != nil {
		return err
	}
	c.charged += max(more, 0)
	return nil
}

// fail answers a head that was not read to its end, if there is somebody to answer, and closes.
func (c *conn) fail(err error) {
	var full *budget.FullError
	switch {
	case errors.Is(err, errNothing):
	case errors.Is(err, errHeadTooLarge):
		c.refuse(&Error{Status: fasthttp.StatusRequestHeaderFieldsTooLarge, Message: "The address and the headers of a request may have 256 KiB."}, lingerTime)
		return
	case errors.Is(err, errHeadMalformed):
		c.refuse(&Error{Status: fasthttp.StatusBadRequest, Message: malformedHead}, lingerTime)
		return
	case errors.As(err, &full):
		c.refuse(noRoom(full), lingerTime)
		return
	case timedOut(err):
		c.refuse(&Error{Status: fasthttp.StatusRequestTimeout, Message: "The request did not come in in time."}, lingerTime)
		return
	}
	c.end()
}

// refuse answers on a connection that fasthttp does not have, waits a while for the peer to read that, and closes.
func (c *conn) refuse(e *Error, patience time.Duration) {
	defer c.end()
	c.server.log.Debug("connection refused", slog.Int("status", e.Status), slog.String("client", c.client))
	body := e.AppendJSON(nil)
	var h fasthttp.ResponseHeader
	h.SetStatusCode(e.Status)
	h.SetContentType("application/json")
	h.SetContentLength(len(body))
	h.SetConnectionClose()
	if e.RetryAfter > 0 {
		h.Set(fasthttp.HeaderRetryAfter, retryAfter(e.RetryAfter))
	}
	if err := c.Conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return
	}
	if _, err := c.Conn.Write(append(h.Header(), body...)); err == nil {
		c.linger(patience)
	}
}

// linger ends what is sent and reads what the peer still sends, for a while, so that closing does not take the answer away from it.
func (c *conn) linger(patience time.Duration) {
	w, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || w.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(patience)) != nil {
		return
	}
	// It ends with the peer's end or the deadline; neither is a failure.
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
}

var _ net.Conn = (*conn)(nil)
