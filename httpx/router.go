package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Handler answers a request. It runs on the connection's goroutine, must not keep c after it returned, and reports
// failure by its error (see [Error]), in which case whatever it had put into the answer is discarded.
type Handler func(c *Context) error

// Guard lets a request through (nil) or answers it; guards run after the rate limit and before the handler.
type Guard func(c *Context) error

// Route is one entry of the route table. It is immutable once it is in a [Router].
type Route struct {
	// Method is the method in upper case; empty means every method. GET stands for HEAD as well.
	Method string
	// Path is a pattern: segments are literal or {name}, the last one may be {name...}, which takes all that is left, also
	// nothing ({...} does so without a name), or {$}, which is a trailing slash that nothing follows, as is a bare one.
	Path string
	// Handler answers.
	Handler Handler
	// Guard is asked first; nil means public.
	Guard Guard
	// Tags are the actions of a collection's route as rate limit rules name them, most specific first ("create").
	Tags []string
	// Collection names the parameter that holds a collection's id or name. Set, it makes this a collection route for the
	// rate limits; leave it empty for the others.
	Collection string
	// BodyLimit returns how many bytes a body may have, negative for no limit, or the error to answer with. nil means
	// [DefaultBodyLimit]. It runs before the guard.
	BodyLimit func(c *Context) (int64, error)
	// Quiet keeps successes out of the request log.
	Quiet bool
	// Middlewares stand around the handler, beside those of the table. Guard comes before those of
	// priority 0.
	Middlewares []Middleware
	// Unbind are the ids of middlewares and of the server's own layers that this route goes without, wherever they were
	// bound.
	Unbind []string

	inherited []Middleware // of the groups it is in, outermost first
}

// String returns method and path as people write them.
func (r *Route) String() string {
	if r.Method == "" {
		return r.Path
	}
	return r.Method + " " + r.Path
}

// maxParams bounds the parameters of one route, so that a Context holds them without allocating.
const maxParams = 8

// Router finds the route of a request. It is immutable and safe for concurrent use; to change the table make a new one
// and give it to [Server.SetRouter].
type Router struct {
	root   node
	routes []*Route
	rest   *chain // of paths without a route

	middlewares []Middleware
	unbind      []string
}

// node is one position in a path, reached by the segments before it.
type node struct {
	literal  map[string]*node
	param    *node
	ends     []end // routes that end here
	catchAll []end // routes whose {name...} begins here
}

type end struct {
	route *Route
	names []string
	chain *chain
}

// ConflictError says that a route cannot be told from another of the same table.
type ConflictError struct {
	// Route is the later one, Taken the one that was there.
	Route, Taken *Route
}

// Error names both routes.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s conflicts with %s: same method and shape", e.Route, e.Taken)
}

// NewRouter builds a table. The middlewares are around every route and around paths without one. It fails for a pattern
// that cannot be read, a middleware without a function and two routes with the same method and shape, [ConflictError];
// the error holds all that is wrong.
func NewRouter(routes []*Route, middlewares ...Middleware) (*Router, error) {
	return newRouter(routes, middlewares, nil)
}

// newRouter is NewRouter with ids of layers that no route has unless it binds them itself.
func newRouter(routes []*Route, middlewares []Middleware, unbind []string) (*Router, error) {
	r := &Router{routes: routes, middlewares: middlewares, unbind: unbind}
	var err error
	if r.rest, err = newChain(&Route{}, middlewares, unbind); err != nil {
		return nil, err
	}
	var failed []error
	for _, route := range routes {
		if err := r.add(route, middlewares, unbind); err != nil {
			failed = append(failed, fmt.Errorf("route %s: %w", route, err))
		}
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	return r, nil
}

// With returns a table with further routes, which have the middlewares of r around them. It fails as [NewRouter] does.
func (r *Router) With(routes ...*Route) (*Router, error) {
	return newRouter(slices.Concat(r.routes, routes), r.middlewares, r.unbind)
}

// Routes returns the table in the order in which it was given; it must not be changed.
func (r *Router) Routes() []*Route { return r.routes }

func (r *Router) add(route *Route, middlewares []Middleware, unbind []string) error {
	segments, err := parsePattern(route.Path)
	if err != nil {
		return err
	}
	if !isMethod(route.Method) {
		return fmt.Errorf("%q is no method in upper case", route.Method)
	}
	if route.Handler == nil {
		return errors.New("no handler")
	}
	chain, err := newChain(route, middlewares, unbind)
	if err != nil {
		return err
	}
	at := &r.root
	e := end{route: route, chain: chain}
	for _, s := range segments {
		switch s.kind {
		case literalSegment:
			at = at.child(s.text)
		case paramSegment:
			e.names = append(e.names, s.text)
			if at.param == nil {
				at.param = new(node)
			}
			at = at.param
		case restSegment:
			e.names = append(e.names, s.text)
			return insert(&at.catchAll, e)
		}
	}
	return insert(&at.ends, e)
}

func insert(ends *[]end, e end) error {
	for _, other := range *ends {
		if other.route.Method == e.route.Method {
			return &ConflictError{Route: e.route, Taken: other.route}
		}
	}
	*ends = append(*ends, e)
	return nil
}

func (n *node) child(segment string) *node {
	if n.literal == nil {
		n.literal = make(map[string]*node)
	}
	next := n.literal[segment]
	if next == nil {
		next = new(node)
		n.literal[segment] = next
	}
	return next
}

// match is a route with the raw values of its parameters, which point into the path that was matched.
type match struct {
	route  *Route
	chain  *chain
	names  []string
	values [maxParams][]byte
}

// find looks for the route of a clean raw path. Literal segments win over parameters, parameters over {name...}; a branch
// that ends without a route for the method is left again, so that GET /a/{x} is found beside POST /a/b.
func (r *Router) find(method string, path []byte, m *match) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	return r.root.find(method, path[1:], 0, m)
}

func (n *node) find(method string, rest []byte, depth int, m *match) bool {
	segment, tail, more := bytes.Cut(rest, slash)
	if next := n.lookup(segment); next != nil {
		if !more {
			if pick(next.ends, method, m) {
				return true
			}
		} else if next.find(method, tail, depth, m) {
			return true
		}
	}
	if n.param != nil && len(segment) > 0 && depth < maxParams {
		m.values[depth] = segment
		if !more {
			if pick(n.param.ends, method, m) {
				return true
			}
		} else if n.param.find(method, tail, depth+1, m) {
			return true
		}
	}
	if n.catchAll != nil && depth < maxParams && pick(n.catchAll, method, m) {
		m.values[depth] = rest
		return true
	}
	return false
}

var slash = []byte{'/'}

func (n *node) lookup(segment []byte) *node {
	if bytes.IndexByte(segment, '%') < 0 {
		return n.literal[string(segment)]
	}
	text, ok := unescape(segment, false)
	if !ok {
		return nil
	}
	return n.literal[text]
}

func pick(ends []end, method string, m *match) bool {
	var found *end
	for i := range ends {
		switch want := ends[i].route.Method; {
		case want == method:
			m.take(&ends[i])
			return true
		case want == "" && found == nil, want == "GET" && method == "HEAD":
			found = &ends[i]
		}
	}
	if found == nil {
		return false
	}
	m.take(found)
	return true
}

func (m *match) take(e *end) { m.route, m.chain, m.names = e.route, e.chain, e.names }

// wantsSlash tells whether path is the directory of a {name...} or {$} route that was asked for without its slash.
func (r *Router) wantsSlash(method string, path []byte) bool {
	n := &r.root
	for rest := path[1:]; ; {
		segment, tail, more := bytes.Cut(rest, slash)
		next := n.lookup(segment)
		if next == nil {
			return false
		}
		if !more {
			var m match
			exact := next.literal[""]
			return pick(next.catchAll, method, &m) || exact != nil && pick(exact.ends, method, &m)
		}
		n, rest = next, tail
	}
}
