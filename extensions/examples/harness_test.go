package examples

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// guest is a loaded extension on plain wazero, with a small part of the host's functions.
type guest struct {
	t             testing.TB
	module        api.Module
	alloc, handle api.Function
	description   description
	call          call
}

type description struct {
	Name, Version string
	Hooks         []struct {
		Event               string
		Collections, Phases []string
		Priority            int
	}
	Routes []struct{ Method, Path, Auth string }
}

// call is what one call of the guest gets and does.
type call struct {
	fields  map[string]string
	params  map[string]string
	status  int
	kind    string
	refused int
	message string
	failure map[string]string // code and message per field
	lines   []string
	why     string
}

func load(t testing.TB, wasm []byte) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	g := &guest{t: t}
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	g.export(ctx, r)
	m, err := r.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithStartFunctions("_initialize").WithStderr(os.Stderr))
	if err != nil {
		t.Fatal(err)
	}
	g.module, g.alloc, g.handle = m, m.ExportedFunction("alloc"), m.ExportedFunction("handle")
	if err := json.Unmarshal(g.do(0, 0, nil), &g.description); err != nil {
		t.Fatal(err)
	}
	return g
}

// do calls handle and gives what the result points to.
func (g *guest) do(op, index int, state []byte) []byte {
	g.t.Helper()
	ctx := context.Background()
	var ptr uint64
	if len(state) > 0 {
		out, err := g.alloc.Call(ctx, uint64(len(state)))
		if err != nil || out[0]%8 != 0 {
			g.t.Fatalf("alloc: %v, %v", out, err)
		}
		ptr = out[0]
		g.module.Memory().Write(uint32(ptr), state)
	}
	out, err := g.handle.Call(ctx, uint64(op), uint64(index), ptr, uint64(len(state)))
	if err != nil {
		g.t.Fatal(err)
	}
	b, ok := g.module.Memory().Read(uint32(out[0]>>32), uint32(out[0]))
	if !ok {
		g.t.Fatalf("result %x is outside of the memory", out[0])
	}
	return append([]byte(nil), b...)
}

// export makes the functions of troupe_1 that the tests need.
func (g *guest) export(ctx context.Context, r wazero.Runtime) {
	i32, i64, f64 := api.ValueTypeI32, api.ValueTypeI64, api.ValueTypeF64
	b := r.NewHostModuleBuilder("troupe_1")
	def := func(name string, params int, f func(p []uint64) int32) {
		types := make([]api.ValueType, params)
		for i := range types {
			types[i] = i32
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, p []uint64) {
			p[0] = api.EncodeI32(f(p))
		}), types, []api.ValueType{i32}).Export(name)
	}
	def("error_message", 2, func(p []uint64) int32 { return g.fill(g.call.why, p[0], p[1]) })
	def("log", 3, func(p []uint64) int32 { g.call.lines = append(g.call.lines, g.text(p[1], p[2])); return 0 })
	def("record_text", 5, func(p []uint64) int32 {
		v, ok := g.call.fields[g.text(p[1], p[2])]
		if !ok {
			g.call.why = "no such field"
			return -2
		}
		return g.fill(v, p[3], p[4])
	})
	def("record_set_text", 5, func(p []uint64) int32 {
		g.call.fields[g.text(p[1], p[2])] = g.text(p[3], p[4])
		return 0
	})
	def("request", 5, func(p []uint64) int32 {
		v, ok := g.call.params[g.text(p[1], p[2])]
		if !ok {
			return -2
		}
		return g.fill(v, p[3], p[4])
	})
	def("respond", 3, func(p []uint64) int32 {
		g.call.status, g.call.kind = int(uint32(p[0])), g.text(p[1], p[2])
		return 0
	})
	def("reject", 3, func(p []uint64) int32 {
		g.call.refused, g.call.message = int(uint32(p[0])), g.text(p[1], p[2])
		return 0
	})
	def("reject_field", 6, func(p []uint64) int32 {
		g.call.failure = map[string]string{g.text(p[0], p[1]): g.text(p[2], p[3]) + ": " + g.text(p[4], p[5])}
		return 0
	})
	for name, n := range map[string]int{"random": 2, "record_json": 5, "record_set_json": 5, "record_number": 4, "record_collection": 3, "record_original": 1, "record_hide": 3,
		"record_show": 3, "find": 5, "list": 5, "create": 5, "update": 7, "delete": 5, "sql": 4, "rows_next": 1, "rows_json": 3, "rows_affected": 1, "close": 1,
		"respond_header": 4, "failure": 2} {
		def(name, n, func([]uint64) int32 { g.call.why = "not here"; return -7 })
	}
	for _, name := range []string{"auth", "auth_superuser"} {
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, p []uint64) { p[0] = api.EncodeI32(-2) }), nil, []api.ValueType{i32}).Export(name)
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, p []uint64) { p[0] = 1 }), nil, []api.ValueType{i64}).Export("now")
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, p []uint64) {
		g.call.fields[g.text(p[1], p[2])] = json.Number(string(binary.AppendUvarint(nil, math.Float64bits(api.DecodeF64(p[3]))))).String()
		p[0] = 0
	}), []api.ValueType{i32, i32, i32, f64}, []api.ValueType{i32}).Export("record_set_number")
	if _, err := b.Instantiate(ctx); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guest) text(ptr, n uint64) string {
	if uint32(n) == 0 {
		return ""
	}
	b, ok := g.module.Memory().Read(uint32(ptr), uint32(n))
	if !ok {
		g.t.Fatal("the guest points outside of its memory")
	}
	return string(b)
}

func (g *guest) fill(v string, buf, room uint64) int32 {
	if len(v) <= int(room) {
		g.module.Memory().WriteString(uint32(buf), v)
	}
	return int32(len(v))
}
