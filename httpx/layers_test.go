package httpx

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLayersStandInTheirOrder reads the order from the one list, and asks a running server for it.
func TestLayersStandInTheirOrder(t *testing.T) {
	all := Layers()
	if !slices.IsSortedFunc(all, func(a, b Layer) int { return a.Priority - b.Priority }) {
		t.Error("the list is not in the order of the priorities")
	}
	ids := make(map[string]bool)
	var trails []Middleware
	var want []string
	for _, l := range all {
		if l.ID == "" || ids[l.ID] || !strings.HasSuffix(l.Description, ".") || l.run == nil {
			t.Errorf("incomplete, or twice there: %+v", l)
		}
		ids[l.ID] = true
		// One in the place of each layer, bound in the wrong order.
		trails = append([]Middleware{trail(l.ID, l.Priority)}, trails...)
		want = append(want, l.ID)
	}
	w := planned(t, []*Route{{Method: "GET", Path: "/", Handler: arrived}}, nil, trails...)
	if got := w.get("GET", "/").trail(); !strings.HasPrefix(got, strings.Join(want, " ")+" handler") {
		t.Errorf("%s, want %v", got, want)
	}
}

// layeredRoutes are routes that do without some layers.
func layeredRoutes(unbound []string) []*Route {
	// The panic is seen as an error between the recovering layers and the one that reports.
	outside := Middleware{Priority: PanicRecoverPriority - 1, Func: func(c *Context) error {
		if c.Query("outside") == "" {
			return c.Next()
		}
		defer func() {
			if p := recover(); p == nil {
				c.SetHeader("X-Frame-Options", "recovered")
			} else {
				c.ctx.Response.Header.Del("X-Frame-Options")
				panic(p)
			}
		}()
		return c.Next()
	}}
	routes := []*Route{
		{Method: "GET", Path: "/a", Handler: arrived},
		{Method: "GET", Path: "/limited", Handler: arrived},
		{Method: "GET", Path: "/signed", Handler: arrived, Guard: RequireAuth},
		{Method: "POST", Path: "/body", Handler: arrived},
		{Method: "GET", Path: "/panic", Handler: func(*Context) error { panic("boom") }, Middlewares: []Middleware{outside}},
	}
	for _, r := range routes {
		r.Unbind = unbound
	}
	return routes
}

// TestEachLayerIsThere takes the layers away one by one and looks at what is missing then, so that none is in the list in vain.
func TestEachLayerIsThere(t *testing.T) {
	observed := make(chan int, 1)
	options := func(o *Options) {
		auths(o)
		o.Observe = func(_ *Context, status int, _ time.Duration, _ *Error) { observed <- status }
		o.Policy = PolicyOptions{SuperuserIPs: []string{"9.9.9.9"}, RateLimits: true, RateRules: []RateRule{{Label: "/limited", MaxRequests: 0, Duration: 9}}}
	}
	get := func(target string, headers ...string) func(w *site) string {
		return func(w *site) string {
			got := w.get("GET", target, headers...)
			return strconv.Itoa(got.StatusCode) + got.Header.Get("Access-Control-Allow-Origin") + got.Header.Get("X-Frame-Options")
		}
	}
	signed := "Authorization: r@_superusers"
	for id, effect := range map[string]struct {
		ask           func(w *site) string
		with, without string
	}{
		CORSID: {get("/a", "Origin: https://x.test"), "200*SAMEORIGIN", "200SAMEORIGIN"},
		ActivityLoggerID: {func(w *site) string {
			w.get("GET", "/a")
			select {
			case status := <-observed:
				return strconv.Itoa(status)
			default:
				return ""
			}
		}, "200", ""},
		PanicRecoverID:  {get("/panic?outside=1"), "500recovered", "500"},
		LoadAuthTokenID: {get("/signed", "Authorization: u@users"), "200SAMEORIGIN", "401SAMEORIGIN"},
		SuperuserIPsID:  {get("/a", signed), "403SAMEORIGIN", "200SAMEORIGIN"},
		SecurityID:      {get("/a"), "200SAMEORIGIN", "200"},
		RateLimitID:     {get("/limited"), "429SAMEORIGIN", "200SAMEORIGIN"},
		BodyLimitID: {func(w *site) string {
			return strconv.Itoa(w.get("POST", "/body", "Expect: 100-continue", "Content-Length: "+strconv.Itoa(DefaultBodyLimit+1)).StatusCode)
		}, "413", "200"},
	} {
		for _, unbound := range []bool{false, true} {
			without, want := []string(nil), effect.with
			if unbound {
				without, want = []string{id}, effect.without
			}
			w := start(t, layeredRoutes(without), options)
			if got := effect.ask(w); got != want {
				t.Errorf("%s, unbound %v: %q, want %q", id, unbound, got, want)
			}
			select { // what the request left behind
			case <-observed:
			default:
			}
		}
	}
}
