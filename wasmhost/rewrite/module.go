package rewrite

import "bytes"

// The sections of a module by id.
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElement   = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
	secTag       = 13
)

// order is the place of each section in a file: the data count stands before the code.
var order = [...]byte{secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5, secGlobal: 6, secExport: 7, secStart: 8, secElement: 9,
	secDataCount: 10, secCode: 11, secData: 12}

// sectionNames name the sections in errors.
var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count", "tag"}

// A module is what was read of a file. Byte slices are parts of the file.
type module struct {
	raw      [secDataCount + 1][]byte
	present  [secDataCount + 1]bool
	custom   []customSection
	types    []Signature
	imports  []Import
	imported int      // functions among the imports
	funcs    []uint32 // type of each function, imported ones first
	taken    []bool   // functions that a call through a table may reach
	tables   []table
	memory   Memory
	globals  int // imported ones included
	exports  []Export
	start    int64 // index of the start function, -1 without one
	code     []function
	data     int // data segments
}

type customSection struct {
	name string
	body []byte
}

type table struct {
	kind     ValueType
	min, max uint32
	bounded  bool
}

// parse reads a whole file, but for the instructions.
func parse(bin []byte) (*module, error) {
	if err := header(bin); err != nil {
		return nil, err
	}
	m := &module{start: -1}
	if err := m.split(bin[8:]); err != nil {
		return nil, err
	}
	// The order matters: later sections refer to earlier ones, and functions can be marked as taken once they are known.
	steps := []struct {
		id   byte
		read func(*reader)
	}{
		{secType, m.readTypes}, {secImport, m.readImports}, {secFunction, m.readFunctions}, {secTable, m.readTables}, {secMemory, m.readMemory},
		{secGlobal, m.readGlobals}, {secExport, m.readExports}, {secStart, m.readStart}, {secElement, m.readElements}, {secCode, m.readCode},
		{secData, m.readData},
	}
	for _, step := range steps {
		if step.id == secTable {
			m.taken = make([]bool, len(m.funcs))
		}
		if !m.present[step.id] {
			continue
		}
		r := &reader{b: m.raw[step.id], what: "the " + sectionNames[step.id] + " section"}
		step.read(r)
		if err := r.done(); err != nil {
			return nil, err
		}
	}
	return m, m.check()
}

func header(bin []byte) error {
	switch {
	case len(bin) > maxFile:
		return unsupported("has %d bytes, more than %d", len(bin), maxFile)
	case len(bin) < 8 || !bytes.Equal(bin[:4], []byte("\x00asm")):
		return ErrNotWasm
	case bytes.Equal(bin[4:8], []byte{0x0d, 0, 1, 0}):
		return unsupported("is a component, not a core module")
	case !bytes.Equal(bin[4:8], []byte{1, 0, 0, 0}):
		return unsupported("has the binary version %#x, not 1", bin[4:8])
	}
	return nil
}

// split finds the sections.
func (m *module) split(b []byte) error {
	r := &reader{b: b, what: "the list of sections"}
	last := byte(0)
	for r.left() > 0 && r.err == nil {
		id := r.byte()
		body := r.bytes(r.u32())
		switch {
		case r.err != nil:
		case id == secCustom:
			c := &reader{b: body, what: "a custom section"}
			name := c.name()
			if c.err != nil {
				return c.err
			}
			m.custom = append(m.custom, customSection{name, body})
		case id == secTag:
			return unsupported("uses exceptions (it has a tag section)")
		case int(id) >= len(order):
			r.malformed("an unknown section")
		case order[id] <= last:
			r.malformed("a section out of order")
		default:
			last = order[id]
			m.raw[id], m.present[id] = body, true
		}
	}
	return r.err
}

// check compares sections with one another.
func (m *module) check() error {
	if defined := len(m.funcs) - m.imported; len(m.code) != defined {
		return malformed("%d functions are declared and %d are there", defined, len(m.code))
	}
	if !m.present[secMemory] {
		return unsupported("has no memory")
	}
	if m.present[secDataCount] {
		r := &reader{b: m.raw[secDataCount], what: "the data count section"}
		if n := r.u32(); r.err == nil && int64(n) != int64(m.data) {
			r.malformed("a wrong number of data segments")
		}
		return r.done()
	}
	return nil
}
