package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// handle is the outermost handler: no panic leaves it.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	c := s.contexts.Get().(*Context)
	c.ctx, c.server, c.policy = ctx, s, s.policy.Load()
	defer s.release(c)
	c.method = methodName(ctx.Method())
	c.path, c.query = splitURI(ctx.Request.Header.RequestURI())
	if s.redirect(c) {
		return
	}
	if c.method == fasthttp.MethodOptions {
		s.preflight(c)
		return
	}
	s.route(c)
	began := time.Now()
	shown := s.run(c)
	if s.opts.Observe != nil && (shown != nil || !c.match.route.Quiet) {
		s.opts.Observe(c, ctx.Response.StatusCode(), time.Since(began), shown)
	}
}

// release ends a request: it is the guard of last resort, for a panic outside of a handler, and gives c back.
func (s *Server) release(c *Context) {
	if p := recover(); p != nil {
		s.fail(c, s.panicked(c, p))
	}
	c.reset()
	s.contexts.Put(c)
}

// run passes c through the layers of a routed request and returns what went wrong as a client saw it.
func (s *Server) run(c *Context) (shown *Error) {
	h := &c.ctx.Response.Header
	h.SetCanonical(headVary, valueOrigin)
	if origin := c.ctx.Request.Header.Peek("Origin"); len(origin) > 0 {
		if allow := s.cors.allowed(origin); allow != "" {
			h.Set("Access-Control-Allow-Origin", allow)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			shown = s.panicked(c, p)
			s.fail(c, shown)
		}
	}()
	h.SetCanonical(headXSS, valueXSS)
	h.SetCanonical(headNoSniff, valueNoSniff)
	h.SetCanonical(headFrame, valueFrame)
	if err := s.layers(c); err != nil {
		shown = s.explain(c, err)
		s.fail(c, shown)
	}
	return shown
}

// layers is the order of system.md 1.2 from the token on.
func (s *Server) layers(c *Context) error {
	if s.opts.Authenticate != nil {
		if token := bearer(c.ctx.Request.Header.Peek("Authorization")); len(token) > 0 {
			c.Auth = s.opts.Authenticate(c, string(token))
		}
	}
	if c.Auth != nil && c.Auth.Superuser && !c.SuperuserAllowed() {
		return NewError(fasthttp.StatusForbidden, "")
	}
	if err := c.limitRequest(); err != nil {
		return err
	}
	if err := c.limitBody(); err != nil {
		return err
	}
	if guard := c.match.route.Guard; guard != nil {
		if err := guard(c); err != nil {
			return err
		}
	}
	return c.match.route.Handler(c)
}

// route finds the route of c, or the server's own for paths without one.
func (s *Server) route(c *Context) {
	if s.router.Load().find(c.method, c.path, &c.match) {
		return
	}
	c.match = match{route: s.unknown, names: catchAllNames}
	if c.method == fasthttp.MethodGet || c.method == fasthttp.MethodHead {
		c.match.route = s.files
	}
	c.match.values[0] = c.path[1:]
}

var catchAllNames = []string{"path"}

// limitBody refuses a body that says beforehand that it is too long.
func (c *Context) limitBody() error {
	c.limit = DefaultBodyLimit
	if f := c.match.route.BodyLimit; f != nil {
		limit, err := f(c)
		if err != nil {
			return err
		}
		c.limit = limit
	}
	if c.limit >= 0 && int64(c.ctx.Request.Header.ContentLength()) > c.limit {
		return ErrTooLarge
	}
	return nil
}

// expect decides whether a client that waits for "100 Continue" may send its body: not if it would be refused unread.
func (s *Server) expect(ctx *fasthttp.RequestCtx) int {
	c := s.contexts.Get().(*Context)
	c.ctx, c.server, c.policy = ctx, s, s.policy.Load()
	defer s.release(c)
	c.method = methodName(ctx.Method())
	c.path, c.query = splitURI(ctx.Request.Header.RequestURI())
	s.route(c)
	if err := c.limitBody(); err == nil {
		return fasthttp.StatusContinue
	}
	// The handler will not be called for a refused expectation, so this is the answer. Its layers stop before they read.
	s.handle(ctx)
	return ctx.Response.StatusCode()
}

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
	if r := s.router.Load(); len(c.path) > 1 && r.wantsSlash(c.method, c.path) {
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
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		c.ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	c.ctx.Response.ResetBody()
	c.SendRaw(e.Status, "application/json", e.AppendJSON(c.Buffer()))
}

// bearer returns the token of an Authorization header: all of it, or what follows "Bearer " in any case.
func bearer(header []byte) []byte {
	const scheme = "bearer "
	if len(header) >= len(scheme) && bytes.EqualFold(header[:len(scheme)], []byte(scheme)) {
		return header[len(scheme):]
	}
	return header
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

var (
	headVary     = []byte("Vary")
	valueOrigin  = []byte("Origin")
	headXSS      = []byte("X-Xss-Protection")
	valueXSS     = []byte("1; mode=block")
	headNoSniff  = []byte("X-Content-Type-Options")
	valueNoSniff = []byte("nosniff")
	headFrame    = []byte("X-Frame-Options")
	valueFrame   = []byte("SAMEORIGIN")
)
