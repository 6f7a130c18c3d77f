package httpx

import (
	"context"
	"encoding/json"
	"mime/multipart"
	"net/netip"

	"github.com/valyala/fasthttp"
)

// Auth is who makes a request. It is immutable and may be shared between requests (a token cache returns the same one).
type Auth struct {
	// CollectionID and CollectionName are of the collection of the record that signed in.
	CollectionID, CollectionName string
	// ID is the record's id.
	ID string
	// Superuser tells whether the record may do everything.
	Superuser bool
	// Record is what the authenticator knows of the record, in its own type.
	Record any
}

// Context is one request and its answer. It belongs to the goroutine that runs the handler and is reused after the
// handler returned: neither it nor what [Context.Raw] and [Context.Buffer] return may be kept. Strings are copies and
// may.
type Context struct {
	// Auth is who makes the request, nil for a guest. It is set before guards and handlers run.
	Auth *Auth
	// Meta is extra data for the request log, set by handlers; nil for none.
	Meta any

	ctx    *fasthttp.RequestCtx
	server *Server
	policy *Policy
	method string
	path   []byte
	query  []byte
	match  match
	limit  int64 // of the body, negative for none
	params [maxParams]string
	known  uint8 // bit i: params[i] is decoded
	remote netip.Addr
	real   netip.Addr
	realIP string
	form   *multipart.Form
}

// Raw returns fasthttp's own context, for what has no method here: hijacking, streaming, file bodies. Its paths are not
// to be read: they are folded.
func (c *Context) Raw() *fasthttp.RequestCtx { return c.ctx }

// Context returns the context of the request's work. It does not end when the server is told to stop, as fasthttp's own
// does: a request that was accepted is answered.
func (c *Context) Context() context.Context { return context.Background() }

// Method returns the method as it was sent.
func (c *Context) Method() string { return c.method }

// Path returns the raw path, percent-encoded as it was sent.
func (c *Context) Path() string { return string(c.path) }

// URI returns the raw path and query as they were sent.
func (c *Context) URI() string {
	if len(c.query) == 0 {
		return string(c.path)
	}
	return string(c.path) + "?" + string(c.query)
}

// Route returns the route that was matched; for a path nobody knows it is the server's own.
func (c *Context) Route() *Route { return c.match.route }

// Param returns the decoded value of a path parameter, "" when the route has none of that name.
func (c *Context) Param(name string) string {
	for i, n := range c.match.names {
		if n != name {
			continue
		}
		if c.known&(1<<i) == 0 {
			c.params[i], _ = unescape(c.match.values[i], false)
			c.known |= 1 << i
		}
		return c.params[i]
	}
	return ""
}

// Query returns the first value of a query parameter, "" when there is none. Names are case-sensitive; pairs that are
// not well encoded are passed over.
func (c *Context) Query(name string) string {
	value, _ := lookup(c.query, name)
	return value
}

// QueryLookup is [Context.Query] that tells a missing parameter from an empty one.
func (c *Context) QueryLookup(name string) (string, bool) { return lookup(c.query, name) }

// VisitQuery calls fn for every query parameter in the order in which they were sent.
func (c *Context) VisitQuery(fn func(name, value string)) {
	for raw := c.query; len(raw) > 0; {
		key, value, rest, ok := nextPair(raw)
		raw = rest
		if ok {
			k, _ := unescape(key, true)
			v, _ := unescape(value, true)
			fn(k, v)
		}
	}
}

// Header returns the first value of a request header; the name may be in any case.
func (c *Context) Header(name string) string { return string(c.ctx.Request.Header.Peek(name)) }

// VisitHeaders calls fn for every request header line, names in canonical form.
func (c *Context) VisitHeaders(fn func(name, value string)) {
	for k, v := range c.ctx.Request.Header.All() {
		fn(string(k), string(v))
	}
}

// SetHeader sets a header of the answer. Headers set before an error was returned are kept.
func (c *Context) SetHeader(name, value string) { c.ctx.Response.Header.Set(name, value) }

// IsTLS tells whether the request came over TLS.
func (c *Context) IsTLS() bool { return c.ctx.IsTLS() }

// Buffer returns an empty buffer of the answer's own memory. Append to it and give the result to [Context.Send]; then no
// byte is copied.
func (c *Context) Buffer() []byte { return c.ctx.Response.SwapBody(nil)[:0] }

// Send answers with JSON and takes ownership of body. A newline is added at its end, and when the query has "fields" only
// those are kept.
func (c *Context) Send(status int, body []byte) error {
	if len(c.query) > 0 && c.server.opts.Pick != nil {
		if fields := c.Query("fields"); fields != "" {
			picked, err := c.server.opts.Pick(nil, body, fields)
			if err != nil {
				return err
			}
			if body = picked; len(body) == 0 {
				c.SendRaw(status, "application/json", nil)
				return nil
			}
		}
	}
	if len(body) == 0 || body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	c.SendRaw(status, "application/json", body)
	return nil
}

// SendJSON is [Context.Send] of v encoded with encoding/json, for the answers that are not worth an encoder of their own.
func (c *Context) SendJSON(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Send(status, body)
}

// SendRaw answers with a body of any type as it is and takes ownership of it.
func (c *Context) SendRaw(status int, contentType string, body []byte) {
	c.ctx.SetStatusCode(status)
	c.ctx.Response.Header.SetContentType(contentType)
	c.ctx.Response.SwapBody(body)
}

// NoContent answers 204.
func (c *Context) NoContent() error {
	c.ctx.Response.ResetBody()
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// Redirect answers with status and a Location, without a body.
func (c *Context) Redirect(status int, location string) error {
	c.ctx.Response.ResetBody()
	c.ctx.SetStatusCode(status)
	c.ctx.Response.Header.Set("Location", location)
	return nil
}

func (c *Context) reset() {
	if c.form != nil {
		// Only temporary files are left behind by a failure, and the system clears those.
		_ = c.form.RemoveAll()
	}
	*c = Context{}
}
