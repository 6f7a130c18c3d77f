//go:build unix

package api_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/wasmhost"
)

// callers makes 64 of them on two processors.
const callers = 32

const exampleGuests = "../../extensions/examples/"

// parallel runs op with many callers and reports what it costs the process.
func parallel(b *testing.B, op func() error) {
	b.SetParallelism(callers)
	b.ReportAllocs()
	before := cpuTime()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := op(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// patientLimits are for callers that never block, who leave one another waiting for long.
var patientLimits = wasmhost.Limits{Hook: time.Minute, Route: time.Minute}

func benchGuests(b *testing.B, names ...string) *guestRig {
	b.Helper()
	return limitedGuests(b, patientLimits, names...)
}

// BenchmarkExtensionCreate is a write without the network, with and without hooks around it.
func BenchmarkExtensionCreate(b *testing.B) {
	for _, bench := range []struct{ name, guest, collection string }{
		{"none", "", "plain"},
		{"go-empty", "", "native"},
		{"c-empty", "quiet", "empty"},
		{"c-copy", "quiet", "copied"},
		{"c-slugs", exampleGuests + "c/slugs/slugs-c.wasm", "posts"},
		{"go-slugs", exampleGuests + "go/slugs/slugs-go.wasm", "posts"},
		{"as-slugs", exampleGuests + "assemblyscript/slugs/slugs-as.wasm", "posts"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var guest []string
			if bench.guest != "" {
				guest = []string{bench.guest}
			}
			g := benchGuests(b, guest...)
			c := g.collection(`{"name":"` + bench.collection + `","type":"base","fields":[{"name":"title","type":"text"},{"name":"slug","type":"text"}]}`)
			g.app.Hooks.OnRecordCreate("native").BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
			parallel(b, func() error {
				in := records.WriteInput{CollectionID: c.ID, SkipRules: true, Body: map[string]any{"title": "The quick brown fox"},
					Caller: records.Caller{Request: &filter.Request{Context: "default", Method: "POST", Now: time.Now()}}}
				cmd, err := g.app.Store.PrepareCreate(b.Context(), in)
				if err != nil {
					return err
				}
				return g.app.Writes.DoCommand(b.Context(), c, cmd, "bench")
			})
		})
	}
}

// BenchmarkExtensionRoute is a request over a connection that stays, answered by the server's own code and by guests.
func BenchmarkExtensionRoute(b *testing.B) {
	for _, bench := range []struct{ name, guest, path string }{
		{"native", "", "/native/you"},
		{"c", "quiet", "/quiet/you"},
		{"go", exampleGuests + "go/slugs/slugs-go.wasm", "/hello/you"},
		{"as", exampleGuests + "assemblyscript/slugs/slugs-as.wasm", "/hello/you"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var guest []string
			if bench.guest != "" {
				guest = []string{bench.guest}
			}
			g := benchGuests(b, guest...)
			native := &httpx.Route{Method: "GET", Path: "/native/{name}", Handler: func(c *httpx.Context) error {
				return c.SendJSON(200, map[string]string{"hello": c.Param("name"), "lang": "native"})
			}}
			whole, err := g.api.Router().With(native)
			if err != nil {
				b.Fatal(err)
			}
			g.api.HTTP().SetRouter(whole)
			client := &fasthttp.Client{MaxConnsPerHost: 4 * callers}
			parallel(b, func() error {
				status, _, err := client.Get(nil, g.base+bench.path)
				if err == nil && status != 200 {
					b.Errorf("status %d", status)
				}
				return err
			})
		})
	}
}
