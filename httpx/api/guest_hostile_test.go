package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	if status, _, raw := g.raw("POST", "/probe/any/x", "version", nil); status != 200 {
		g.t.Errorf("the next request on a route: %d %s", status, raw)
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

// TestHostileGuestsAfterTheOutcome: nobody but the log hears of them, and of what was committed they are told again.
func TestHostileGuestsAfterTheOutcome(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create.success<|hostile|trap")); status != 200 || g.count("posts") != 1 {
		t.Errorf("%d %v", status, out)
	}
	g.named("call after a commit was not made to its end", "probe", "record.create.success")
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create<|reject|400|no", "record.create.error<|hostile|trap")); status != 400 || g.count("posts") != 1 {
		t.Errorf("%d %v", status, out)
	}
	g.named("a hook after the outcome failed", "record.create.error")
	if kept := g.app.Guests.Calls().Totals()["probe"]; kept.Waiting != 1 {
		t.Errorf("%+v", kept)
	}
}

// TestSuspendedRoute: a route that anybody can crash is suspended alone, however often they do: the module's hooks still judge, and its other routes
// answer.
func TestSuspendedRoute(t *testing.T) {
	for _, crashes := range []int{5, 50, 500} {
		t.Run(strconv.Itoa(crashes), func(t *testing.T) {
			g := newGuests(t, "probe")
			g.posts("posts")
			for range crashes {
				if status, _, raw := g.raw("POST", "/probe/any/x", "hostile\ttrap", nil); status != 500 && status != 503 {
					t.Fatalf("%d %s", status, raw)
				}
			}
			status, header, raw := g.raw("POST", "/probe/any/x", "version", nil)
			if status != 503 || string(raw) != timeoutEnvelope || header.Get("Retry-After") == "" {
				t.Errorf("the route: %d %s", status, raw)
			}
			g.named("route /probe/any/{name} of probe")
			if status, _, raw := g.raw("GET", "/probe/files/x?script=version", "", nil); status != 200 {
				t.Errorf("another route: %d %s", status, raw)
			}
			if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create<|set|slug|fine")); status != 200 || out["slug"] != "fine" {
				t.Errorf("a hook: %d %v", status, out)
			}
			if status, _ := g.send("POST", "/api/collections/posts/records", with("", "record.create<|reject|403|no")); status != 403 || g.count("posts") != 1 {
				t.Errorf("the rule of a hook: %d, %d records", status, g.count("posts"))
			}
		})
	}
}

// TestSuspendedHook: a hook that anybody can crash is suspended alone. What it judges is refused meanwhile, and it comes back.
func TestSuspendedHook(t *testing.T) {
	for _, crashes := range []int{5, 50, 500} {
		for _, event := range []string{"record.create.request", "record.create", "record.validate", "record.create.execute"} {
			t.Run(fmt.Sprint(crashes, " ", event), func(t *testing.T) {
				if crashes == 500 && event != "record.create" {
					t.Skip("one will do")
				}
				g := newGuests(t, "probe", "second")
				g.posts("posts")
				_, out := g.send("POST", "/api/collections/posts/records", with(""))
				id, _ := out["id"].(string)
				for range crashes {
					if status, _ := g.send("POST", "/api/collections/posts/records", with("", event+"<|hostile|trap")); status != 500 && status != 503 {
						t.Fatalf("%d", status)
					}
				}
				status, header, raw := g.raw("POST", "/api/collections/posts/records", with(""), http.Header{"Content-Type": {"application/json"}})
				if status != 503 || string(raw) != timeoutEnvelope || header.Get("Retry-After") == "" || g.count("posts") != 1 {
					t.Errorf("what it judges: %d %s, %d records", status, raw, g.count("posts"))
				}
				g.named(event + " of probe")
				if event != "record.validate" { // which judges updates, too
					if status, out := g.send("PATCH", "/api/collections/posts/records/"+id, with("", "record.update<|set|slug|fine")); status != 200 || out["slug"] != "fine" {
						t.Errorf("another hook: %d %v", status, out)
					}
				}
				for _, path := range []string{"/probe/any/x", "/second/any/x"} {
					if status, _, raw := g.raw("POST", path, "version", nil); status != 200 {
						t.Errorf("%s: %d %s", path, status, raw)
					}
				}
				if crashes == 5 {
					eventually(t, "it is called again", func() bool {
						status, _ := g.send("POST", "/api/collections/posts/records", with(""))
						return status == 200
					})
				}
			})
		}
	}
}

// named fails the test unless a line of the log has all of that.
func (g *guestRig) named(parts ...string) {
	g.t.Helper()
	if !slices.ContainsFunc(g.log.all(), func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	}) {
		g.t.Errorf("nothing in the log has %q", parts)
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
