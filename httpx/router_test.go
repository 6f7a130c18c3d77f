package httpx

import (
	"strings"
	"testing"
)

var testPatterns = []string{
	"GET /api/health", "POST /api/sql", "GET /api/logs", "GET /api/logs/stats", "GET /api/logs/{id}",
	"POST /api/backups/upload", "GET /api/backups/{key}", "POST /api/backups/{key}/restore",
	"GET /api/collections/{collection}/records", "POST /api/collections/{collection}/records",
	"GET /api/collections/{collection}/records/{id}", "PATCH /api/collections/{collection}/records/{id}",
	"GET /api/collections/{collection}", "GET /api/collections/meta/scaffolds",
	"GET /_/{path...}", " /any/{x}", "GET /get/{x}", "HEAD /get/{x}",
}

func testRoutes() []*Route {
	var routes []*Route
	for _, p := range testPatterns {
		method, path, _ := strings.Cut(p, " ")
		routes = append(routes, &Route{Method: method, Path: path, Handler: echo})
	}
	return routes
}

func TestRouting(t *testing.T) {
	w := start(t, testRoutes(), nil)
	const noFile = `{"data":{},"message":"File not found.","status":404}` + "\n"
	const notFound = `{"data":{},"message":"The requested resource wasn't found.","status":404}` + "\n"
	for _, c := range []struct {
		request string
		status  int
		want    string // body, or what the echo must hold
	}{
		{"GET /api/health", 200, `"route":"/api/health"`},
		{"GET /api/health?x=1", 200, `"route":"/api/health"`},
		{"GET http://h/api/health?x=1", 200, `"route":"/api/health"`},
		{"GET /api/health/", 404, noFile},
		{"GET /API/health", 404, noFile},
		{"GET /", 404, noFile},
		{"GET /api/sql", 404, noFile},
		{"POST /api/sql", 200, `"method":"POST"`},
		{"POST /api/health", 404, notFound},
		{"PUT /api/nope", 404, notFound},
		{"BREW /api/health", 404, notFound},
		{"GET /api/logs/stats", 200, `"route":"/api/logs/stats"`},
		{"GET /api/logs/x", 200, `"id":"x"`},
		{"GET /api/logs/", 404, noFile},
		{"GET /api/logs/a/b", 404, noFile},
		{"GET /api/backups/upload", 200, `"key":"upload"`},
		{"GET /api/backups/a%2Fb%20c", 200, `"key":"a/b c"`},
		{"GET /api/%68ealth", 200, `"route":"/api/health"`},
		{"GET /api/collections/a/records/r1", 200, `"collection":"a","id":"r1"`},
		{"GET /api/collections/meta/scaffolds", 200, `"route":"/api/collections/meta/scaffolds"`},
		{"GET /api/collections/meta/records", 200, `"collection":"meta"`},
		{"GET /api/collections/a/records/", 404, noFile},
		{"GET /_/", 200, `"path":""`},
		{"GET /_/a/b.js", 200, `"path":"a/b.js"`},
		{"POST /_/a", 404, notFound},
		{"DELETE /any/1", 200, `"x":"1"`},
		{"GET /%2e%2e/%2e%2e/etc/passwd", 404, noFile},
		{"GET /api/health%zz", 400, "400 Bad Request"},
	} {
		method, target, _ := strings.Cut(c.request, " ")
		got := w.get(method, target)
		if got.StatusCode != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %q, want %d %q", c.request, got.StatusCode, got.body, c.status, c.want)
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	w := start(t, testRoutes(), nil)
	get, head := w.get("GET", "/api/logs/x"), w.get("HEAD", "/api/logs/x")
	if head.StatusCode != 200 || head.body != "" || head.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %q %v", head.StatusCode, head.body, head.Header)
	}
	// The echo names the method, which is one byte longer.
	if head.ContentLength != int64(len(get.body))+1 {
		t.Errorf("HEAD says %d bytes, GET sends %d", head.ContentLength, len(get.body))
	}
	if bad := w.get("HEAD", "/nope"); bad.StatusCode != 404 || bad.body != "" {
		t.Errorf("HEAD of nothing: %d %q", bad.StatusCode, bad.body)
	}
}

func TestUncleanPathsAreRedirected(t *testing.T) {
	w := start(t, testRoutes(), nil)
	for target, want := range map[string]string{
		"//api/health":            "/api/health",
		"/api//health?x=a//b":     "/api/health?x=a//b",
		"/api/./health":           "/api/health",
		"/api/x/../health":        "/api/health",
		"/../../etc/passwd":       "/etc/passwd",
		"/api/health/.":           "/api/health",
		"/a/..":                   "/",
		"/a//":                    "/a/",
		"/_":                      "/_/",
		"/_?x=1":                  "/_/?x=1",
		"//evil.test/%2e%2e/x\"<": "/evil.test/%2e%2e/x\"<",
	} {
		got := w.get("GET", target)
		if got.StatusCode != 307 || got.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want 307 to %q", target, got.StatusCode, got.Header.Get("Location"), want)
		}
		if !strings.HasPrefix(got.body, "<a href=\"/") || strings.Contains(got.body, "<\">") || len(got.Header.Values("Vary")) > 0 {
			t.Errorf("%s: body %q, headers %v", target, got.body, got.Header)
		}
	}
	if got := w.get("POST", "/_"); got.StatusCode != 404 {
		t.Errorf("POST /_: %d", got.StatusCode)
	}
}

func TestRoutesThatCannotBe(t *testing.T) {
	h := Handler(echo)
	for _, routes := range [][]*Route{
		{{Method: "GET", Path: "a", Handler: h}},
		{{Method: "GET", Path: "/a"}},
		{{Method: "GET", Path: "/{a", Handler: h}},
		{{Method: "GET", Path: "/{}", Handler: h}},
		{{Method: "GET", Path: "/{a...}/b", Handler: h}},
		{{Method: "GET", Path: "/{a}", Handler: h}, {Method: "GET", Path: "/{b}", Handler: h}},
		{{Method: "GET", Path: "/{a...}", Handler: h}, {Method: "GET", Path: "/{b...}", Handler: h}},
		{{Method: "GET", Path: strings.Repeat("/{a}", maxParams+1), Handler: h}},
		{{Method: "GET", Path: strings.Repeat("/{a}", maxParams) + "/{b...}", Handler: h}},
	} {
		if _, err := NewRouter(routes); err == nil {
			t.Errorf("%s: no error", routes[len(routes)-1].Path)
		}
	}
}

func TestRouterIsSwapped(t *testing.T) {
	w := start(t, testRoutes(), nil)
	if got := w.get("GET", "/new"); got.StatusCode != 404 {
		t.Fatalf("before: %d", got.StatusCode)
	}
	next, err := NewRouter(append(testRoutes(), &Route{Method: "GET", Path: "/new", Handler: echo}))
	if err != nil {
		t.Fatal(err)
	}
	w.s.SetRouter(next)
	if got := w.get("GET", "/new"); got.StatusCode != 200 {
		t.Errorf("after: %d", got.StatusCode)
	}
}

func TestQuery(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/q", Handler: func(c *Context) error {
		x, ok := c.QueryLookup("x")
		var all []string
		c.VisitQuery(func(name, value string) { all = append(all, name+"="+value) })
		return c.SendJSON(200, []any{x, ok, strings.Join(all, " ")})
	}}}, nil)
	for query, want := range map[string]string{
		"":                     `["",false,""]`,
		"?x":                   `["",true,"x="]`,
		"?x=1&x=2":             `["1",true,"x=1 x=2"]`,
		"?X=1":                 `["",false,"X=1"]`,
		"?x=%zz&x=2":           `["2",true,"x=2"]`,
		"?%78=a+b%2Bc":         `["a b+c",true,"x=a b+c"]`,
		"?x=a;b&&x=c":          `["c",true,"x=c"]`,
		"?x=a=b":               `["a=b",true,"x=a=b"]`,
		"?y=%E6%97%A5&x=%26#f": `["\u0026",true,"y=日 x=\u0026"]`,
	} {
		if got := w.get("GET", "/q"+query); strings.TrimSpace(got.body) != want {
			t.Errorf("%s: %s, want %s", query, got.body, want)
		}
	}
}

// FuzzPaths holds what must be true of every path: cleaning ends after one step, stays below the root, and a clean path is
// matched to a route whose literal segments it has.
func FuzzPaths(f *testing.F) {
	for _, s := range []string{"/", "//", "/a/../b", "/api/collections/x/records/%2F", "/%zz", "/..//./", "/_/x/y", "", "a"} {
		f.Add(s)
	}
	router, err := NewRouter(testRoutes())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, _ := splitURI([]byte(s))
		if path[0] != '/' {
			t.Fatalf("%q has the path %q", s, path)
		}
		c := cleaned(path)
		if !clean(c) {
			t.Fatalf("%q cleaned to %q, which is not clean", path, c)
		}
		if clean(path) && string(c) != string(path) {
			t.Fatalf("%q is clean but becomes %q", path, c)
		}
		var m match
		if !router.find("GET", c, &m) {
			return
		}
		for i := range m.names {
			text, ok := unescape(m.values[i], false)
			if ok != wellFormed(m.values[i]) || ok && len(text) > len(m.values[i]) {
				t.Fatalf("%q: parameter %q decoded to %q, %v", c, m.values[i], text, ok)
			}
		}
	})
}
