package rewrite

// A Kind says what an import or export is, as the binary format numbers it.
type Kind byte

// The kinds that can be imported and exported.
const (
	Func       Kind = 0
	Table      Kind = 1
	MemoryKind Kind = 2
	Global     Kind = 3
	tag        Kind = 4
)

// String is the kind's name in the text format.
func (k Kind) String() string {
	switch k {
	case Func:
		return "func"
	case Table:
		return "table"
	case MemoryKind:
		return "memory"
	case Global:
		return "global"
	}
	return "unknown"
}

// An Import is something that the module wants from its host.
type Import struct {
	Module, Name string
	Kind         Kind
	// Func is the signature of a function.
	Func Signature
}

// An Export is something that the module offers. What the rewriter exports is not among them.
type Export struct {
	Name string
	Kind Kind
	// Func is the signature of a function.
	Func Signature
}

// Memory is the module's memory, in pages of 64 KiB.
type Memory struct {
	Min, Max uint32
	// Bounded is whether the module declares a maximum; Max is 0 if not.
	Bounded bool
}

// maxPages is 4 GiB, all that 32 bits can address.
const maxPages = 1 << 16

func (m *module) readExports(r *reader) {
	n := r.count(3)
	seen := make(map[string]bool, min(n, maxFunctions))
	for i := 0; i < n && r.err == nil; i++ {
		e := Export{Name: r.name(), Kind: Kind(r.byte())}
		index := int64(r.u32())
		if r.err != nil {
			return
		}
		known := int64(0)
		switch e.Kind {
		case Func:
			if known = int64(len(m.funcs)); index < known {
				e.Func = m.types[m.funcs[index]]
			}
		case Table:
			known = int64(len(m.tables))
		case MemoryKind:
			if m.present[secMemory] {
				known = 1
			}
		case Global:
			known = int64(m.globals)
		case tag:
			r.fail(unsupported("uses exceptions (it exports a tag)"))
		}
		switch {
		case index >= known:
			r.malformed("an export of nothing")
		case seen[e.Name]:
			r.malformed("a second export of the same name")
		case reserved(e.Name):
			r.fail(unsupported("exports %q, a name that the host uses itself", e.Name))
		}
		seen[e.Name] = true
		m.exports = append(m.exports, e)
	}
}
