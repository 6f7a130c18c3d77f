package api

import (
	"errors"
	"fmt"
	"sync"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/wasmhost"
)

// table is how the routes come together: those of the server and the program, and those of extensions, which come and go.
type table struct {
	mu         sync.Mutex
	server     []*httpx.Route // the server's own
	base       *httpx.Router
	extensions []*httpx.Route
}

// setBase replaces the routes of the server and the program.
func (a *API) setBase(router *httpx.Router) error {
	a.table.mu.Lock()
	defer a.table.mu.Unlock()
	whole, err := router.With(a.table.extensions...)
	if err != nil {
		return err
	}
	a.table.base = router
	a.server.SetRouter(whole)
	return nil
}

// SetExtensions puts the routes of a set of extensions in the place of those of the set before. Requests under way end with
// the routes that they began with. An error names the route that is taken, and nothing changes. What the server answers itself
// is not theirs to answer, also not for a single collection: passwords and tokens come by there.
func (a *API) SetExtensions(set []*wasmhost.Extension) error {
	a.table.mu.Lock()
	defer a.table.mu.Unlock()
	var routes []*httpx.Route
	for _, x := range set {
		for i, spec := range x.Routes() {
			route := &httpx.Route{Method: spec.Method, Path: spec.Path, Guard: guardOf(spec.Auth), Handler: a.guestRoute(x, i)}
			for _, own := range a.table.server {
				if route.Shadows(own) {
					return fmt.Errorf("routes of extensions: %s of %s takes requests from %s", route, x.Name(), own)
				}
			}
			routes = append(routes, route)
		}
	}
	whole, err := a.table.base.With(routes...)
	if err != nil {
		return fmt.Errorf("routes of extensions: %w", err)
	}
	a.table.extensions = routes
	a.server.SetRouter(whole)
	return nil
}

// guardOf is the guard of a word in a description.
func guardOf(word string) httpx.Guard {
	switch word {
	case "record":
		return httpx.RequireAuth
	case "superuser":
		return httpx.RequireSuperuser
	}
	return nil
}

// guestRoute lets an extension answer.
func (a *API) guestRoute(x *wasmhost.Extension, i int) httpx.Handler {
	return func(c *httpx.Context) error {
		ctx := app.WithRequest(c.Context(), requestInfo(c, caller(c, "default"), c.Bytes))
		out, err := x.Serve(ctx, i, a.app.GuestCall(ctx))
		if no := (*wasmhost.Rejection)(nil); errors.As(err, &no) {
			return app.Rejection(no)
		}
		if err != nil {
			return err
		}
		for _, h := range out.Headers {
			c.AddHeader(h.Name, h.Value)
		}
		c.SendRaw(out.Status, out.ContentType, out.Body)
		return nil
	}
}
