package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost"
)

const (
	faultEnvelope   = `{"data":{},"message":"Something went wrong while processing your request.","status":500}` + "\n"
	timeoutEnvelope = `{"data":{},"message":"The server is too busy, please try again.","status":503}` + "\n"
)

// fine fails the test unless the next request works.
func (g *guestRig) fine() {
	g.t.Helper()
	if status, out := g.send("POST", "/api/collections/posts/records", with(`"title":"fine"`, "record.create<|set|slug|fine")); status != 200 || out["slug"] != "fine" {
		g.t.Errorf("the next request: %d %v", status, out)
	}
	g.empty("posts")
}

// What a guest does wrong is the answer of one request: nothing is written, and the next request works.
func TestHostileGuests(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	tests := []struct {
		what   string
		status int
	}{
		{"loop", 503}, {"recurse", 500}, {"memory", 500}, {"calls", 500}, {"exit", 500}, {"trap", 500}, {"beyond", 500}, {"giant", 500}, {"huge", 500},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			want := faultEnvelope
			if test.status == 503 {
				want = timeoutEnvelope
			}
			for _, event := range []string{"record.create.request<", "record.create<", "record.validate<", "record.create.execute<"} {
				if strings.HasPrefix(test.what, "loop") && event != "record.create<" {
					continue // it takes its time
				}
				status, _, raw := g.raw("POST", "/api/collections/posts/records", with("", event+"|hostile|"+test.what), http.Header{"Content-Type": {"application/json"}})
				slow := test.what == "memory" && string(raw) == timeoutEnvelope // 64 MiB are a lot for a busy machine
				if !slow && (status != test.status || string(raw) != want) {
					t.Errorf("%s: %d %s", event, status, raw)
				}
				if n := g.count("posts"); n != 0 {
					t.Errorf("%s: %d records", event, n)
				}
				g.fine()
			}
			status, header, raw := g.raw("POST", "/probe/any/x", "hostile\t"+test.what, nil)
			slow := test.what == "memory" && string(raw) == timeoutEnvelope
			if !slow && (status != test.status || string(raw) != want) || status == 503 && header.Get("Retry-After") == "" {
				t.Errorf("route: %d %s", status, raw)
			}
			g.fine()
		})
	}
	g.log.told()
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create<|hostile|pointer")); status != 200 {
		t.Errorf("%d %v", status, out)
	}
	g.expect("probe hostile=INVALID a pointer or length outside of the memory")
	g.empty("posts")
}

// TestHostileGuestsInABatch: the server's own transaction ends, and nothing of it stays.
func TestHostileGuestsInABatch(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	g.enableBatch()
	for _, what := range []string{"trap", "loop"} {
		body := `{"requests":[{"method":"POST","url":"/api/collections/posts/records","body":` + with("") + `},{"method":"POST","url":"/api/collections/posts/records","body":` + with("", "record.create<|hostile|"+what) + `}]}`
		if status, out := g.send("POST", "/api/batch", body); status != 400 && status != 503 || g.count("posts") != 0 {
			t.Errorf("%s in a batch: %d %v", what, status, out)
		}
		g.fine()
	}
}

// TestHostileGuestsAfterTheOutcome: nobody but the log hears of them.
func TestHostileGuestsAfterTheOutcome(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create.success<|hostile|trap")); status != 200 || g.count("posts") != 1 {
		t.Errorf("%d %v", status, out)
	}
	if log := g.log.all(); !slices.ContainsFunc(log, func(s string) bool { return strings.Contains(s, "a hook after the outcome failed") }) {
		t.Errorf("%q", log)
	}
}

// A module that keeps failing is suspended: what it should judge is refused, everything else goes on, and it comes back.
func TestSuspendedGuest(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.posts("posts")
	g.collection(`{"name":"plain","type":"base","fields":[{"name":"title","type":"text"}]}`)
	for range 6 {
		g.raw("POST", "/probe/any/x", "hostile\ttrap", nil)
	}
	status, header, raw := g.raw("POST", "/probe/any/x", "version", nil)
	if status != 503 || string(raw) != timeoutEnvelope || header.Get("Retry-After") == "" {
		t.Errorf("route: %d %s", status, raw)
	}
	if status, out := g.send("POST", "/api/collections/posts/records", with("")); status != 503 {
		t.Errorf("hook: %d %v", status, out)
	}
	if status, _, raw := g.raw("POST", "/second/any/x", "version", nil); status != 200 {
		t.Errorf("another extension: %d %s", status, raw)
	}
	eventually(t, "it is called again", func() bool {
		status, _, _ := g.raw("POST", "/probe/any/x", "version", nil)
		return status == 200
	})
	if n := g.count("posts"); n != 0 {
		t.Errorf("%d records", n)
	}
	if status, out := g.send("POST", "/api/collections/posts/records", with("")); status != 200 {
		t.Errorf("%d %v", status, out)
	}
}

// Guests that loop keep nobody from being answered: others wait a little, and the memory stays what it was.
func TestLoopsBesideOthers(t *testing.T) {
	g := limitedGuests(t, wasmhost.Limits{Hook: 200 * time.Millisecond}, "probe")
	g.posts("posts")
	g.collection(`{"name":"plain","type":"base","fields":[{"name":"title","type":"text"}]}`)
	var wg sync.WaitGroup
	failed := make(chan string, 64)
	work := func(times int, want func(status int) bool, method, path, body string) {
		wg.Go(func() {
			for range times {
				status, _, raw := g.raw(method, path, body, http.Header{"Content-Type": {"application/json"}})
				if !want(status) {
					failed <- fmt.Sprintf("%s %s: %d %s", method, path, status, raw)
					return
				}
			}
		})
	}
	good := func(status int) bool { return status == 200 }
	for range 4 {
		work(4, func(status int) bool { return status == 503 }, "POST", "/api/collections/posts/records", with("", "record.create<|hostile|loop"))
		work(50, good, "GET", "/api/collections/plain/records", "")
		work(50, good, "POST", "/api/collections/plain/records", `{"title":"x"}`)
	}
	wg.Wait()
	close(failed)
	for line := range failed {
		t.Error(line)
	}
}
