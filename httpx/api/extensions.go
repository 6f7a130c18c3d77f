package api

import (
	"errors"
	"fmt"
	"sync"

	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/wasmhost"
)

// extensionRoutes are how the routes of extensions, which come and go, stand beside those of the server and the program. It is safe
// for concurrent use.
type extensionRoutes struct {
	guests *guests.Service
	server *httpx.Server
	own    []*httpx.Route // the server's own

	mu      sync.Mutex
	base    *httpx.Router // without extensions
	current []*httpx.Route
}

// setBase replaces the routes of the server and the program.
func (t *extensionRoutes) setBase(router *httpx.Router) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	whole, err := router.With(t.current...)
	if err != nil {
		return err
	}
	t.base = router
	t.server.SetRouter(whole)
	return nil
}

// program returns a builder that begins with the server's own routes.
func (t *extensionRoutes) program() *httpx.Builder {
	t.mu.Lock()
	defer t.mu.Unlock()
	return httpx.NewBuilder(t.base.Routes())
}

// SetExtensions puts the routes of a set of extensions in the place of those of the set before. Requests under way end with
// the routes that they began with. An error names the route that is taken, and nothing changes. What the server answers itself
// is not theirs to answer, also not for a single collection: passwords and tokens come by there.
func (a *API) SetExtensions(set []*wasmhost.Extension) error { return a.extensions.set(set) }

func (t *extensionRoutes) set(set []*wasmhost.Extension) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var routes []*httpx.Route
	for _, x := range set {
		for i, spec := range x.Routes() {
			route := &httpx.Route{Method: spec.Method, Path: spec.Path, Guard: guardOf(spec.Auth), Handler: t.handler(x, i)}
			for _, own := range t.own {
				if route.Overrides(own) {
					return fmt.Errorf("routes of extensions: %s of %s takes requests from %s", route, x.Name(), own)
				}
			}
			routes = append(routes, route)
		}
	}
	whole, err := t.base.With(routes...)
	if err != nil {
		return fmt.Errorf("routes of extensions: %w", err)
	}
	t.current = routes
	t.server.SetRouter(whole)
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

// handler lets an extension answer.
func (t *extensionRoutes) handler(x *wasmhost.Extension, i int) httpx.Handler {
	return func(c *httpx.Context) error {
		ctx := writes.WithRequest(c.Context(), requestInfo(c, caller(c, "default"), c.Bytes))
		out, err := x.Serve(ctx, i, t.guests.Call(ctx))
		if no := (*wasmhost.Rejection)(nil); errors.As(err, &no) {
			return guests.Rejection(no)
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
