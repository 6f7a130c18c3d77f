package writes_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// BenchmarkAtomic compares one and the same two writes, a new record and an update of another, by 64 callers: as the parts of a batch, as
// a write with a nested one in an atomic hook, and in a hook that is not atomic. A plain write and one with an idle hook stand beside.
func BenchmarkAtomic(b *testing.B) {
	for _, way := range []string{"plain", "idle hook", "batch", "atomic", "not atomic"} {
		b.Run(way, func(b *testing.B) {
			a := open(b)
			c := define(b, a, counters)
			notes := define(b, a, `{"name":"notes","type":"base","fields":[{"name":"t","type":"text"}]}`)
			var ids []string
			for range 64 {
				ids = append(ids, mustAdd(b, a, c, map[string]any{"n": 0}))
			}
			nested := func(ctx context.Context, id string) error {
				_, err := a.Writes.Do(ctx, asked(a, c, records.Updated, id, map[string]any{"n+": 1}, false))
				return err
			}
			if way == "atomic" || way == "not atomic" || way == "idle hook" {
				a.Hooks.OnRecordCreate("notes").Bind(&hooks.Handler[*writes.RecordEvent]{Atomic: way == "atomic", Func: func(e *writes.RecordEvent) error {
					if way != "idle hook" {
						if err := nested(e.Context(), e.Record.Text("t")); err != nil {
							return err
						}
					}
					return e.Next()
				}})
			}
			var next atomic.Int64
			b.SetParallelism(32) // of two cores
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				id := ids[int(next.Add(1))%len(ids)]
				client := fmt.Sprint("client ", id)
				for pb.Next() {
					w := asked(a, notes, records.Created, "", map[string]any{"t": id}, true)
					if way == "batch" {
						w = &writes.Write{Parts: []*writes.Write{w, asked(a, c, records.Updated, id, map[string]any{"n+": 1}, true)}}
					}
					w.Client = client
					if _, err := a.Writes.Do(context.Background(), w); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// asked is a write of an input.
func asked(a *app.App, c *schema.Collection, action records.Action, id string, body map[string]any, request bool) *writes.Write {
	w := &writes.Write{Collection: c, Action: action, ID: id, Input: input(a, c, body), Client: "test"}
	if request {
		w.Info = func() *writes.RequestInfo { return &writes.RequestInfo{} }
	}
	return w
}
