package httpx

import (
	"cmp"
	"fmt"
	"slices"
)

// Middleware stands around routes: around one ([Route.Middlewares]), those of a group ([Builder.Bind]) or all of a table
// ([NewRouter]), then also around paths without a route, static files and OPTIONS. It is immutable; Func must be safe for
// concurrent use.
type Middleware struct {
	// ID names it for Unbind. Of several with the same id only the innermost is there, in the place of the first; those
	// without an id can be neither replaced nor excluded.
	ID string
	// Priority orders the middlewares of a route, the server's own layers among them (see [CORSPriority]): the smallest is
	// the outermost, whatever it was bound to. Ties are in the order of registration: the table's, the groups' from the
	// outermost on, [Route.Guard] (it has priority 0), the route's own.
	Priority int
	// Func does the work. It calls [Context.Next] for all that is inside of it, handler included, or leaves that out: then
	// the answer is what it wrote, 200 and an empty body if it wrote nothing. The error it returns is the answer unless a
	// middleware outside of it returns something else.
	Func func(c *Context) error

	checks bool // Func only lets through or refuses: what is inside follows by itself after nil
}

// maxMiddlewares bounds what one route has around it, and with it the stack of a request.
const maxMiddlewares = 256

// Next runs the rest of the chain inside of the middleware that calls it and returns its error. A second call by the same
// middleware does nothing and returns nil, as does a call by a handler.
func (c *Context) Next() error {
	p := c.match.chain
	if p == nil || c.at >= len(p.steps) {
		return nil
	}
	defer func() { c.at = len(p.steps) }()
	for c.at < len(p.steps) {
		step := &p.steps[c.at]
		c.at++
		if err := step.run(c); err != nil || !step.checks {
			return err
		}
	}
	return nil
}

// chain is all that a request to a route passes, from the outermost middleware to the handler. It is immutable.
type chain struct {
	steps []step
	// bodyLimit is the limit until the step that sets it, negative for none.
	bodyLimit int64
}

type step struct {
	run    func(c *Context) error
	checks bool
}

// newChain merges the middlewares of a table and of a route with the server's own layers.
func newChain(route *Route, globals []Middleware, unbind []string) (*chain, error) {
	list := merged(ownLayers(), globals)
	list = without(list, unbind)
	list = merged(list, route.inherited)
	if route.BodyLimit != nil { // it wins over a limit that was bound further out
		list = merged(list, []Middleware{ownLayer(BodyLimitID)})
	}
	if route.Guard != nil {
		list = append(list, Middleware{Func: route.Guard, checks: true})
	}
	list = merged(list, route.Middlewares)
	list = without(list, route.Unbind)
	if len(list) > maxMiddlewares {
		return nil, fmt.Errorf("more than %d middlewares", maxMiddlewares)
	}
	slices.SortStableFunc(list, func(a, b Middleware) int { return cmp.Compare(a.Priority, b.Priority) })
	made := &chain{steps: make([]step, 0, len(list)+1), bodyLimit: -1}
	for _, m := range list {
		if m.Func == nil {
			return nil, fmt.Errorf("middleware %q has no function", m.ID)
		}
		if m.ID == BodyLimitID {
			made.bodyLimit = DefaultBodyLimit
		}
		made.steps = append(made.steps, step{m.Func, m.checks})
	}
	made.steps = append(made.steps, step{run: answerRoute})
	return made, nil
}

// answerRoute is the innermost step: the handler of the route.
func answerRoute(c *Context) error { return c.match.route.Handler(c) }

// merged appends more to list; one with an id that is there takes that one's place.
func merged(list, more []Middleware) []Middleware {
	for _, m := range more {
		i := -1
		if m.ID != "" {
			i = slices.IndexFunc(list, func(other Middleware) bool { return other.ID == m.ID })
		}
		if i < 0 {
			list = append(list, m)
		} else {
			list[i] = m
		}
	}
	return list
}

// without takes those with one of the ids out of list.
func without(list []Middleware, ids []string) []Middleware {
	return slices.DeleteFunc(list, func(m Middleware) bool { return m.ID != "" && slices.Contains(ids, m.ID) })
}

// follow passes c through the chain of its route.
func (s *Server) follow(c *Context) {
	c.limit = c.match.chain.bodyLimit
	if err := c.Next(); err != nil {
		s.fail(c, s.explain(c, err))
	}
	if c.gzip {
		c.compress()
	}
}
