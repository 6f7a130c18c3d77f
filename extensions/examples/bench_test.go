package examples

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

func BenchmarkHook(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			g := load(b, committed(b, language, "slugs"))
			g.call = call{fields: map[string]string{"title": "The quick brown fox jumps over the lazy dog"}}
			for b.Loop() {
				g.do(1, 0, nil)
			}
			b.ReportMetric(float64(g.module.Memory().Size())/1024, "KiB")
		})
	}
}

func BenchmarkRoute(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			g := load(b, committed(b, language, "slugs"))
			g.call = call{params: map[string]string{"name": "Ann"}}
			for b.Loop() {
				g.do(3, 0, nil)
			}
		})
	}
}

func BenchmarkSpin(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			g := load(b, committed(b, language, "bench"))
			g.call = call{params: map[string]string{"n": "100"}}
			for b.Loop() {
				g.do(3, 0, nil)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			wasm := committed(b, language, "slugs")
			for b.Loop() {
				r := wazero.NewRuntime(context.Background())
				if _, err := r.CompileModule(context.Background(), wasm); err != nil {
					b.Fatal(err)
				}
				r.Close(context.Background())
			}
		})
	}
}

func BenchmarkInstantiate(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			ctx := context.Background()
			r := wazero.NewRuntime(ctx)
			defer r.Close(ctx)
			g := &guest{t: b}
			wasi_snapshot_preview1.MustInstantiate(ctx, r)
			g.export(ctx, r)
			c, err := r.CompileModule(ctx, committed(b, language, "slugs"))
			if err != nil {
				b.Fatal(err)
			}
			var size uint32
			for b.Loop() {
				m, err := r.InstantiateModule(ctx, c, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.ExportedFunction("handle").Call(ctx, 0, 0, 0, 0); err != nil {
					b.Fatal(err)
				}
				size = m.Memory().Size()
				m.Close(ctx)
			}
			b.ReportMetric(float64(size)/1024, "KiB")
		})
	}
}
