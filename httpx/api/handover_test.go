package api_test

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/httpx"
)

// Commands hold values: whoever executes one does so when the request may have gone, on another goroutine, one day on another machine.
// In all tests of this package the memory of the request is spoiled while a command is executed. What still reads it finds nonsense, and
// under the race detector fails even when it finds nothing wrong.

// spoiler spoils requests while commands are executed on their behalf.
type spoiler struct {
	spoiled atomic.Int64
	look    func(c *httpx.Context) // at a request that is spoiled, nil for nobody
}

type requestKey struct{}

// carry lets the context of a request lead back to it.
func (*spoiler) carry() httpx.Middleware {
	return httpx.Middleware{ID: "spoiler", Priority: -1 << 20, Func: func(c *httpx.Context) error {
		c.Carry(requestKey{}, c)
		return c.Next()
	}}
}

// handedOver is the option HandedOver of an application.
func (s *spoiler) handedOver(ctx context.Context) (done func()) {
	c, ok := ctx.Value(requestKey{}).(*httpx.Context)
	if !ok {
		return func() {} // a program's, or the server's own
	}
	s.spoiled.Add(1)
	memory := memoryOf(c)
	kept := make([][]byte, len(memory))
	for i, m := range memory {
		kept[i] = slices.Clone(m)
	}
	for _, m := range memory {
		for i := range m {
			m[i] = '!'
		}
	}
	if s.look != nil {
		s.look(c)
	}
	return func() {
		for i, m := range memory {
			copy(m, kept[i])
		}
	}
}

// memoryOf is what fasthttp uses again for other requests.
func memoryOf(c *httpx.Context) (list [][]byte) {
	r := &c.Raw().Request
	for _, value := range r.Header.All() {
		list = append(list, value)
	}
	list = append(list, r.Header.RequestURI(), r.Header.RawHeaders())
	if !r.IsBodyStream() {
		list = append(list, r.Body())
	}
	return list
}

// TestRequestsAreSpoiled: the other tests would notice a command that reads the request.
func TestRequestsAreSpoiled(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"posts","type":"base","fields":[{"name":"t","type":"text"}],"createRule":"@request.query.q = 'yes' && @request.headers.x_mine = 'too'"}`)
	status, out := g.sendAs(g.superuser(), "POST", "/api/collections", `{"name":"more","type":"base","fields":[]}`)
	made := g.spoiler.spoiled.Load()
	if status != 200 || made == 0 {
		t.Log(status, out)
		t.Error("a change of collections spoiled nothing")
	}
	var query, header string
	g.spoiler.look = func(c *httpx.Context) { query, header = c.Query("q"), c.Header("X-Mine") }
	status, _, body := g.raw("POST", "/api/collections/posts/records?q=yes", `{"t":"x"}`, http.Header{"Content-Type": {"application/json"}, "X-Mine": {"too"}})
	if status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if g.spoiler.spoiled.Load() != made+1 || query == "yes" || header == "too" {
		t.Errorf("%d were spoiled, q is %q, X-Mine %q", g.spoiler.spoiled.Load()-made, query, header)
	}
}
