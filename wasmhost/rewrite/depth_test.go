package rewrite

import (
	"context"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

// The deepest call that is allowed works, also after many others, and one more traps and says why.
func TestDepthLimit(t *testing.T) {
	for _, limit := range []uint32{2, 100, 4096, maxDepth} {
		bin := rewritten(t, readWasm(t, "deep.wasm"), Options{MaxDepth: limit})
		for _, name := range []string{"direct", "mutual", "indirect", "reference", "leading", "hot", "balanced"} {
			m := instance(t, bin)
			f := m.ExportedFunction(name)
			for _, n := range []uint32{1, limit / 2, limit, limit} {
				if name == "balanced" && limit < 100 {
					continue
				}
				got, err := f.Call(context.Background(), uint64(n))
				if err != nil || got[0] != uint64(n) {
					t.Fatalf("%s, limit %d: %d deep: %v %v", name, limit, n, got, err)
				}
			}
			if m.ExportedGlobal(DepthGlobal).Get() != 0 {
				t.Errorf("%s, limit %d: a depth is reported without a reason", name, limit)
			}
			if _, err := f.Call(context.Background(), uint64(limit)+1); err == nil {
				t.Errorf("%s, limit %d: one level more did not trap", name, limit)
			}
			if got := m.ExportedGlobal(DepthGlobal).Get(); got != uint64(limit)+1 {
				t.Errorf("%s, limit %d: reports %d", name, limit, got)
			}
		}
	}
}

// Endless recursion ends in little memory. Without the limit wazero's stack grows to well over 100 MB first.
func TestDepthMemory(t *testing.T) {
	m := instance(t, rewritten(t, readWasm(t, "deep.wasm"), Options{}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := m.ExportedFunction("mutual").Call(context.Background(), api.EncodeU32(1<<30)); err == nil {
		t.Fatal("endless recursion did not trap")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

// Large frames, of functions with many values, count for more than one level.
func TestDepthLargeFrames(t *testing.T) {
	const values = 20_000
	// Values that are loaded before the call and used after it need a place in the frame.
	body := []byte{0, opI32Const, 0}
	for i := range values {
		body = appendConst(body, int32(i%1000*4))
		body = append(body, 0x28, 2, 0)
	}
	body = append(body, opCall, 0)
	for range values - 1 {
		body = append(body, opI32Add)
	}
	body = append(body, 0x36, 2, 0, opEnd)
	bin := file(
		section(secType, 1, 0x60, 0, 0), section(secFunction, 1, 0), section(secMemory, 1, 0, 1), section(secExport, 1, 1, 'f', 0, 0),
		section(secCode, append(appendU32([]byte{1}, uint32(len(body))), body...)...))
	m := instance(t, rewritten(t, bin, Options{MaxDepth: 400}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := m.ExportedFunction("f").Call(context.Background()); err == nil {
		t.Fatal("endless recursion did not trap")
	}
	runtime.ReadMemStats(&after)
	depth, used := m.ExportedGlobal(DepthGlobal).Get(), after.TotalAlloc-before.TotalAlloc
	t.Logf("%d bytes of code: %d KiB for stacks at depth %d", len(body), used>>10, depth)
	if depth == 0 || used > 400*(32<<10)*4 {
		t.Errorf("%d bytes were allocated, the reported depth is %d", used, depth)
	}
}
