package httpx

import (
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

	check bool                   // Func looks only: what is inside follows by itself after nil
	limit func(c *Context) error // with BodyLimitID: what a body that is announced is judged by
}

// maxMiddlewares bounds what one route has around it, and with it the stack of a request.
const maxMiddlewares = 256

// Next runs the rest of the chain inside of the middleware that calls it and returns its error. A second call by the same
// middleware does nothing and returns nil, as does a call by a handler.
func (c *Context) Next() error {
	p := c.match.plan
	if p == nil || c.at >= len(p.steps) {
		return nil
	}
	defer func() { c.at = len(p.steps) }()
	for c.at < len(p.steps) {
		step := &p.steps[c.at]
		c.at++
		if err := step.run(c); err != nil || !step.check {
			return err
		}
	}
	return nil
}

// plan is all that a request to a route passes, from the outermost middleware to the handler. It is immutable.
type plan struct {
	steps []step
	// limit judges the announced length of a body before the steps run; nil lets all pass.
	limit func(c *Context) error
	// allowance is the body limit until the step that sets it.
	allowance int64
}

type step struct {
	run   func(c *Context) error
	check bool
}

// newPlan merges the middlewares of a table and of a route with the server's own layers. It returns nil for a route that
// has only those: it takes the short way through [Server.run].
func newPlan(route *Route, globals []Middleware, unbind []string) (*plan, error) {
	list := ownLayers()
	custom := len(globals)+len(route.inherited)+len(route.Middlewares) > 0
	exclude := func(ids []string) {
		before := len(list)
		list = without(list, ids)
		custom = custom || len(list) != before
	}
	list = merged(list, globals)
	exclude(unbind)
	list = merged(list, route.inherited)
	if route.BodyLimit != nil {
		list = merged(list, []Middleware{bodyLayer()})
	}
	if route.Guard != nil {
		list = append(list, Middleware{Func: route.Guard, check: true})
	}
	list = merged(list, route.Middlewares)
	exclude(route.Unbind)
	if !custom {
		return nil, nil
	}
	if len(list) > maxMiddlewares {
		return nil, fmt.Errorf("more than %d middlewares", maxMiddlewares)
	}
	slices.SortStableFunc(list, func(a, b Middleware) int {
		switch {
		case a.Priority < b.Priority:
			return -1
		case a.Priority > b.Priority:
			return 1
		}
		return 0
	})
	p := &plan{steps: make([]step, 0, len(list)+1), allowance: -1}
	for _, m := range list {
		if m.Func == nil {
			return nil, fmt.Errorf("middleware %q has no function", m.ID)
		}
		if m.ID == BodyLimitID {
			p.limit, p.allowance = m.limit, DefaultBodyLimit
		}
		p.steps = append(p.steps, step{m.Func, m.check})
	}
	p.steps = append(p.steps, step{run: func(c *Context) error { return c.match.route.Handler(c) }})
	return p, nil
}

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

// follow passes c through the plan of its route.
func (s *Server) follow(c *Context) {
	c.limit = c.match.plan.allowance
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				e := s.panicked(c, p)
				err = &settled{e, e}
			}
		}()
		return c.Next()
	}()
	if err != nil {
		s.fail(c, s.explain(c, err))
	}
	if c.gzip {
		c.compress()
	}
}
