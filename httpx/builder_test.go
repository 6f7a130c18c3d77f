package httpx

import (
	"errors"
	"strings"
	"testing"
)

// built starts a server with what a builder collected.
func built(t *testing.T, b *Builder, change func(*Options)) *site {
	t.Helper()
	router, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return startRouter(t, router, change)
}

func TestBuilderMethods(t *testing.T) {
	b := NewBuilder(testRoutes())
	b.GET("/own", echo)
	b.POST("/own", echo)
	b.PUT("/own", echo)
	b.PATCH("/own", echo)
	b.DELETE("/own", echo)
	b.SEARCH("/own", echo)
	b.HEAD("/head", echo)
	b.OPTIONS("/options", echo).Unbind(CORSID)
	b.Any("/everything", echo)
	b.GET("/everything", func(c *Context) error { return c.String(200, "GET only") })
	b.Route("brew", "/own", echo)
	b.Handle("GET /handled/{x}", echo)
	b.Handle("/handled", echo)
	b.GET("/tree/", echo)
	b.GET("/leaf/{$}", echo)
	w := built(t, b, nil)
	for _, c := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/own", 200, `"method":"GET"`}, {"POST", "/own", 200, `"method":"POST"`}, {"PUT", "/own", 200, `"method":"PUT"`},
		{"PATCH", "/own", 200, `"method":"PATCH"`}, {"DELETE", "/own", 200, `"method":"DELETE"`},
		{"SEARCH", "/own", 200, `"method":"SEARCH"`}, {"BREW", "/own", 200, `"method":"BREW"`}, {"LOCK", "/own", 404, "wasn't found"},
		{"HEAD", "/own", 200, ""}, {"HEAD", "/head", 200, ""}, {"GET", "/head", 404, "File not found."},
		{"OPTIONS", "/options", 200, `"method":"OPTIONS"`}, {"OPTIONS", "/own", 204, ""},
		{"GET", "/everything", 200, "GET only"}, {"LOCK", "/everything", 200, `"method":"LOCK"`},
		{"GET", "/handled/1", 200, `"x":"1"`}, {"LOCK", "/handled", 200, `"route":"/handled"`},
		{"GET", "/tree/a/b", 200, `"route":"/tree/{...}"`}, {"GET", "/tree/", 200, "tree"}, {"GET", "/tree", 307, "/tree/"},
		{"GET", "/leaf/", 200, "leaf"}, {"GET", "/leaf/a", 404, "File not found."},
		{"GET", "/api/health", 200, "/api/health"},
	} {
		got := w.get(c.method, c.target)
		if got.StatusCode != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.target, got.StatusCode, got.body)
		}
	}
}

func TestGroups(t *testing.T) {
	b := NewBuilder([]*Route{{Method: "GET", Path: "/built-in", Handler: arrived}})
	tenant := b.Group("/t/{tenant}").Bind(trail("tenant", 0))
	tenant.GET("", arrived)
	admin := tenant.Group("/admin").Bind(trail("admin", 0), trail("first", -1))
	admin.GET("/x", arrived).Bind(trail("route", 0))
	admin.GET("/open", arrived).Unbind("tenant", "first", "all")
	fresh := tenant.Group("/fresh").Unbind("tenant", "all", CORSID)
	fresh.GET("/x", arrived)
	fresh.GET("/again", arrived).Bind(trail("tenant", 0), trail("all", 0))
	fresh.Add(&Route{Method: "GET", Path: "/added", Handler: arrived, Unbind: []string{"y"}, Middlewares: []Middleware{trail("added", 0)},
		Guard: func(c *Context) error { c.step("guard"); return nil }}).BindFunc(func(c *Context) error { c.step("func"); return c.Next() })
	rebound := b.Group("/rebound").Unbind("all").Bind(trail("all", 4)).Unbind("nobody")
	rebound.GET("/x", arrived)
	b.Group("/dropped").Bind(trail("z", 0)).Unbind("z").GET("/x", arrived)
	// Bound last, and around everything all the same.
	b.Bind(trail("all", 0)).BindFunc(func(c *Context) error { c.step("func"); return c.Next() })
	w := built(t, b, nil)
	for target, want := range map[string]string{
		"/built-in":        "all func handler /all",
		"/nope":            "all func /all",
		"/t/1":             "all func tenant handler /tenant /all",
		"/t/1/admin/x":     "first all func tenant admin route handler /route /admin /tenant /all /first",
		"/t/1/admin/open":  "func admin handler /admin",
		"/t/1/fresh/x":     "func handler",
		"/t/1/fresh/again": "all func tenant handler /tenant /all",
		"/t/1/fresh/added": "func guard added func handler /added",
		"/rebound/x":       "func all handler /all",
		"/dropped/x":       "all func handler /all",
	} {
		got := w.get("GET", target, "Origin: https://x.test")
		if got.trail() != want {
			t.Errorf("%s: %d %q, want %q", target, got.StatusCode, got.trail(), want)
		}
		if cors := got.Header.Get("Access-Control-Allow-Origin") != ""; cors == strings.Contains(target, "fresh") {
			t.Errorf("%s: CORS is %v", target, cors)
		}
	}
}

func TestUnbindForAll(t *testing.T) {
	b := NewBuilder(testRoutes()).Unbind(SecurityID)
	b.GET("/own", echo)
	b.GET("/secure", echo).Bind(Middleware{ID: SecurityID, Func: securityLayer, checks: true})
	w := built(t, b, nil)
	for target, want := range map[string]string{"/own": "", "/api/health": "", "/nope": "", "/secure": "SAMEORIGIN"} {
		if got := w.get("GET", target); got.Header.Get("X-Frame-Options") != want {
			t.Errorf("%s: %v", target, got.Header)
		}
	}
}

// TestBuildDoesNotShare changes a builder after it made a table.
func TestBuildDoesNotShare(t *testing.T) {
	b := NewBuilder(nil)
	group := b.Group("/g").Bind(trail("g", 0))
	route := group.GET("/x", arrived).Bind(trail("r", 0))
	w := built(t, b, nil)
	b.Bind(trail("b", 0))
	group.Bind(trail("g2", 0)).Unbind("g")
	route.Bind(trail("r2", 0)).Unbind("r")
	if got := w.get("GET", "/g/x"); got.trail() != "g r handler /r /g" {
		t.Errorf("before: %q", got.trail())
	}
	next, err := group.Build()
	if err != nil {
		t.Fatal(err)
	}
	w.s.SetRouter(next)
	if got := w.get("GET", "/g/x"); got.trail() != "b g2 r2 handler /r2 /g2 /b" {
		t.Errorf("after: %q", got.trail())
	}
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		add  func(b *Builder)
		want []string
	}{
		{func(b *Builder) { b.GET("/api/health", echo) }, []string{"GET /api/health conflicts with GET /api/health"}},
		{func(b *Builder) { b.Group("/api").GET("/logs/{other}", echo) }, []string{"GET /api/logs/{other} conflicts with GET /api/logs/{id}"}},
		{func(b *Builder) { b.GET("/_/", echo) }, []string{"GET /_/{...} conflicts with GET /_/{path...}"}},
		{func(b *Builder) { b.GET("/api/%68ealth", echo) }, []string{"conflicts with GET /api/health"}},
		{func(b *Builder) { b.Any("/x", echo); b.Any("/x", echo) }, []string{"/x conflicts with /x"}},
		{func(b *Builder) { b.GET("", echo); b.GET("/y", nil); b.GET("a/{b", echo) },
			[]string{"begin with a slash", "GET /y: no handler", "route GET a/{b"}},
		{func(b *Builder) { b.Route("a b", "/x", echo) }, []string{`"A B" is no method`}},
		{func(b *Builder) { b.Group("/g/").GET("/x", echo) }, []string{"empty segment"}},
		{func(b *Builder) { b.GET("/x", echo).BindFunc(nil) }, []string{"no function"}},
		{func(b *Builder) { b.BindFunc(nil) }, []string{"no function"}},
	} {
		b := NewBuilder(testRoutes())
		c.add(b)
		_, err := b.Build()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		var conflict *ConflictError
		if is := errors.As(err, &conflict); is != strings.Contains(c.want[0], "conflicts") {
			t.Errorf("%v is a conflict: %v", err, is)
		}
	}
	b := NewBuilder(testRoutes())
	b.Any("/api/health", echo)
	b.GET("/api/logs/{$}", echo)
	if _, err := b.Build(); err != nil {
		t.Errorf("no conflict: %v", err)
	}
}

func TestHasRoute(t *testing.T) {
	b := NewBuilder(testRoutes())
	g := b.Group("/g")
	g.POST("/{x}/y", echo)
	b.Any("/all/", echo)
	for _, c := range []struct {
		b            *Builder
		method, path string
		want         bool
	}{
		{b, "GET", "/api/health", true}, {b, "get", "/api/logs/{x}", true}, {b, "POST", "/api/health", false}, {b, "HEAD", "/api/health", false},
		{b, "POST", "/g/{z}/y", true}, {g, "POST", "/{z}/y", true}, {g, "GET", "/{z}/y", false}, {g, "POST", "/g/{z}/y", false},
		{b, "", "/all/{rest...}", true}, {b, "", "/all/{$}", false}, {b, "GET", "/all/", false}, {b, "GET", "{", false},
	} {
		if got := c.b.HasRoute(c.method, c.path); got != c.want {
			t.Errorf("%s%s %s: %v", c.b.prefix, c.method, c.path, got)
		}
	}
}
