package httpx

import (
	"bytes"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// Ids of the server's own layers, by which a route, a group or the whole table can exclude them or put something else in
// their place.
const (
	CORSID           = "pbCors"
	ActivityLoggerID = "pbActivityLogger"
	PanicRecoverID   = "pbPanicRecover"
	LoadAuthTokenID  = "pbLoadAuthToken"
	SuperuserIPsID   = "pbSuperuserIPsWhitelist"
	SecurityID       = "pbSecurityHeaders"
	RateLimitID      = "pbRateLimit"
	BodyLimitID      = "pbBodyLimit"
)

// Priorities of the server's own layers. A middleware of a smaller one runs before the layer; of the same one after it.
// Redirects of hosts and of paths that are not clean come before all of them and cannot be excluded. OPTIONS is answered
// by CORS, so that only what is outside of it sees preflights: an inner one that asks for a token would refuse them.
const (
	CORSPriority           = -1041
	ActivityLoggerPriority = -1040
	PanicRecoverPriority   = -1030
	LoadAuthTokenPriority  = -1020
	SuperuserIPsPriority   = -1015
	SecurityPriority       = -1010
	RateLimitPriority      = -1000
	BodyLimitPriority      = -990
)

// A Layer is something that the server itself does around every route.
type Layer struct {
	// ID and Priority are those of the middleware that it is.
	ID       string
	Priority int
	// Description says what it does.
	Description string

	run    func(c *Context) error
	checks bool // as in [Middleware]
}

// layers are the server's own, from the outermost in: the one place where their order stands. One more is one more line.
var layers = [...]Layer{
	{CORSID, CORSPriority, "Answers OPTIONS, and tells browsers which origins may read the answer.", corsLayer, false},
	{ActivityLoggerID, ActivityLoggerPriority, "Reports the answer to the request log, panics included.", observeLayer, false},
	{PanicRecoverID, PanicRecoverPriority, "Makes an error of a panic.", recoverLayer, false},
	{LoadAuthTokenID, LoadAuthTokenPriority, "Finds out who makes the request, by its token.", authLayer, true},
	{SuperuserIPsID, SuperuserIPsPriority, "Refuses superusers from addresses that are not theirs.", superuserLayer, true},
	{SecurityID, SecurityPriority, "Sets the security headers.", securityLayer, true},
	{RateLimitID, RateLimitPriority, "Refuses requests beyond the rate limits.", (*Context).limitRequest, true},
	{BodyLimitID, BodyLimitPriority, "Refuses a body that is announced as too long, and bounds the others.", (*Context).limitBody, true},
}

// Layers returns the server's own layers, the outermost first.
func Layers() []Layer { return slices.Clone(layers[:]) }

// middleware returns the layer as what routes have around them.
func (l *Layer) middleware() Middleware {
	return Middleware{ID: l.ID, Priority: l.Priority, Func: l.run, checks: l.checks}
}

// ownLayers returns the layers as middlewares.
func ownLayers() []Middleware {
	list := make([]Middleware, 0, len(layers))
	for i := range layers {
		list = append(list, layers[i].middleware())
	}
	return list
}

// ownLayer returns one of the layers as a middleware.
func ownLayer(id string) Middleware {
	i := slices.IndexFunc(layers[:], func(l Layer) bool { return l.ID == id })
	return layers[i].middleware()
}

func corsLayer(c *Context) error {
	if c.method == fasthttp.MethodOptions {
		c.server.preflight(c)
		return nil
	}
	c.allowOrigin()
	return c.Next()
}

// observeLayer reports what the layers inside of it made of the request, panics included. What a middleware outside of
// it makes of that is not in the log.
func observeLayer(c *Context) error {
	s, began := c.server, time.Now()
	err := recoverLayer(c)
	status, answer := c.StatusCode(), (*Error)(nil)
	if err != nil {
		answer = s.explain(c, err)
		status = answer.Status
		if err != error(answer) || status == fasthttp.StatusInternalServerError {
			err = &settled{err, answer}
		}
	}
	if s.opts.Observe != nil && (answer != nil || !c.match.route.Quiet && !c.quiet) {
		s.opts.Observe(c, status, time.Since(began), answer)
	}
	return err
}

// recoverLayer makes an error of a panic, so that middlewares outside of it can see to it.
func recoverLayer(c *Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e := c.server.panicked(c, p)
			err = &settled{e, e}
		}
	}()
	return c.Next()
}

func authLayer(c *Context) error {
	c.loadAuth()
	return nil
}

// superuserLayer is [Context.limitSuperuser] whose refusal has the security headers, which are set further in.
func superuserLayer(c *Context) error {
	err := c.limitSuperuser()
	if err != nil {
		c.protect()
	}
	return err
}

func securityLayer(c *Context) error {
	c.protect()
	return nil
}

// settled is an error whose answer was worked out, and logged, on its way out.
type settled struct {
	error
	answer *Error
}

// Unwrap returns the error as it came from inside.
func (e *settled) Unwrap() error { return e.error }

// allowOrigin sets the headers of CORS for requests that are no preflight.
func (c *Context) allowOrigin() {
	h := &c.ctx.Response.Header
	h.SetCanonical(headVary, valueOrigin)
	if origin := c.ctx.Request.Header.Peek("Origin"); len(origin) > 0 {
		if allow := c.server.cors.allowed(origin); allow != "" {
			h.Set("Access-Control-Allow-Origin", allow)
		}
	}
}

// protect sets the security headers.
func (c *Context) protect() {
	h := &c.ctx.Response.Header
	h.SetCanonical(headXSS, valueXSS)
	h.SetCanonical(headNoSniff, valueNoSniff)
	h.SetCanonical(headFrame, valueFrame)
}

// Identify looks again whose token the request carries and sets [Context.Auth] to that, for handlers that use an identity
// after they have waited for something. It asks no guard.
func (c *Context) Identify() { c.loadAuth() }

// identifyAgain is [Context.Identify] for the moment when a body has come in, with what follows from it: whom the guard would
// not let through any more gets its answer. While nothing has moved that the identity rests on it costs a comparison.
func (c *Context) identifyAgain() error {
	if current := c.server.opts.Current; c.Auth == nil || current == nil || current(c.Auth) {
		return nil
	}
	c.loadAuth()
	if err := c.limitSuperuser(); err != nil {
		c.bodyIs = err
	} else if guard := c.match.route.Guard; guard != nil {
		c.bodyIs = guard(c)
	}
	return c.bodyIs
}

// loadAuth signs in whose token the request carries.
func (c *Context) loadAuth() {
	if c.server.opts.Authenticate == nil {
		return
	}
	c.Auth = nil
	if token := bearer(c.ctx.Request.Header.Peek("Authorization")); len(token) > 0 {
		c.Auth = c.server.opts.Authenticate(c, string(token))
	}
}

// limitSuperuser refuses superusers from addresses that are not theirs.
func (c *Context) limitSuperuser() error {
	if c.Auth != nil && c.Auth.Superuser && !c.SuperuserAllowed() {
		return NewError(fasthttp.StatusForbidden, "")
	}
	return nil
}

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
	return c.checkLength()
}

func (c *Context) checkLength() error {
	if c.limit >= 0 && int64(c.ctx.Request.Header.ContentLength()) > c.limit {
		return ErrTooLarge
	}
	return nil
}

// bearer returns the token of an Authorization header: all of it, or what follows "Bearer " in any case.
func bearer(header []byte) []byte {
	const scheme = "bearer "
	if len(header) >= len(scheme) && bytes.EqualFold(header[:len(scheme)], []byte(scheme)) {
		return header[len(scheme):]
	}
	return header
}

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
