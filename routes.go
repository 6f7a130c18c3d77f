package troupe

import (
	"context"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
)

// The types of routes, whose documentation is in package httpx.
type (
	// Context is a request and its answer. It belongs to the goroutine that runs the handler, and must not be kept.
	Context = httpx.Context
	// Router collects routes and middlewares: [ServeEvent] has one. A pattern is one of Go's multiplexer, without a host.
	Router = httpx.Builder
	// Route is one route, for [Router].Add: what the short forms cannot say.
	Route = httpx.Route
	// RouteHandler answers a request. Its error is the answer where it did not answer itself: an [*Error] as it is, any other as
	// a 500 that tells nothing.
	RouteHandler = httpx.Handler
	// Middleware runs around routes; its Func calls the Next of the [Context] to go on.
	Middleware = httpx.Middleware
)

// AuthOnly is a middleware that lets those pass who are signed in as a record, of one of the collections where any are named.
func AuthOnly(collections ...string) Middleware { return httpx.AuthOnly(collections...) }

// SuperuserOnly is a middleware that lets superusers pass.
func SuperuserOnly() Middleware { return httpx.SuperuserOnly() }

// GuestOnly is a middleware that lets those pass who are not signed in.
func GuestOnly() Middleware { return httpx.GuestOnly() }

// BodyLimit is a middleware that bounds the body of requests, in bytes.
func BodyLimit(bytes int64) Middleware { return httpx.BodyLimit(bytes) }

// AuthRecord returns the record that the request to a route is signed in as, nil for a guest. It is not to be changed: a
// program that wants to works on its Clone.
func AuthRecord(c *Context) *Record {
	if c.Auth == nil {
		return nil
	}
	session, ok := c.Auth.Record.(*auth.Session)
	if !ok {
		return nil
	}
	return session.Record
}

// Request is the request on whose behalf something happens. The zero value is the server's own doing. Its methods are called
// before the handler that got it returns.
type Request struct{ info *writes.RequestInfo }

// RequestOf returns the request on whose behalf a context of an event runs; the zero value for none.
func RequestOf(ctx context.Context) Request { return Request{writes.RequestOf(ctx)} }

// http is the request itself, nil where there is none.
func (r Request) http() writes.Request {
	if r.info == nil || r.info.Request == nil && r.info.Caller.Request == nil {
		return nil
	}
	return r.info.Seen()
}

// Situation says where the request comes from: default, batch, expand, realtime, protectedFile, oauth2, otp, password. It is
// "" for the server's own doing.
func (r Request) Situation() string {
	if r.info == nil || r.info.Caller.Request == nil {
		return ""
	}
	return r.info.Caller.Request.Context
}

// Method returns the method in upper case, "" where there is no request.
func (r Request) Method() string {
	if h := r.http(); h != nil {
		return h.Method()
	}
	return ""
}

// Path returns the path as it was sent.
func (r Request) Path() string {
	if h := r.http(); h != nil {
		return h.Path()
	}
	return ""
}

// Param returns a parameter of the route's path, "" for none.
func (r Request) Param(name string) string {
	if h := r.http(); h != nil {
		return h.Param(name)
	}
	return ""
}

// Query returns the first value of a parameter of the query, "" for none.
func (r Request) Query(name string) string {
	if h := r.http(); h != nil {
		v, _ := h.QueryLookup(name)
		return v
	}
	return ""
}

// Header returns the first value of a header, by its name in any case, "" for none.
func (r Request) Header(name string) string {
	if h := r.http(); h != nil {
		v, _ := h.HeaderLookup(name)
		return v
	}
	return ""
}

// RealIP returns the address of the client, "" where there is none.
func (r Request) RealIP() string {
	if h := r.http(); h != nil {
		return h.RealIP()
	}
	return ""
}

// Body returns the body as it was read: its bytes, or JSON of a form. nil for a request without one, and where it is a secret.
func (r Request) Body() ([]byte, error) {
	if r.info == nil || r.info.Body == nil {
		return nil, nil
	}
	return r.info.Body()
}

// Auth returns the record that is signed in, nil for a guest. It is not to be changed.
func (r Request) Auth() *Record {
	if r.info == nil {
		return nil
	}
	return r.info.Auth
}

// Superuser tells whether a superuser asks.
func (r Request) Superuser() bool { return r.info != nil && r.info.Caller.Superuser }
