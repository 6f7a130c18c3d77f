package wasmhost

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

// callers makes 64 of them on two processors.
const callers = 32

func BenchmarkHookEmpty(b *testing.B) {
	x := patient(b)
	b.SetParallelism(callers)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := &Call{Record: NewFakeRecord("posts", "title", `"a b c"`)}
		for pb.Next() {
			if _, err := x.Before(context.Background(), 0, c); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkHookField reads a field, sets another, and hands over a state.
func BenchmarkHookField(b *testing.B) {
	x := patient(b)
	b.SetParallelism(callers)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := &Call{Record: NewFakeRecord("posts", "title", `"a b c"`)}
		for pb.Next() {
			if _, err := x.Before(context.Background(), 1, c); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	x := patient(b)
	b.SetParallelism(callers)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := &Call{Request: &FakeRequest{Params: map[string]string{"name": "you"}}}
		for pb.Next() {
			if _, err := x.Serve(context.Background(), 0, c); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkRouteNative is what the route costs in Go.
func BenchmarkRouteNative(b *testing.B) {
	b.SetParallelism(callers)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := &FakeRequest{Params: map[string]string{"name": "you"}}
		for pb.Next() {
			name, _ := r.Param("name")
			if _, err := json.Marshal(map[string]string{"hello": name}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkInstance is what the first call of an instance pays.
func BenchmarkInstance(b *testing.B) {
	x := patient(b)
	b.ReportAllocs()
	for b.Loop() {
		i, err := x.newInstance(x.code.engine, x.manager.now()+int64(describeLimit))
		if err != nil {
			b.Fatal(err)
		}
		x.pool.hide(i)
		i.close()
	}
}

// patient is the benchmark's guest without a deadline that matters: 64 callers that never block leave one another waiting for seconds.
func patient(b *testing.B) *Extension {
	x, _ := OpenOne(b, &FakeHost{}, func(o *Options) { o.Limits.Hook, o.Limits.Route = time.Minute, time.Minute }, "bench")
	return x
}
