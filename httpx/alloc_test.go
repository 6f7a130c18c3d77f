//go:build !race

package httpx

import (
	"net"
	"testing"

	"github.com/valyala/fasthttp"
)

// request prepares a request as fasthttp would hand it over.
func request(uri string) *fasthttp.RequestCtx {
	var req fasthttp.Request
	req.SetRequestURI(uri)
	req.Header.SetHost("h")
	ctx := new(fasthttp.RequestCtx)
	ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, nil)
	return ctx
}

func benchServer(tb testing.TB) *Server {
	router, err := NewRouter(append(testRoutes()[1:], &Route{Method: "GET", Path: "/api/health", Handler: Health(func() bool { return true })}))
	if err != nil {
		tb.Fatal(err)
	}
	s, err := New(Options{Router: router, Policy: PolicyOptions{RateLimits: true, RateRules: []RateRule{
		{Label: "*:auth", MaxRequests: 2, Duration: 3}, {Label: "/api/", MaxRequests: 1 << 40, Duration: 10},
	}}})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestRouterAndLayersDoNotAllocate covers a request without parameters, rate limited. Under the race detector pools drop
// what they are given at random, hence the build tag.
func TestRouterAndLayersDoNotAllocate(t *testing.T) {
	s, ctx := benchServer(t), request("/api/health?x=1")
	allocs := testing.AllocsPerRun(200, func() {
		s.handle(ctx)
		ctx.Response.Reset()
	})
	// One for the path as text in the rate limit's label.
	if allocs > 1 {
		t.Errorf("%v allocations per request", allocs)
	}
}

func BenchmarkHealth(b *testing.B) {
	s, ctx := benchServer(b), request("/api/health")
	b.ReportAllocs()
	for b.Loop() {
		s.handle(ctx)
		ctx.Response.Reset()
	}
}

// BenchmarkMiddleware is BenchmarkHealth with one middleware around all routes.
func BenchmarkMiddleware(b *testing.B) {
	s, ctx := benchServer(b), request("/api/health")
	router, err := NewRouter(s.Router().Routes(), Middleware{Func: (*Context).Next})
	if err != nil {
		b.Fatal(err)
	}
	s.SetRouter(router)
	b.ReportAllocs()
	for b.Loop() {
		s.handle(ctx)
		ctx.Response.Reset()
	}
}
