package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/valyala/fasthttp"
)

// handle is the outermost handler: no panic leaves it.
func (s *Server) handle(ctx *fasthttp.RequestCtx) { s.answer(ctx, s.router.Load()) }

// answer answers a request by one route table, which it keeps to its end.
func (s *Server) answer(ctx *fasthttp.RequestCtx, table *Router) {
	c := s.contexts.Get().(*Context)
	c.ctx, c.server, c.policy, c.router = ctx, s, s.policy.Load(), table
	c.conn = connOf(ctx.Conn())
	defer s.release(c)
	if s.stopped.Load() {
		ctx.SetConnectionClose()
	}
	if !c.wellFormed() {
		ctx.SetConnectionClose()
		s.fail(c, NewError(fasthttp.StatusBadRequest, malformedHead))
		return
	}
	c.method = methodName(ctx.Method())
	c.path, c.query = splitURI(ctx.Request.Header.RequestURI())
	if manyPairs(c.query) {
		s.fail(c, AsError(tooMany("parameters", maxPairs)))
		return
	}
	if s.redirect(c) {
		return
	}
	s.route(c)
	s.follow(c)
}

// release ends a request: it is the guard of last resort, for a panic outside of a handler, and gives c back.
func (s *Server) release(c *Context) {
	if p := recover(); p != nil {
		s.fail(c, s.panicked(c, p))
	}
	if nc := c.conn; nc != nil {
		nc.checked, nc.arrived = false, 0
		nc.lingers = c.ctx.Response.StatusCode() >= fasthttp.StatusBadRequest && c.ctx.Request.Header.ContentLength() != 0
	}
	c.reset()
	s.contexts.Put(c)
}

// wellFormed looks at a head that [conn] has not looked at: one that came in behind a body.
func (c *Context) wellFormed() bool {
	return c.conn == nil || c.conn.checked || isParsedHead(&c.ctx.Request.Header)
}

// route finds the route of c, or the server's own for paths without one.
func (s *Server) route(c *Context) {
	if c.router.find(c.method, c.path, &c.match) {
		return
	}
	c.match = match{route: s.unknown, names: catchAllNames, chain: c.router.rest}
	if c.method == fasthttp.MethodGet || c.method == fasthttp.MethodHead {
		c.match.route = s.files
	}
	c.match.values[0] = c.path[1:]
}

var catchAllNames = []string{"path"}

// redirect sends paths that are not clean and www hosts elsewhere, and refuses what is no path at all.
func (s *Server) redirect(c *Context) bool {
	if !wellFormed(c.path) {
		c.ctx.Error("400 Bad Request", fasthttp.StatusBadRequest)
		return true
	}
	if !clean(c.path) {
		c.moved(string(cleaned(c.path)))
		return true
	}
	if len(s.opts.Hosts) > 0 {
		if host, ok := s.bareHost(c.ctx.Request.Header.Host()); ok {
			scheme := "http://"
			if c.ctx.IsTLS() {
				scheme = "https://"
			}
			c.ctx.Response.Header.Set("Location", scheme+host+c.URI())
			c.ctx.SetStatusCode(fasthttp.StatusTemporaryRedirect)
			return true
		}
	}
	if r := c.router; len(c.path) > 1 && r.wantsSlash(c.method, c.path) {
		var m match
		if !r.find(c.method, c.path, &m) || len(m.route.Path) > 0 && strings.HasPrefix(m.route.Path, "/{") {
			c.moved(string(c.path) + "/")
			return true
		}
	}
	return false
}

// moved answers 307 with a short page, as an HTTP multiplexer would.
func (c *Context) moved(path string) {
	if len(c.query) > 0 {
		path += "?" + string(c.query)
	}
	c.ctx.Response.Header.Set("Location", path)
	c.ctx.SetStatusCode(fasthttp.StatusTemporaryRedirect)
	if c.method == fasthttp.MethodGet || c.method == fasthttp.MethodHead {
		c.ctx.Response.Header.SetContentType("text/html; charset=utf-8")
		c.ctx.SetBodyString("<a href=\"" + html.EscapeString(path) + "\">Temporary Redirect</a>.\n\n")
	}
}

// bareHost returns X of a host www.X (port kept) that is not served under its www name.
func (s *Server) bareHost(host []byte) (string, bool) {
	if !bytes.HasPrefix(host, []byte("www.")) {
		return "", false
	}
	bare := string(host[len("www."):])
	name := bare
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	found := false
	for _, h := range s.opts.Hosts {
		if h == "www."+name {
			return "", false
		}
		found = found || h == name
	}
	return bare, found
}

// explain turns any error into what a client sees; what it may not see is logged.
func (s *Server) explain(c *Context, err error) *Error {
	if e, ok := err.(*settled); ok {
		return e.answer
	}
	var own *Error
	if !errors.As(err, &own) && s.opts.MapError != nil {
		if e := s.opts.MapError(err); e != nil {
			return e
		}
	}
	e := AsError(err)
	if e.Status == fasthttp.StatusInternalServerError {
		s.log.Error("request failed", slog.Uint64("request", c.ctx.ID()), slog.String("method", c.method),
			slog.String("url", c.URI()), slog.Any("error", err))
	}
	return e
}

func (s *Server) panicked(c *Context, p any) *Error {
	s.log.Error("panic while handling a request", slog.Uint64("request", c.ctx.ID()), slog.String("method", c.method),
		slog.String("url", c.URI()), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
	return &Error{Status: fasthttp.StatusInternalServerError, Cause: fmt.Errorf("panic: %v", p)}
}

// fail replaces whatever the answer holds by the envelope of e.
func (s *Server) fail(c *Context, e *Error) {
	if e.RetryAfter > 0 {
		c.ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter(e.RetryAfter))
	}
	c.ctx.Response.ResetBody()
	c.ctx.Response.Header.SetContentEncoding("")
	c.SendRaw(e.Status, "application/json", e.AppendJSON(c.Buffer()))
}

// methodName returns the method as a string, without an allocation for those that are common.
func methodName(m []byte) string {
	for _, name := range methods {
		if string(m) == name {
			return name
		}
	}
	return string(m)
}

var methods = [...]string{"GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT"}
