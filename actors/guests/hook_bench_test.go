//go:build unix

package guests_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/wasmhost"
)

// benchCallers makes 64 of them on two processors.
const benchCallers = 32

// withGuest loads one module. Calls have all the time they want: 64 callers that never block leave one another waiting.
func withGuest(b *testing.B, a *app.App, path string) {
	b.Helper()
	wasm, err := os.ReadFile(path)
	dir := b.TempDir()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "guest.wasm"), wasm, 0o600)
	}
	if err == nil {
		err = a.Guests.Load(b.Context(), guests.Source{Dir: dir, Limits: wasmhost.Limits{Hook: time.Minute}})
	}
	if err != nil || len(a.Guests.Extensions()) != 1 {
		b.Fatal(err, len(a.Guests.Extensions()))
	}
}

func benchCollection(b *testing.B, a *app.App, name string) *schema.Collection {
	b.Helper()
	err := a.Catalogue.ChangeFunc(b.Context(), func(ch *schema.Change) error {
		c, err := schema.DecodeNew([]byte(`{"name":"` + name + `","type":"base","fields":[{"name":"title","type":"text"},{"name":"slug","type":"text"}]}`))
		if err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		b.Fatal(err)
	}
	return a.Catalogue.Current().Find(name)
}

// BenchmarkExtensionTrigger is what hooks cost around nothing.
func BenchmarkExtensionTrigger(b *testing.B) {
	const quiet, examples = "../../httpx/api/testdata/quiet.wasm", "../../extensions/examples/"
	for _, bench := range []struct{ name, guest, collection string }{
		{"none", "", "plain"},
		{"go-empty", "", "native"},
		{"go-copy", "", "nativecopy"},
		{"c-empty", quiet, "empty"},
		{"c-copy", quiet, "copied"},
		{"c-slugs", examples + "c/slugs/slugs-c.wasm", "posts"},
		{"go-slugs", examples + "go/slugs/slugs-go.wasm", "posts"},
		{"as-slugs", examples + "assemblyscript/slugs/slugs-as.wasm", "posts"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			a := open(b)
			c := benchCollection(b, a, bench.collection)
			a.Hooks.OnRecordCreate("native").BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
			a.Hooks.OnRecordCreate("nativecopy").BindFunc(func(e *writes.RecordEvent) error {
				e.Record.Set("slug", e.Record.Text("title"))
				return e.Next()
			})
			if bench.guest != "" {
				withGuest(b, a, bench.guest)
			}
			b.SetParallelism(benchCallers)
			b.ReportAllocs()
			before := cpuTime()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				ctx := writes.WithRequest(context.Background(), nil)
				r := records.NewRecord(c)
				r.Set("title", "The quick brown fox jumps over the lazy dog")
				for pb.Next() {
					e := writes.NewRecordEvent(ctx, records.Created, r)
					if err := a.Hooks.Stages(records.Created).Write.Trigger(e, func(*writes.RecordEvent) error { return nil }); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is what the process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
