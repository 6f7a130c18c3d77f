package api

import (
	"strings"
	"testing"

	"github.com/troupebase/troupe/httpx"
)

// TestRoutesThatAreNotDeclared: what the table does not say is not guessed.
func TestRoutesThatAreNotDeclared(t *testing.T) {
	g := new(guards) // handlers ask it, a route does not
	done := plainHandler(func(*httpx.Context) error { return nil })
	whole := Endpoint{Method: "GET", Path: "/api/{collection}", Access: Anybody, Collection: AnyCollection, Rate: "list", handler: done}
	if _, err := g.route(&whole); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(e *Endpoint){
		"no handler":         func(e *Endpoint) { e.handler = nil },
		"who may call it":    func(e *Endpoint) { e.Access = 0 },
		"kind of its":        func(e *Endpoint) { e.Collection = NoCollection },
		"those of a collect": func(e *Endpoint) { e.Path, e.Collection = "/api/x", NoCollection },
	} {
		e := whole
		change(&e)
		if _, err := g.route(&e); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
