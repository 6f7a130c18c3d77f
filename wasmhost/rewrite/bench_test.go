package rewrite

import (
	"context"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// benchmark runs every export of a module. The factor of a rewritten module is measured against the original, call by call in turns, so that a
// busy machine slows both.
func benchmark(b *testing.B, bin []byte, rewrite bool) {
	plain := instance(b, bin)
	if !rewrite {
		for _, name := range plainExports(plain) {
			b.Run(name, func(b *testing.B) {
				f := plain.ExportedFunction(name)
				for b.Loop() {
					run(b, f)
				}
			})
		}
		return
	}
	changed := instance(b, rewritten(b, bin, Options{}))
	for _, name := range plainExports(plain) {
		b.Run(name, func(b *testing.B) {
			f, g := plain.ExportedFunction(name), changed.ExportedFunction(name)
			var before, after time.Duration
			least, leastPlain := time.Hour, time.Hour
			for b.Loop() {
				before, after = run(b, f), run(b, g)
				leastPlain, least = min(leastPlain, before), min(least, after)
			}
			b.ReportMetric(float64(least.Nanoseconds()), "ns/call")
			b.ReportMetric(float64(least)/float64(leastPlain), "factor")
		})
	}
}

func run(b *testing.B, f api.Function) time.Duration {
	start := time.Now()
	if _, err := f.Call(context.Background()); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func BenchmarkLoopCPlain(b *testing.B)      { benchmark(b, readWasm(b, "kernels.wasm"), false) }
func BenchmarkLoopCRewritten(b *testing.B)  { benchmark(b, readWasm(b, "kernels.wasm"), true) }
func BenchmarkLoopASPlain(b *testing.B)     { benchmark(b, readWasm(b, "kernels-as.wasm"), false) }
func BenchmarkLoopASRewritten(b *testing.B) { benchmark(b, readWasm(b, "kernels-as.wasm"), true) }
func BenchmarkLoopGoPlain(b *testing.B)     { benchmark(b, readGo(b), false) }
func BenchmarkLoopGoRewritten(b *testing.B) { benchmark(b, readGo(b), true) }

// BenchmarkModule is the rewriting itself.
func BenchmarkModule(b *testing.B) {
	bin := readGo(b)
	b.SetBytes(int64(len(bin)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Module(bin, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
