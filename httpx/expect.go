package httpx

import (
	"bufio"
	"io"
	"net/http/httputil"

	"github.com/valyala/fasthttp"
)

// expect answers a request whose client waits for "100 Continue" before it sends its body. The request is answered here as
// any other; the client is told to go on when the body is read for the first time, so whoever is refused unread is answered at once, and has
// sent nothing in vain. The connection is closed afterwards: fasthttp knows nothing of the body.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	nc := connOf(ctx.Conn())
	if nc == nil || !nc.checked {
		return fasthttp.StatusContinue // its body may have begun to come in, behind the request before
	}
	nc.invited = &invited{conn: nc, length: ctx.Request.Header.ContentLength()}
	s.answer(ctx, s.router.Load())
	nc.invited = nil
	return ctx.Response.StatusCode()
}

// invited is the body of a client that waits to be told to send it.
type invited struct {
	conn   *conn
	length int
	body   io.Reader
}

// Read implements io.Reader.
func (b *invited) Read(p []byte) (int, error) {
	if b.body == nil {
		if _, err := io.WriteString(b.conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return 0, err
		}
		if b.length >= 0 {
			b.body = io.LimitReader(b.conn, int64(b.length))
		} else {
			b.body = httputil.NewChunkedReader(bufio.NewReader(b.conn))
		}
	}
	return b.body.Read(p)
}
