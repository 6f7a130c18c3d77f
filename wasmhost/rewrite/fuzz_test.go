package rewrite

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// FuzzModule: no input makes Module panic; of what Module accepts, wazero compiles the original exactly if it compiles what was made of it; and for
// modules without imports all exports that take nothing answer the same, as long as they end.
func FuzzModule(f *testing.F) {
	for _, name := range []string{"shapes.wasm", "endless.wasm", "deep.wasm", "kernels.wasm", "kernels-as.wasm"} {
		f.Add(readWasm(f, name))
	}
	for seed := range uint64(5) {
		f.Add(randomProgram(seed))
	}
	f.Add(function1(opLoop, 0x40, 0x0c, 0, opEnd, opEnd))
	f.Add(file(noParams, oneFunction, onePage, section(secCustom, appendName(nil, "name")...), emptyBody))
	rt := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(64))
	f.Fuzz(func(t *testing.T, bin []byte) {
		r, err := Module(bin, Options{Interval: 100, MaxDepth: 100})
		if err != nil {
			// wazero is not asked: it allocates what a damaged module claims to need.
			return
		}
		bin = withoutCustom(t, bin)
		before, after := compiles(rt, bin), compiles(rt, r.Binary)
		if (before == nil) != (after == nil) {
			t.Fatalf("wazero about the original: %v; about the rewritten module: %v", before, after)
		}
		if before != nil {
			return
		}
		if len(r.Imports) == 0 && !r.Start {
			compareRuns(t, bin, r)
		}
	})
}

// withoutCustom leaves out custom sections, whose faults are not carried over, and whose sizes wazero believes.
func withoutCustom(t *testing.T, bin []byte) []byte {
	m, err := parse(bin)
	if err != nil {
		t.Fatal(err)
	}
	out := file()
	for _, id := range []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11} {
		if m.present[id] {
			out = append(appendU32(append(out, id), uint32(len(m.raw[id]))), m.raw[id]...)
		}
	}
	return out
}

// compareRuns calls the exports of the rewritten module, which can be stopped, and then those of the original that ended by themselves.
func compareRuns(t *testing.T, bin []byte, r *Result) {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(64))
	defer rt.Close(ctx)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	changed, err := rt.InstantiateWithConfig(ctx, r.Binary, config)
	if err != nil {
		return
	}
	original, err := rt.InstantiateWithConfig(ctx, bin, config)
	if err != nil {
		t.Fatalf("the original cannot be instantiated and the rewritten can: %v", err)
	}
	stop := stopGlobal(t, changed)
	for _, name := range plainExports(original) {
		timer := time.AfterFunc(50*time.Millisecond, func() { stop.Set(1) })
		got, gotTrap := answer(changed, name)
		if !timer.Stop() || changed.ExportedGlobal(DepthGlobal).Get() != 0 {
			return
		}
		want, wantTrap := answer(original, name)
		if !slices.Equal(got, want) || gotTrap != wantTrap {
			t.Fatalf("%s: got %v %q, want %v %q", name, got, gotTrap, want, wantTrap)
		}
	}
}
