package httpx

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// trail is a middleware that writes down when it is entered and left.
func trail(name string, priority int) Middleware {
	return Middleware{ID: name, Priority: priority, Func: func(c *Context) error {
		c.step(name)
		defer c.step("/" + name)
		return c.Next()
	}}
}

func (c *Context) step(name string) { c.ctx.Response.Header.Add("Trail", name) }

func (a answer) trail() string { return strings.Join(a.Header.Values("Trail"), " ") }

// arrived is a handler that leaves a trace.
func arrived(c *Context) error {
	c.step("handler")
	return c.String(200, "arrived")
}

// planned starts a server with middlewares around all routes.
func planned(t *testing.T, routes []*Route, change func(*Options), middlewares ...Middleware) *site {
	t.Helper()
	router, err := NewRouter(routes, middlewares...)
	if err != nil {
		t.Fatal(err)
	}
	return startRouter(t, router, change)
}

func TestMiddlewareOrder(t *testing.T) {
	guard := func(c *Context) error {
		c.step("guard")
		return nil
	}
	w := planned(t, []*Route{
		{Method: "GET", Path: "/bare", Handler: arrived},
		{Method: "GET", Path: "/some", Handler: arrived, Guard: guard,
			Middlewares: []Middleware{trail("r0", 0), trail("r-1", -1), trail("r0b", 0), trail("r5", 5)}},
		{Method: "GET", Path: "/replaced", Handler: arrived, Middlewares: []Middleware{trail("x", 0),
			{ID: "g0", Func: func(c *Context) error { c.step("mine"); return c.Next() }}}},
		{Method: "GET", Path: "/without", Handler: arrived, Unbind: []string{"g0", "nobody", "own"},
			Middlewares: []Middleware{trail("own", 0), trail("", 0)}},
	}, nil, trail("g3", 3), trail("g0", 0), trail("g0b", 0), trail("early", -2000))
	for target, want := range map[string]string{
		"/bare":     "early g0 g0b g3 handler /g3 /g0b /g0 /early",
		"/some":     "early r-1 g0 g0b guard r0 r0b g3 r5 handler /r5 /g3 /r0b /r0 /g0b /g0 /r-1 /early",
		"/replaced": "early mine g0b x g3 handler /g3 /x /g0b /early",
		"/without":  "early g0b  g3 handler /g3 / /g0b /early",
		"/nowhere":  "early g0 g0b g3 /g3 /g0b /g0 /early",
	} {
		if got := w.get("GET", target); got.trail() != want {
			t.Errorf("%s: %d %q, want %q", target, got.StatusCode, got.trail(), want)
		}
	}
}

// TestMiddlewaresAmongTheServersLayers asks at each priority what the layers outside of it have done already.
func TestMiddlewaresAmongTheServersLayers(t *testing.T) {
	var seen sync.Map
	probe := func(priority int) Middleware {
		return Middleware{Priority: priority, Func: func(c *Context) error {
			h := &c.ctx.Response.Header
			state := "cors:" + strconv.FormatBool(len(h.Peek("Vary")) > 0) + " auth:" + strconv.FormatBool(c.Auth != nil) +
				" secure:" + strconv.FormatBool(len(h.Peek("X-Frame-Options")) > 0) + " limit:" + strconv.FormatInt(c.limit, 10)
			seen.Store(priority, state)
			return c.Next()
		}}
	}
	w := planned(t, []*Route{{Method: "GET", Path: "/", Handler: arrived, BodyLimit: func(*Context) (int64, error) { return 7, nil },
		Middlewares: []Middleware{probe(-1025), probe(0), probe(-1042), probe(-1012), probe(-1000), probe(-990)}}}, auths)
	if got := w.get("GET", "/", "Authorization: u@users"); got.StatusCode != 200 {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	for priority, want := range map[int]string{
		-1042: "cors:false auth:false secure:false limit:33554432",
		-1025: "cors:true auth:false secure:false limit:33554432",
		-1012: "cors:true auth:true secure:false limit:33554432",
		-1000: "cors:true auth:true secure:true limit:33554432",
		-990:  "cors:true auth:true secure:true limit:7",
		0:     "cors:true auth:true secure:true limit:7",
	} {
		if got, _ := seen.Load(priority); got != want {
			t.Errorf("%d: %v, want %s", priority, got, want)
		}
	}
}

func TestLayersAreExcluded(t *testing.T) {
	observed := make(chan string, 10)
	route := func(path string, ids ...string) *Route {
		return &Route{Method: "GET", Path: path, Unbind: ids, Handler: func(c *Context) error {
			body, err := c.Bytes()
			if err != nil {
				return err
			}
			return c.SendJSON(200, []any{c.Auth != nil, len(body)})
		}}
	}
	panics := &Route{Method: "GET", Path: "/panics", Unbind: []string{PanicRecoverID}, Handler: func(*Context) error { panic("boom") }}
	options := &Route{Method: "OPTIONS", Path: "/options", Unbind: []string{CORSID}, Handler: arrived}
	w := start(t, []*Route{
		route("/all"), route("/none", CORSID, ActivityLoggerID, PanicRecoverID, LoadAuthTokenID, SuperuserIPsID, SecurityID, RateLimitID, BodyLimitID),
		route("/auth", LoadAuthTokenID), route("/addresses", SuperuserIPsID), route("/rate", RateLimitID), panics, options,
	}, func(o *Options) {
		auths(o)
		o.Observe = func(c *Context, _ int, _ time.Duration, _ *Error) { observed <- c.Path() }
		o.Policy = PolicyOptions{SuperuserIPs: []string{"9.9.9.9"}, RateLimits: true,
			RateRules: []RateRule{{Label: "/rate", MaxRequests: 0, Duration: 9}, {Label: "/none", MaxRequests: 0, Duration: 9}}}
	})
	super := "Authorization: r@_superusers"
	for _, c := range []struct {
		target, header string
		status         int
		body, origin   string
	}{
		{"/all", super, 403, "not allowed", "*"},
		{"/all", "Authorization: u@users", 200, "[true,0]", "*"},
		{"/auth", super, 200, "[false,0]", "*"},
		{"/addresses", super, 200, "[true,0]", "*"},
		{"/rate", "X: y", 200, "[false,0]", "*"},
		{"/panics", "X: y", 500, "Something went wrong", "*"},
	} {
		got := w.get("GET", c.target, c.header, "Origin: https://x.test")
		if got.StatusCode != c.status || !strings.Contains(got.body, c.body) || got.Header.Get("Access-Control-Allow-Origin") != c.origin {
			t.Errorf("%s: %d %s %v", c.target, got.StatusCode, got.body, got.Header)
		}
		if path := <-observed; path != c.target {
			t.Errorf("observed %s after %s", path, c.target)
		}
	}
	got := w.get("GET", "/none", super, "Origin: https://x.test")
	if got.StatusCode != 200 || got.body != "[false,0]\n" || got.Header.Get("Vary") != "" || got.Header.Get("X-Frame-Options") != "" {
		t.Errorf("without layers: %d %s %v", got.StatusCode, got.body, got.Header)
	}
	if got := w.get("OPTIONS", "/options"); got.StatusCode != 200 || got.body != "arrived" {
		t.Errorf("own OPTIONS: %d %s", got.StatusCode, got.body)
	}
	if got := w.get("OPTIONS", "/all", "Origin: https://x.test"); got.StatusCode != 204 || got.Header.Get("Access-Control-Allow-Methods") == "" {
		t.Errorf("OPTIONS elsewhere: %d %v", got.StatusCode, got.Header)
	}
	if len(observed) > 1 {
		t.Errorf("%d requests too many observed", len(observed)-1)
	}
}

// acts are what middlewares do with Next.
var acts = map[string]func(c *Context) error{
	"pass":   (*Context).Next,
	"skip":   func(*Context) error { return nil },
	"writes": func(c *Context) error { return c.String(202, "mine") },
	"fails":  func(*Context) error { return NewError(418, "teapot") },
	"late":   func(c *Context) error { return errors.Join(c.Next(), errors.New("boom")) },
	"twice": func(c *Context) error {
		first := c.Next()
		if err := c.Next(); err != nil {
			return NewError(599, "the second call failed")
		}
		return first
	},
	"swallow": func(c *Context) error {
		c.Next()
		return nil
	},
	"replace": func(c *Context) error {
		if err := c.Next(); err != nil {
			return NewError(409, "instead").Because(err)
		}
		return nil
	},
	"answers": func(c *Context) error {
		if err := c.Next(); err != nil {
			return c.String(203, "instead of "+AsError(err).text())
		}
		return nil
	},
	"panics": func(*Context) error { panic("boom") },
	"rescue": func(c *Context) error {
		func() {
			defer func() { _ = recover() }()
			_ = c.Next()
		}()
		return c.Next()
	},
}

// acting is a middleware that writes its name down and does what it says.
func acting(name string) Middleware {
	return Middleware{Func: func(c *Context) error {
		c.step(name)
		return acts[name](c)
	}}
}

func TestNext(t *testing.T) {
	for _, c := range []struct {
		chain  string
		status int
		body   string
		trail  string
	}{
		{"pass pass", 200, "arrived", "pass pass handler"},
		{"pass skip pass", 200, "", "pass skip"},
		{"writes pass", 202, "mine", "writes"},
		{"twice pass", 200, "arrived", "twice pass handler"},
		{"twice skip pass", 200, "", "twice skip"},
		{"twice twice fails", 418, `"Teapot."`, "twice twice fails"},
		{"fails pass", 418, `"Teapot."`, "fails"},
		{"swallow fails", 200, "", "swallow fails"},
		{"swallow pass", 200, "arrived", "swallow pass handler"},
		{"replace fails", 409, `"Instead."`, "replace fails"},
		{"replace pass", 200, "arrived", "replace pass handler"},
		{"answers fails", 203, "instead of Teapot.", "answers fails"},
		{"late", 500, "Something went wrong", "late handler"},
		{"swallow late", 200, "arrived", "swallow late handler"},
		{"panics pass", 500, "Something went wrong", "panics"},
		{"rescue pass panics pass", 200, "", "rescue pass panics"},
	} {
		var chain []Middleware
		for _, name := range strings.Fields(c.chain) {
			chain = append(chain, acting(name))
		}
		w := start(t, []*Route{{Method: "GET", Path: "/", Handler: arrived, Middlewares: chain}}, nil)
		got := w.get("GET", "/")
		if got.StatusCode != c.status || !strings.Contains(got.body, c.body) || c.body == "" && got.body != "" || got.trail() != c.trail {
			t.Errorf("%s: %d %q after %q", c.trail, got.StatusCode, got.body, got.trail())
		}
	}
	if err := new(Context).Next(); err != nil {
		t.Errorf("outside of a chain: %v", err)
	}
}

func TestPanicsInMiddlewares(t *testing.T) {
	for _, priority := range []int{-5000, -1041, -1040, -1035, -1030, -1029, -1000, -1, 0, 9} {
		statuses := make(chan int, 2)
		w := planned(t, []*Route{{Method: "GET", Path: "/", Handler: arrived}}, func(o *Options) {
			o.Observe = func(_ *Context, status int, _ time.Duration, err *Error) { statuses <- status }
		}, Middleware{Priority: priority, Func: func(c *Context) error {
			if c.Query("panic") == "" {
				return c.Next()
			}
			c.SendRaw(200, "text/plain", []byte("half an answer"))
			panic("boom")
		}})
		for _, target := range []string{"/?panic=1", "/nope?panic=1"} {
			got := w.get("GET", target)
			if got.StatusCode != 500 || !strings.HasPrefix(got.body, `{"data":{},"message":"Something went wrong`) {
				t.Errorf("%d %s: %d %s", priority, target, got.StatusCode, got.body)
			}
			if priority >= ActivityLoggerPriority {
				if status := <-statuses; status != 500 {
					t.Errorf("%d %s: observed %d", priority, target, status)
				}
			}
		}
		if got := w.get("GET", "/"); got.StatusCode != 200 {
			t.Errorf("%d: %d after panics", priority, got.StatusCode)
		}
	}
}

func TestMiddlewaresCoverPathsWithoutARoute(t *testing.T) {
	w := planned(t, testRoutes(), nil, trail("outer", CORSPriority-1), trail("inner", 0))
	for _, c := range []struct {
		method, target string
		status         int
		trail          string
	}{
		{"GET", "/api/health", 200, "outer inner /inner /outer"},
		{"GET", "/nope", 404, "outer inner /inner /outer"},
		{"POST", "/nope", 404, "outer inner /inner /outer"},
		// The answer to a preflight is that of CORS, so what is inside of it is not asked.
		{"OPTIONS", "/nope", 204, "outer /outer"},
		{"OPTIONS", "/any/x", 204, "outer /outer"},
		{"GET", "//", 307, ""},
	} {
		if got := w.get(c.method, c.target); got.StatusCode != c.status || got.trail() != c.trail {
			t.Errorf("%s %s: %d %q", c.method, c.target, got.StatusCode, got.trail())
		}
	}
}

func TestErrorsAreShownToTheObserverOnce(t *testing.T) {
	known := errors.New("known")
	type seen struct {
		status int
		err    *Error
	}
	observed := make(chan seen, 1)
	var outside error
	w := planned(t, []*Route{{Method: "GET", Path: "/", Handler: func(*Context) error { return known }}}, func(o *Options) {
		o.MapError = func(err error) *Error {
			if errors.Is(err, known) {
				return NewError(410, "gone")
			}
			return nil
		}
		o.Observe = func(_ *Context, status int, _ time.Duration, err *Error) { observed <- seen{status, err} }
	}, Middleware{Priority: -2000, Func: func(c *Context) error {
		outside = c.Next()
		return outside
	}})
	got := w.get("GET", "/")
	if s := <-observed; s.status != 410 || s.err == nil || got.StatusCode != 410 || !errors.Is(outside, known) {
		t.Errorf("answered %d, observed %v, outside %v", got.StatusCode, s, outside)
	}
}

func TestMiddlewaresThatCannotBe(t *testing.T) {
	many := make([]Middleware, maxMiddlewares)
	for i := range many {
		many[i] = trail("", 0)
	}
	for name, list := range map[string][]Middleware{"no function": {{ID: "x"}}, "more than": many} {
		if _, err := NewRouter(nil, list...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("around all: %v", err)
		}
		_, err := NewRouter([]*Route{{Method: "GET", Path: "/a", Handler: arrived, Middlewares: list}})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "route GET /a") {
			t.Errorf("around one: %v", err)
		}
	}
}
