package rewrite

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// answer calls an export and returns its results, and why it trapped.
func answer(m api.Module, name string) ([]uint64, string) {
	results, err := m.ExportedFunction(name).Call(context.Background())
	if err == nil {
		return results, ""
	}
	reason, _, _ := strings.Cut(err.Error(), "\n")
	return nil, reason
}

// sameAnswers calls every plain export of both modules, which have to agree also in how they trap, and in memory afterwards.
func sameAnswers(t *testing.T, original, changed api.Module) {
	t.Helper()
	names := plainExports(original)
	if len(names) == 0 {
		t.Fatal("nothing to compare")
	}
	for _, name := range names {
		want, wantTrap := answer(original, name)
		got, gotTrap := answer(changed, name)
		if !slices.Equal(want, got) || wantTrap != gotTrap {
			t.Errorf("%s: got %v %q, want %v %q", name, got, gotTrap, want, wantTrap)
		}
	}
	a, _ := original.Memory().Read(0, original.Memory().Size())
	b, _ := changed.Memory().Read(0, changed.Memory().Size())
	if !slices.Equal(a, b) {
		t.Error("the memories differ")
	}
}

func TestSemanticsKept(t *testing.T) {
	for _, name := range []string{"shapes.wasm", "kernels.wasm", "kernels-as.wasm"} {
		// A short interval and a small depth make looks happen everywhere.
		for _, o := range []Options{{}, {Interval: 1}, {Interval: 7, MaxDepth: 150}} {
			t.Run(name, func(t *testing.T) {
				bin := readWasm(t, name)
				sameAnswers(t, instance(t, bin), instance(t, rewritten(t, bin, o)))
			})
		}
	}
}

func TestSemanticsKeptGo(t *testing.T) {
	bin := readGo(t)
	original, changed := instance(t, bin), instance(t, rewritten(t, bin, Options{}))
	for _, name := range plainExports(original) {
		want, wantTrap := answer(original, name)
		got, gotTrap := answer(changed, name)
		if !slices.Equal(want, got) || wantTrap != gotTrap {
			t.Errorf("%s: got %v %q, want %v %q", name, got, gotTrap, want, wantTrap)
		}
	}
}

// Rewriting does not change its input, and gives the same bytes each time: they are the key of the compilation cache.
func TestDeterministic(t *testing.T) {
	bin := readWasm(t, "kernels-as.wasm")
	before := slices.Clone(bin)
	first, second := rewritten(t, bin, Options{}), rewritten(t, bin, Options{})
	if !slices.Equal(bin, before) || !slices.Equal(first, second) {
		t.Error("the input changed or the results differ")
	}
}
