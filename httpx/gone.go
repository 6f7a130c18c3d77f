package httpx

import "crypto/tls"

// Gone tells whether the client has hung up, so that nobody waits for the answer. It costs a system call: work that takes long
// asks now and then. It is called by the handler's goroutine.
func (c *Context) Gone() bool {
	nc := c.ctx.Conn()
	if own := connOf(nc); own != nil {
		nc = own.Conn // looked at, not taken away: the connection keeps its place
	}
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	return hungUp(nc)
}
