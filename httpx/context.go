package httpx

import (
	"context"
	"iter"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/troupebase/troupe/storage/budget"
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

	ctx          *fasthttp.RequestCtx
	conn         *conn // nil where it is not this package's
	server       *Server
	policy       *Policy
	router       *Router
	method       string
	path         []byte
	query        []byte
	match        match
	limit        int64 // of the body, negative for none
	params       [maxParams]string
	known        uint8 // bit i: params[i] is decoded
	remote       netip.Addr
	real         netip.Addr
	realIP       string
	client       string
	work         context.Context // of Context
	form         *form
	charge       *bodyCharge    // what is charged to the client, nil for nothing
	json         jsonCost       // of the JSON that was read
	body         []byte         // once it was read as a whole
	bodyIs       error          // why a body that was begun cannot be read again
	values       map[string]any // of [Context.Set]
	at           int            // the step of the chain that Next runs next
	answerCharge int64          // bytes of the answer that are charged
	quiet        bool           // a success is not logged
	gzip         bool           // the answer is to be compressed
	sent         bool           // an answer was written
}

// Raw returns fasthttp's own context, for what has no method here: hijacking, streaming, file bodies. Its paths are not
// to be read: they are folded.
func (c *Context) Raw() *fasthttp.RequestCtx { return c.ctx }

// Context returns the context of the request's work, which is done on behalf of [Context.Client]. It does not end when the server is
// told to stop, as fasthttp's own does: a request that was accepted is answered.
func (c *Context) Context() context.Context {
	if c.work == nil {
		c.work = c.newWork()
	}
	return c.work
}

// Carry adds a value to [Context.Context], for what works on behalf of the request.
func (c *Context) Carry(key, value any) { c.work = context.WithValue(c.Context(), key, value) }

// newWork returns the context of the client, which all requests of a connection share where no proxy stands between.
func (c *Context) newWork() context.Context {
	client := c.Client()
	if c.conn == nil || c.conn.client != client {
		return budget.WithClient(context.Background(), client)
	}
	if c.conn.work == nil {
		c.conn.work = budget.WithClient(context.Background(), client)
	}
	return c.conn.work
}

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

// HeaderLookup is [Context.Header] that tells a missing header from an empty one.
func (c *Context) HeaderLookup(name string) (string, bool) {
	if v := c.ctx.Request.Header.Peek(name); len(v) > 0 {
		return string(v), true
	}
	for k := range c.ctx.Request.Header.All() {
		if strings.EqualFold(string(k), name) {
			return "", true
		}
	}
	return "", false
}

// VisitHeaders calls fn for every request header line, names in canonical form.
func (c *Context) VisitHeaders(fn func(name, value string)) {
	for k, v := range c.ctx.Request.Header.All() {
		fn(string(k), string(v))
	}
}

// HeaderBytes are the request header lines, names in canonical form. The bytes are the request's own: they must not be
// changed, or kept beyond the loop.
func (c *Context) HeaderBytes() iter.Seq2[[]byte, []byte] { return c.ctx.Request.Header.All() }

// SetHeader sets a header of the answer. Headers set before an error was returned are kept.
func (c *Context) SetHeader(name, value string) { c.ctx.Response.Header.Set(name, value) }

// AddHeader adds a header to the answer, beside those of the same name.
func (c *Context) AddHeader(name, value string) { c.ctx.Response.Header.Add(name, value) }

// IsTLS tells whether the request came over TLS.
func (c *Context) IsTLS() bool { return c.ctx.IsTLS() }

func (c *Context) reset() {
	if c.form != nil {
		c.form.remove()
	}
	if c.charge != nil {
		c.server.bodies.give(c.charge)
	}
	c.giveBackAnswer()
	*c = Context{}
}
