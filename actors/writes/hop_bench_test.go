package writes_test

import (
	"context"
	"testing"

	"github.com/troupebase/troupe/storage/sqlite"
)

// BenchmarkHop is what a command costs that does nothing: handed to the Writer at once, and by way of its collection's actor, by one
// caller and by many. The difference is admission, the actor's mailbox and its goroutine.
func BenchmarkHop(b *testing.B) {
	a := open(b)
	c := define(b, a, counters)
	ctx := context.Background()
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"writer", func() error {
			outcome := make(chan error, 1)
			if err := a.DB.Submit(&sqlite.Unit{Work: nothing, Source: c.ID, Done: func(err error) { outcome <- err }}); err != nil {
				return err
			}
			return <-outcome
		}},
		{"actor", func() error { return a.Writes.Order(ctx, c, nothing, nil) }},
	} {
		for _, callers := range []struct {
			name string
			n    int
		}{{"one", 0}, {"many", 32}} {
			b.Run(way.name+"/"+callers.name, func(b *testing.B) {
				b.ReportAllocs()
				if callers.n == 0 {
					for range b.N {
						if err := way.do(); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.SetParallelism(callers.n)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := way.do(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
