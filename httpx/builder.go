package httpx

import (
	"slices"
	"strings"
)

// Builder collects the routes and middlewares of a program and makes a [Router] of them, together with the server's own
// routes. [NewBuilder] makes the outermost, whose middlewares are around everything; [Builder.Group] makes one for paths
// below a prefix. Nothing is judged before [Builder.Build], and nothing changes a Router that was built. It is not safe
// for concurrent use.
//
// Patterns are those of Go's multiplexer without hosts: /a/{id}, /a/{rest...}, /a/ for all below /a/, /a/{$} for /a/
// alone. GET answers HEAD as well. OPTIONS is answered by CORS: to answer it yourself, unbind [CORSID] from the route.
type Builder struct {
	table  *collected
	parent *Builder
	prefix string
	bound  bindings
}

// collected is what all groups of a program put together.
type collected struct {
	own   []*Route
	added []*Endpoint
}

// NewBuilder begins with the server's own routes, those of [Server.Router] or a part of them.
func NewBuilder(own []*Route) *Builder {
	return &Builder{table: &collected{own: slices.Clone(own)}}
}

// Group returns a builder whose patterns begin with prefix and whose routes have the middlewares of b around them. The
// prefix may hold parameters and must not end with a slash.
func (b *Builder) Group(prefix string) *Builder {
	return &Builder{table: b.table, parent: b, prefix: b.prefix + prefix}
}

// Bind adds middlewares around all routes of b and of its groups, those that are there already included. An id that is
// bound replaces what has it.
func (b *Builder) Bind(middlewares ...Middleware) *Builder {
	b.bound.bind(middlewares)
	return b
}

// BindFunc adds middlewares of priority 0 without an id.
func (b *Builder) BindFunc(funcs ...func(c *Context) error) *Builder {
	b.bound.bindFuncs(funcs)
	return b
}

// Unbind excludes middlewares of b, of what is around it and of the server's own from all routes of b, unless they are
// bound again: to b later, or to a group or route inside of it.
func (b *Builder) Unbind(ids ...string) *Builder {
	b.bound.unbind(ids)
	return b
}

// Route adds a route for a method in any case; "" is every method.
func (b *Builder) Route(method, path string, h Handler) *Endpoint {
	return b.Add(&Route{Method: strings.ToUpper(method), Path: path, Handler: h})
}

// Handle adds a route for a pattern of the form "METHOD /path" or "/path".
func (b *Builder) Handle(pattern string, h Handler) *Endpoint {
	method, path := splitPattern(pattern)
	return b.Route(method, path, h)
}

// Add adds a copy of a route whose path is below the prefix of b, for what the other methods cannot say.
func (b *Builder) Add(route *Route) *Endpoint {
	e := &Endpoint{parent: b, route: *route}
	e.route.Path = below(b.prefix + route.Path)
	e.bound.bind(route.Middlewares)
	e.bound.unbind(route.Unbind)
	b.table.added = append(b.table.added, e)
	return e
}

// below gives a pattern that ends with a slash its meaning for Go's multiplexer.
func below(path string) string {
	if strings.HasSuffix(path, "/") {
		return path + "{...}"
	}
	return path
}

// GET adds a route for GET and HEAD.
func (b *Builder) GET(path string, h Handler) *Endpoint { return b.Route("GET", path, h) }

// POST adds a route for POST.
func (b *Builder) POST(path string, h Handler) *Endpoint { return b.Route("POST", path, h) }

// PUT adds a route for PUT.
func (b *Builder) PUT(path string, h Handler) *Endpoint { return b.Route("PUT", path, h) }

// PATCH adds a route for PATCH.
func (b *Builder) PATCH(path string, h Handler) *Endpoint { return b.Route("PATCH", path, h) }

// DELETE adds a route for DELETE.
func (b *Builder) DELETE(path string, h Handler) *Endpoint { return b.Route("DELETE", path, h) }

// HEAD adds a route for HEAD alone.
func (b *Builder) HEAD(path string, h Handler) *Endpoint { return b.Route("HEAD", path, h) }

// OPTIONS adds a route for OPTIONS, which is reached without [CORSID] only.
func (b *Builder) OPTIONS(path string, h Handler) *Endpoint { return b.Route("OPTIONS", path, h) }

// SEARCH adds a route for SEARCH.
func (b *Builder) SEARCH(path string, h Handler) *Endpoint { return b.Route("SEARCH", path, h) }

// Any adds a route for every method that has no route of its own for the path.
func (b *Builder) Any(path string, h Handler) *Endpoint { return b.Route("", path, h) }

// HasRoute tells whether a route of that method and of the shape of that path (names of parameters do not count) is
// there below the prefix of b, the server's own included: whether another one would be in conflict.
func (b *Builder) HasRoute(method, path string) bool {
	want, err := parsePattern(below(b.prefix + path))
	if err != nil {
		return false
	}
	method = strings.ToUpper(method)
	same := func(r *Route) bool {
		if r.Method != method {
			return false
		}
		have, err := parsePattern(r.Path)
		return err == nil && shape(have) == shape(want)
	}
	return slices.ContainsFunc(b.table.own, same) ||
		slices.ContainsFunc(b.table.added, func(e *Endpoint) bool { return same(&e.route) })
}

// Build makes the table of all that was collected, by b and by every other group of the same program. It fails as
// [NewRouter] does; in a [ConflictError] the route of the program is the later one.
func (b *Builder) Build() (*Router, error) {
	top := b
	for top.parent != nil {
		top = top.parent
	}
	routes := slices.Clone(b.table.own)
	for _, e := range b.table.added {
		routes = append(routes, e.build())
	}
	return newRouter(routes, slices.Clone(top.bound.list), slices.Clone(top.bound.without))
}

// groups returns b and the groups it is in, outermost first, without the program's own level.
func (b *Builder) groups() []*Builder {
	if b.parent == nil {
		return nil
	}
	return append(b.parent.groups(), b)
}
