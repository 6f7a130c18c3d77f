package rewrite

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

var (
	noParams    = section(secType, 1, 0x60, 0, 0)
	onePage     = section(secMemory, 1, 0, 1)
	oneFunction = section(secFunction, 1, 0)
	emptyBody   = section(secCode, 1, 2, 0, opEnd)
)

// exportOf is an export section with one entry.
func exportOf(name string, kind, index byte) []byte {
	return section(secExport, append(append([]byte{1}, appendName(nil, name)...), kind, index)...)
}

// importOf is an import section with one entry of this kind.
func importOf(kind ...byte) []byte {
	return section(secImport, append([]byte{1, 1, 'm', 1, 'n'}, kind...)...)
}

// manyLocals declares one local more than a function may have.
var manyLocals = appendU32([]byte{1}, maxLocals+1)

// refused are modules with the error that is the answer to each.
var refused = []struct {
	name string
	bin  []byte
	err  error
	text string
}{
	{"nothing", nil, ErrNotWasm, ""},
	{"text", []byte("(module (memory 1))"), ErrNotWasm, ""},
	{"cut header", []byte("\x00asm\x01"), ErrNotWasm, ""},
	{"component", []byte("\x00asm\x0d\x00\x01\x00"), ErrUnsupported, "is a component, not a core module"},
	{"version", []byte("\x00asm\x02\x00\x00\x00"), ErrUnsupported, "binary version"},
	{"no memory", file(noParams, oneFunction, emptyBody), ErrUnsupported, "has no memory"},
	{"no memory in section", file(section(secMemory, 0)), ErrUnsupported, "has no memory"},
	{"memory imported", file(importOf(2, 0, 1)), ErrUnsupported, "imports a memory"},
	{"memory shared", file(section(secMemory, 1, 3, 1, 2)), ErrUnsupported, "has a shared memory"},
	{"memory of 64 bits", file(section(secMemory, 1, 4, 1)), ErrUnsupported, "has a 64-bit memory"},
	{"page size", file(section(secMemory, 1, 8, 1, 0)), ErrUnsupported, "page size"},
	{"two memories", file(section(secMemory, 2, 0, 1, 0, 1)), ErrUnsupported, "has more than one memory"},
	{"memory too large", file(section(secMemory, 1, 0, 0x81, 0x80, 0x04)), ErrMalformed, "4 GiB"},
	{"maximum below minimum", file(section(secMemory, 1, 1, 2, 1)), ErrMalformed, "maximum"},
	{"table imported", file(importOf(1, 0x70, 0, 1)), ErrUnsupported, "imports a table"},
	{"function reference imported", file(importOf(3, 0x70, 0)), ErrUnsupported, "imports a reference"},
	{"tag imported", file(noParams, importOf(4, 0, 0)), ErrUnsupported, "exceptions"},
	{"tag section", file(section(secTag, 1, 0, 0)), ErrUnsupported, "exceptions"},
	{"table too large", file(section(secTable, 1, 0x70, 0, 0x81, 0x80, 0x80, 1), onePage), ErrUnsupported, "table of"},
	{"type of collected memory", file(section(secType, 1, 0x5f, 0)), ErrMalformed, ""},
	{"struct type", file(section(secType, 1, 0x5f, 1, 0x7f, 0)), ErrUnsupported, "garbage-collected"},
	{"typed reference", file(section(secType, 1, 0x60, 1, 0x64, 0)), ErrUnsupported, "reference types"},
	{"atomics", function1(0xfe, 0x10, 2, 0), ErrUnsupported, "threads"},
	{"try", function1(0x06, 0x40, opEnd, opEnd), ErrUnsupported, "exceptions"},
	{"try_table", function1(0x1f, 0x40, 0, opEnd, opEnd), ErrUnsupported, "exceptions"},
	{"call_ref", function1(0x14, 0, opEnd), ErrUnsupported, "typed references"},
	{"struct.new", function1(0xfb, 0, 0, opEnd), ErrUnsupported, "garbage-collected"},
	{"tail call", function1(opReturnCall, 0, opEnd), ErrUnsupported, "tail calls"},
	{"relaxed vectors", function1(0xfd, 0x80, 0x02, opEnd), ErrUnsupported, "vector"},
	{"second memory used", function1(opMemoryGrow, 1, opEnd), ErrUnsupported, "more than one memory"},
	{"unknown instruction", function1(0x27, opEnd), ErrUnsupported, "unknown instruction"},
	{"reserved names", file(noParams, oneFunction, onePage, exportOf(StopGlobal, 0, 0), emptyBody), ErrUnsupported, "the host uses itself"},
	{"too many locals", file(noParams, oneFunction, onePage, section(secCode, append([]byte{1, byte(len(manyLocals) + 2)}, append(manyLocals, 0x7f, opEnd)...)...)), ErrUnsupported, "locals"},
	{"section cut", file(noParams, oneFunction, onePage, emptyBody[:len(emptyBody)-1]), ErrMalformed, "unexpected end"},
	{"section twice", file(noParams, noParams), ErrMalformed, "out of order"},
	{"section unknown", file(section(99, 1)), ErrMalformed, "unknown section"},
	{"section too long", file(section(secStart, 0, 0)), ErrMalformed, ""},
	{"code missing", file(noParams, oneFunction, onePage), ErrMalformed, "functions"},
	{"unknown type", file(noParams, section(secFunction, 1, 7)), ErrMalformed, "unknown type"},
	{"export of nothing", file(onePage, exportOf("f", 0, 0)), ErrMalformed, "export of nothing"},
	{"export twice", file(onePage, section(secExport, 2, 1, 'm', 2, 0, 1, 'm', 2, 0)), ErrMalformed, "same name"},
	{"call of nothing", function1(opCall, 9, opEnd), ErrMalformed, "not there"},
	{"else without if", function1(opElse, opEnd), ErrMalformed, "else"},
	{"second else", function1(opI32Const, 0, opIf, 0x40, opElse, opElse, opEnd, opEnd), ErrMalformed, "else"},
	{"code after the end", function1(opEnd, opEnd), ErrMalformed, "superfluous"},
	{"no end", function1(opBlock, 0x40, opEnd), ErrMalformed, "unexpected end"},
	{"number too long", function1(opI32Const, 0x80, 0x80, 0x80, 0x80, 0x80, 0, opEnd), ErrMalformed, "too long"},
	{"index too long", function1(opCall, 0xff, 0xff, 0xff, 0xff, 0x1f, opEnd), ErrMalformed, "32 bits"},
	{"name not UTF-8", file(section(secCustom, 1, 0xff)), ErrMalformed, "UTF-8"},
	{"data count wrong", file(onePage, section(secDataCount, 2)), ErrMalformed, "data segments"},
	{"start takes something", file(section(secType, 1, 0x60, 1, 0x7f, 0), oneFunction, onePage, section(secStart, 0), emptyBody), ErrMalformed, "start function"},
}

func TestErrors(t *testing.T) {
	for _, test := range refused {
		t.Run(test.name, func(t *testing.T) {
			r, err := Module(test.bin, Options{})
			if r != nil || !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v, %v; want %v with %q", r, err, test.err, test.text)
			}
		})
	}
}

// wazero reads the second byte of a long vector opcode as an instruction of its own. A reader that decodes it as a number would see other
// instructions than wazero does, and a loop could hide there.
func TestVectorOpcodePaddingRefused(t *testing.T) {
	for _, code := range [][]byte{
		{opPrefixVector, 0x80, 0x00, 0, 0, opEnd},                   // v128.load padded; wazero sees i16x8.abs, unreachable
		{opPrefixVector, 0x80, opLoop, 0x40, 0x0c, 0, opEnd, opEnd}, // wazero sees i16x8.abs, loop
		{opPrefixMisc, 0x8b, 0x00, 0, opEnd},                        // memory.fill padded
	} {
		if _, err := Module(function1(code...), Options{}); err == nil {
			t.Errorf("%#x was accepted", code)
		}
	}
}

// What is added has indices that are free in the original. A guest that uses them, which only the rewritten module makes valid, could give itself
// fuel for ever.
func TestAddedIndicesRefused(t *testing.T) {
	hot := []byte{opLoop, 0x40, opEnd} // gets a local for its state, and a block around the function
	for name, code := range map[string][]byte{
		"state":     {opI32Const, 0, opGlobalSet, 0, opEnd},
		"stop flag": {opI32Const, 0, opGlobalSet, 2, opEnd},
		"read":      {opGlobalGet, 0, opDrop, opEnd},
		"local":     append(hot[:3:3], opI32Const, 0, opLocalSet, 0, opEnd),
		"local tee": append(hot[:3:3], opI32Const, 0, opLocalTee, 0, opDrop, opEnd),
		"look":      {opI32Const, 0, opCall, 1, opDrop, opEnd},
		"type":      {opI32Const, 0, opBlock, 1, opEnd, opDrop, opEnd},
		"label":     append(hot[:3:3], opBr, 1, opEnd),
		"label if":  append(hot[:3:3], opI32Const, 0, opBrIf, 1, opEnd),
		"labels":    append(hot[:3:3], opI32Const, 0, opBrTable, 2, 0, 1, 0, opEnd),
		"reference": {opRefFunc, 1, opDrop, opEnd},
	} {
		if _, err := Module(function1(code...), Options{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	constant := file(noParams, oneFunction, onePage, section(secGlobal, 1, 0x7f, 0, opGlobalGet, 1, opEnd), emptyBody)
	if _, err := Module(constant, Options{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("constant: %v", err)
	}
}

// A list that claims more elements than the file could hold is refused before room is made for it.
func TestHugeCounts(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	for id := byte(secType); id <= secData; id++ {
		if id == secStart {
			continue
		}
		bin := file(section(id, huge...))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Module(bin, Options{}); err == nil {
			t.Errorf("section %d was accepted", id)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("section %d: %d bytes were allocated", id, used)
		}
	}
	body := append([]byte{opBlock, 0x40, opI32Const, 0, opBrTable}, append(huge, 0, opEnd, opEnd)...)
	if _, err := Module(function1(body...), Options{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a br_table of 4 billion labels: %v", err)
	}
}

// Deep nesting and long chains of calls take linear time and no deep stack.
func TestDeepInput(t *testing.T) {
	const n = 300_000
	nested := append(bytes.Repeat([]byte{opLoop, 0x40}, n), bytes.Repeat([]byte{opEnd}, n+1)...)
	if _, err := Module(function1(nested...), Options{}); err != nil {
		t.Errorf("nested loops: %v", err)
	}
	table := append([]byte{opBlock, 0x40, opI32Const, 0, opBrTable}, appendU32(nil, n)...)
	table = append(append(table, make([]byte, n+1)...), opEnd, opEnd)
	if _, err := Module(function1(table...), Options{}); err != nil {
		t.Errorf("a long br_table: %v", err)
	}
	funcs, code := appendU32(nil, n), appendU32(nil, n)
	for i := range n {
		funcs = append(funcs, 0)
		body := append(appendOp([]byte{0}, opCall, uint32((i+1)%n)), opEnd)
		code = append(append(code, byte(len(body))), body...)
	}
	if _, err := Module(file(noParams, section(secFunction, funcs...), onePage, section(secCode, code...)), Options{}); err != nil {
		t.Errorf("a long chain of calls: %v", err)
	}
}

// A table of names that claims to be huge would make the compiler allocate for it; it is left out. Names of functions are kept.
func TestNameSection(t *testing.T) {
	names := func(content ...byte) []byte {
		return section(secCustom, append(appendName(nil, "name"), content...)...)
	}
	base := [][]byte{noParams, oneFunction, onePage, emptyBody}
	for _, test := range []struct {
		section []byte
		kept    bool
	}{
		{names(1, 6, 1, 0, 3, 'f', 'o', 'o'), true},
		{names(0, 2, 1, 'm', 1, 6, 1, 0, 3, 'f', 'o', 'o'), true},
		{names(1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f), false},
		{names(1, 9, 2, 0, 1, 'f', 0, 3, 'f', 'o', 'o'), false},
		{names(2, 5, 0xff, 0xff, 0xff, 0xff, 0x0f), false},
	} {
		r, err := Module(file(append(base[:4:4], test.section)...), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(r.Binary, []byte("foo")); got != test.kept {
			t.Errorf("%q: kept %v", test.section, got)
		}
		instance(t, r.Binary)
	}
}

func TestTailCalls(t *testing.T) {
	body := []byte{0, 0x20, 0, opIf, 0x40, 0x20, 0, opI32Const, 1, opI32Sub, opReturnCall, 0, opEnd, opI32Const, 42, opEnd}
	bin := file(
		section(secType, 1, 0x60, 1, 0x7f, 1, 0x7f), section(secFunction, 1, 0), section(secMemory, 1, 0, 1), section(secExport, 1, 1, 'f', 0, 0),
		section(secCode, append([]byte{1, byte(len(body))}, body...)...))
	m := instance(t, rewritten(t, bin, Options{TailCalls: true}))
	// Tail calls do not nest, however many there are.
	if got, err := m.ExportedFunction("f").Call(t.Context(), 1_000_000); err != nil || got[0] != 42 {
		t.Error(got, err)
	}
	stopGlobal(t, m).Set(1)
	if _, err := m.ExportedFunction("f").Call(t.Context(), 1_000_000); err == nil {
		t.Error("tail calls were not stopped")
	}
}
