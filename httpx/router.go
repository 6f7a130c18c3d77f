package httpx

import (
	"bytes"
	"fmt"
	"strings"
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
	// nothing.
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
}

// maxParams bounds the parameters of one route, so that a Context holds them without allocating.
const maxParams = 8

// Router finds the route of a request. It is immutable and safe for concurrent use; to change the table make a new one
// and give it to [Server.SetRouter].
type Router struct {
	root   node
	routes []*Route
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
}

// NewRouter builds a table. It fails for a pattern that cannot be read and for two routes with the same method and shape.
func NewRouter(routes []*Route) (*Router, error) {
	r := &Router{routes: routes}
	for _, route := range routes {
		if err := r.add(route); err != nil {
			return nil, fmt.Errorf("route %s %s: %w", route.Method, route.Path, err)
		}
	}
	return r, nil
}

// Routes returns the table in the order in which it was given; it must not be changed.
func (r *Router) Routes() []*Route { return r.routes }

func (r *Router) add(route *Route) error {
	if !strings.HasPrefix(route.Path, "/") {
		return fmt.Errorf("the path must begin with a slash")
	}
	if route.Handler == nil {
		return fmt.Errorf("no handler")
	}
	at := &r.root
	var names []string
	segments := strings.Split(route.Path[1:], "/")
	for i, segment := range segments {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			at = at.child(segment)
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		if !closed || name == "" || name == "..." {
			return fmt.Errorf("malformed segment %q", segment)
		}
		if len(names) == maxParams {
			return fmt.Errorf("more than %d parameters", maxParams)
		}
		if rest, ok := strings.CutSuffix(name, "..."); ok {
			if i != len(segments)-1 {
				return fmt.Errorf("%q is not the last segment", segment)
			}
			return insert(&at.catchAll, end{route, append(names, rest)})
		}
		names = append(names, name)
		if at.param == nil {
			at.param = new(node)
		}
		at = at.param
	}
	return insert(&at.ends, end{route, names})
}

func insert(ends *[]end, e end) error {
	for _, other := range *ends {
		if other.route.Method == e.route.Method {
			return fmt.Errorf("taken by %s", other.route.Path)
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
	if next := n.literal[string(segment)]; next != nil {
		return next
	}
	if bytes.IndexByte(segment, '%') < 0 {
		return nil
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
			m.route, m.names = ends[i].route, ends[i].names
			return true
		case want == "" && found == nil, want == "GET" && method == "HEAD":
			found = &ends[i]
		}
	}
	if found == nil {
		return false
	}
	m.route, m.names = found.route, found.names
	return true
}

// wantsSlash tells whether path is the directory of a {name...} route that was asked for without its slash.
func (r *Router) wantsSlash(method string, path []byte) bool {
	n := &r.root
	for rest := path[1:]; ; {
		segment, tail, more := bytes.Cut(rest, slash)
		next := n.literal[string(segment)]
		if next == nil {
			return false
		}
		if !more {
			var m match
			return pick(next.catchAll, method, &m)
		}
		n, rest = next, tail
	}
}
