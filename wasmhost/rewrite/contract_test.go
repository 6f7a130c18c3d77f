package rewrite

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	bin := file(
		section(secType, 2, 0x60, 2, 0x7f, 0x7e, 1, 0x7d, 0x60, 0, 0),
		section(secImport, 1, 3, 'e', 'n', 'v', 1, 'f', 0, 0),
		section(secFunction, 1, 1), section(secMemory, 1, 1, 2, 9),
		section(secExport, 2, 1, 'g', 0, 1, 1, 'm', 2, 0), emptyBody)
	r, err := Module(bin, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Import{"env", "f", Func, Sig([]ValueType{I32, I64}, []ValueType{F32})}); len(r.Imports) != 1 || r.Imports[0] != want {
		t.Errorf("imports %v", r.Imports)
	}
	if got := r.Imports[0].Func.String(); got != "(i32,i64)->f32" {
		t.Errorf("signature %q", got)
	}
	if want := (Export{"g", Func, Signature{}}); len(r.Exports) != 2 || r.Exports[0] != want || r.Exports[1].Kind != MemoryKind {
		t.Errorf("exports %v", r.Exports)
	}
	if r.Memory != (Memory{2, 9, true}) || r.Start {
		t.Errorf("memory %v, start %v", r.Memory, r.Start)
	}
}

func TestCheckContract(t *testing.T) {
	good := []Export{
		{"memory", MemoryKind, Signature{}}, {"alloc", Func, Sig([]ValueType{I32}, []ValueType{I32})},
		{"handle", Func, Sig([]ValueType{I32, I32, I32, I32}, []ValueType{I64})},
	}
	with := func(change ...Export) []Export { return append(append([]Export{}, change...), good...) }
	tests := []struct {
		name string
		r    Result
		want []string
	}{
		{"good", Result{Exports: good}, nil},
		{"initialize", Result{Exports: with(Export{"_initialize", Func, Signature{}}), Imports: []Import{{"troupe_1", "log", Func, Signature{}}}}, nil},
		{"nothing", Result{}, []string{`its memory as "memory"`, "alloc(i32)->i32", "handle(i32,i32,i32,i32)->i64"}},
		{"kind", Result{Exports: with(Export{"handle", Global, Signature{}})}, []string{`"handle" is a global, not a function`}},
		{"type", Result{Exports: with(Export{"alloc", Func, Sig([]ValueType{I64}, nil)})}, []string{`"alloc" is (i64)->() and must be (i32)->i32`}},
		{"initialize type", Result{Exports: with(Export{"_initialize", Func, Sig([]ValueType{I32}, nil)})}, []string{"must be ()->()"}},
		{"memory kind", Result{Exports: with(Export{"memory", Func, Signature{}})}, []string{`"memory" is a func, not a memory`}},
		{"module", Result{Exports: good, Imports: []Import{{"env", "abort", Func, Signature{}}}}, []string{`"abort" of module "env"`, "it has troupe_1"}},
		{"global", Result{Exports: good, Imports: []Import{{"troupe_1", "g", Global, Signature{}}}}, []string{"imports the global"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.r.CheckContract("troupe_1", "wasi_snapshot_preview1")
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrContract) {
				t.Fatalf("got %v", err)
			}
			for _, text := range test.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is not in %v", text, err)
				}
			}
		})
	}
}

// moduleCache is where wazero's own tests keep their modules.
func moduleCache(t testing.TB) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Skip("no module cache")
	}
	return strings.TrimSpace(string(dir))
}
