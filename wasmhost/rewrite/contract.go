package rewrite

import (
	"fmt"
	"slices"
	"strings"
)

// contract is what extensions/abi.md asks a guest to export.
var contract = []struct {
	name      string
	signature Signature
	optional  bool
}{
	{"alloc", Sig([]ValueType{I32}, []ValueType{I32}), false},
	{"handle", Sig([]ValueType{I32, I32, I32, I32}, []ValueType{I64}), false},
	{"_initialize", Signature{}, true},
}

// CheckContract checks that the module exports what the ABI asks for and imports nothing but functions of the given modules. It names
// everything that is wrong, not only the first thing. The error is [ErrContract].
func (r *Result) CheckContract(modules ...string) error {
	var wrong []string
	if e, ok := r.Export("memory"); !ok {
		wrong = append(wrong, `it does not export its memory as "memory"`)
	} else if e.Kind != MemoryKind {
		wrong = append(wrong, fmt.Sprintf(`its export "memory" is a %v, not a memory`, e.Kind))
	}
	for _, want := range contract {
		switch e, ok := r.Export(want.name); {
		case !ok && want.optional:
		case !ok:
			wrong = append(wrong, fmt.Sprintf("it does not export %s%v", want.name, want.signature))
		case e.Kind != Func:
			wrong = append(wrong, fmt.Sprintf("its export %q is a %v, not a function", want.name, e.Kind))
		case e.Func != want.signature:
			wrong = append(wrong, fmt.Sprintf("its export %q is %v and must be %v", want.name, e.Func, want.signature))
		}
	}
	for _, im := range r.Imports {
		if len(wrong) == maxComplaints {
			break
		}
		if im.Kind != Func {
			wrong = append(wrong, fmt.Sprintf("it imports the %v %q of module %q; only functions can be imported", im.Kind, im.Name, im.Module))
		} else if !slices.Contains(modules, im.Module) {
			wrong = append(wrong, fmt.Sprintf("it imports %q of module %q, which the host does not have (it has %s)", im.Name, im.Module, strings.Join(modules, ", ")))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrContract, strings.Join(wrong, "; "))
}

// maxComplaints keeps the text readable when a module was made for another host altogether.
const maxComplaints = 8

// Export returns the export of that name.
func (r *Result) Export(name string) (Export, bool) {
	for _, e := range r.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}
