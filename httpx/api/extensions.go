package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	set     []*wasmhost.Extension // whose those are
}

// setBase replaces the routes of the server and the program. They come first: an extension that has one of them is left out.
func (t *extensionRoutes) setBase(ctx context.Context, router *httpx.Router) error {
	if t.replaceBase(router) {
		return nil
	}
	return t.guests.Propose(ctx)
}

// replaceBase tells whether the routes of the extensions fit in; they are gone otherwise.
func (t *extensionRoutes) replaceBase(router *httpx.Router) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base = router
	whole, err := router.With(t.current...)
	if err != nil {
		t.server.SetRouter(router)
		return false
	}
	t.server.SetRouter(whole)
	return true
}

// program returns a builder that begins with the server's own routes.
func (t *extensionRoutes) program() *httpx.Builder {
	t.mu.Lock()
	defer t.mu.Unlock()
	return httpx.NewBuilder(t.base.Routes())
}

// SetExtensions puts the routes of a set of extensions in the place of those of the set before. Requests under way end with
// the routes that they began with. The error is a [wasmhost.Blame] that names the route of each that is taken, and nothing
// changes. What the server answers itself is not theirs to answer, also not for a single collection: passwords and tokens come
// by there. Of two extensions with the same route the one that is in place has it, or else the first by name.
func (a *API) SetExtensions(set []*wasmhost.Extension) error { return a.extensions.replace(set) }

func (t *extensionRoutes) replace(set []*wasmhost.Extension) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var routes []*httpx.Route
	owners, blame := make(map[*httpx.Route]*wasmhost.Extension), make(wasmhost.Blame)
	for _, x := range t.inOrder(set) {
		own, err := t.routesOf(x)
		if err != nil {
			blame[x] = err
			continue
		}
		for _, route := range own {
			owners[route] = x
		}
		routes = append(routes, own...)
	}
	whole, err := t.base.With(routes...)
	for route, reason := range conflicts(err) {
		if x := owners[route]; x != nil {
			blame[x] = reason
		}
	}
	switch {
	case len(blame) > 0:
		return blame
	case err != nil:
		return fmt.Errorf("routes of extensions: %w", err)
	}
	t.current, t.set = routes, slices.Clone(set)
	t.server.SetRouter(whole)
	return nil
}

// inOrder puts those that are in place before the others.
func (t *extensionRoutes) inOrder(set []*wasmhost.Extension) []*wasmhost.Extension {
	placed := make(map[*wasmhost.Extension]bool, len(t.set))
	for _, x := range t.set {
		placed[x] = true
	}
	list := make([]*wasmhost.Extension, 0, len(set))
	for _, first := range []bool{true, false} {
		for _, x := range set {
			if placed[x] == first {
				list = append(list, x)
			}
		}
	}
	return list
}

// routesOf returns the routes of one extension. The error says that it takes requests from one of the server's own, or that the
// router cannot have it.
func (t *extensionRoutes) routesOf(x *wasmhost.Extension) (routes []*httpx.Route, err error) {
	for i, spec := range x.Routes() {
		route := &httpx.Route{Method: spec.Method, Path: spec.Path, Guard: guardOf(spec.Auth), Handler: t.handler(x, i)}
		if _, err := httpx.NewRouter([]*httpx.Route{route}); err != nil {
			return nil, fmt.Errorf("routes of extensions: %w", err)
		}
		for _, own := range t.own {
			if route.Overrides(own) {
				return nil, fmt.Errorf("routes of extensions: %s of %s takes requests from %s", route, x.Name(), own)
			}
		}
		routes = append(routes, route)
	}
	return routes, nil
}

// conflicts returns the routes for which there is no room in a table, and why, out of the error of making it.
func conflicts(err error) map[*httpx.Route]error {
	out := make(map[*httpx.Route]error)
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, one := range several.Unwrap() {
			maps.Copy(out, conflicts(one))
		}
		return out
	}
	if c := (*httpx.ConflictError)(nil); errors.As(err, &c) {
		out[c.Route] = fmt.Errorf("routes of extensions: %w", c)
	}
	return out
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
			return writes.Unfinished(ctx, err)
		}
		for _, h := range out.Headers {
			c.AddHeader(h.Name, h.Value)
		}
		c.SendRaw(out.Status, out.ContentType, out.Body)
		return nil
	}
}
