package httpx

import "slices"

// Endpoint is a route of a [Builder], to bind middlewares to. It is not safe for concurrent use.
type Endpoint struct {
	parent *Builder
	route  Route
	bound  bindings
}

// Bind adds middlewares around this route alone.
func (e *Endpoint) Bind(middlewares ...Middleware) *Endpoint {
	e.bound.bind(middlewares)
	return e
}

// BindFunc adds middlewares of priority 0 without an id.
func (e *Endpoint) BindFunc(funcs ...func(c *Context) error) *Endpoint {
	e.bound.bindFuncs(funcs)
	return e
}

// Unbind excludes middlewares of the route, of its groups, of the table and of the server's own.
func (e *Endpoint) Unbind(ids ...string) *Endpoint {
	e.bound.unbind(ids)
	return e
}

// build returns the route with all that its groups say.
func (e *Endpoint) build() *Route {
	r := e.route
	r.inherited, r.Unbind = nil, nil
	for _, group := range e.parent.groups() {
		r.inherited = merged(without(r.inherited, group.bound.without), group.bound.list)
		r.Unbind = append(except(r.Unbind, group.bound.list), group.bound.without...)
	}
	r.Unbind = append(except(r.Unbind, e.bound.list), e.bound.without...)
	r.Middlewares = slices.Clone(e.bound.list)
	return &r
}

// except returns the ids that no middleware of list has.
func except(ids []string, list []Middleware) []string {
	return slices.DeleteFunc(ids, func(id string) bool {
		return slices.ContainsFunc(list, func(m Middleware) bool { return m.ID == id })
	})
}

// bindings are the middlewares of one level and the ids it goes without. No id is in both.
type bindings struct {
	list    []Middleware
	without []string
}

func (b *bindings) bind(middlewares []Middleware) {
	b.list = merged(b.list, middlewares)
	b.without = except(b.without, middlewares)
}

func (b *bindings) bindFuncs(funcs []func(c *Context) error) {
	for _, f := range funcs {
		b.list = append(b.list, Middleware{Func: f})
	}
}

func (b *bindings) unbind(ids []string) {
	b.list = without(b.list, ids)
	b.without = append(b.without, ids...)
}
