package rewrite

import (
	"math/bits"
	"slices"
	"strings"
)

// assemble writes the module anew. Indices of types, functions and globals stay as they were: what is added comes last.
func assemble(mt *metering, o Options) []byte {
	m := mt.module
	e := &emitter{
		metering: mt, options: o, bits: uint32(bits.Len32(2 * o.MaxDepth)), state: uint32(m.globals), look: uint32(len(m.funcs)),
		signatures: map[Signature]uint32{},
	}
	helper := appendU32(nil, e.typeIndex(Sig([]ValueType{I32}, []ValueType{I32})))
	yield := appendU32(nil, e.typeIndex(Signature{}))
	code := e.functions()
	out := append(make([]byte, 0, len(code)+len(code)/2), "\x00asm\x01\x00\x00\x00"...)
	out = m.customSections(out)
	out = appendList(out, secType, m.raw[secType], e.added, e.types)
	out = appendSection(out, secImport, m.raw[secImport])
	out = appendList(out, secFunction, m.raw[secFunction], addedFunctions, slices.Concat(helper, helper, yield))
	out = appendSection(out, secTable, m.tableSection())
	out = appendSection(out, secMemory, m.raw[secMemory])
	out = appendList(out, secGlobal, m.raw[secGlobal], addedGlobals, globalSection())
	out = e.exportSection(out)
	out = appendSection(out, secElement, m.raw[secElement])
	out = appendSection(out, secDataCount, m.raw[secDataCount])
	out = appendSection(out, secCode, code)
	out = appendSection(out, secData, m.raw[secData])
	for _, c := range m.custom {
		if c.name == "name" {
			out = appendSection(out, secCustom, functionNames(c.body))
		}
	}
	return out
}

// customSections appends the custom sections but for the names. They come first because wazero cannot read an empty one at the end of a file.
// What tells of places in the code is left out, because the places are others now.
func (m *module) customSections(out []byte) []byte {
	for _, c := range m.custom {
		if c.name != "name" && !strings.HasPrefix(c.name, ".debug_") && !strings.HasPrefix(c.name, "reloc.") {
			out = appendSection(out, secCustom, c.body)
		}
	}
	return out
}

// functions writes the code section's content.
func (e *emitter) functions() []byte {
	size := 0
	for _, f := range e.code {
		size += len(f.body) + 5
	}
	out := appendU32(make([]byte, 0, size+size/4), uint32(len(e.code)+addedFunctions))
	for i := range e.code {
		out = e.body(out, i)
	}
	for _, body := range [][]byte{e.lookBody(), e.bulkBody(), yieldBody()} {
		out = append(appendU32(out, uint32(len(body))), body...)
	}
	return out
}

func (e *emitter) exportSection(out []byte) []byte {
	var added []byte
	n := uint32(0)
	add := func(name string, kind Kind, index uint32) {
		added = appendU32(append(appendName(added, name), byte(kind)), index)
		n++
	}
	add(StopGlobal, Global, e.state+globalStop)
	add(DepthGlobal, Global, e.state+globalDepth)
	add(YieldFunc, Func, e.look+functionYield)
	if e.start >= 0 {
		add(StartFunc, Func, uint32(e.start))
	}
	return appendList(out, secExport, e.raw[secExport], n, added)
}

// tableSection writes the tables with their maxima, which are declared and bounded now.
func (m *module) tableSection() []byte {
	if len(m.tables) == 0 {
		return nil
	}
	out := appendU32(nil, uint32(len(m.tables)))
	for _, t := range m.tables {
		out = appendU32(append(out, byte(t.kind), 1), t.min)
		out = appendU32(out, t.max)
	}
	return out
}

// functionNames returns a name section with the names of functions only, which appear in stack traces; nothing when they are damaged. The
// compiler would allocate for as many names as a section claims to have.
func functionNames(body []byte) []byte {
	r := &reader{b: body}
	r.name()
	for r.left() > 0 && r.err == nil {
		from := r.pos
		id := r.byte()
		content := r.bytes(r.u32())
		if r.err != nil || id != 1 {
			continue
		}
		names := &reader{b: content}
		last := int64(-1)
		for range names.count(2) {
			index := int64(names.u32())
			names.name()
			if names.err != nil || index <= last {
				return nil
			}
			last = index
		}
		if names.done() != nil {
			return nil
		}
		return append(appendName(nil, "name"), body[from:r.pos]...)
	}
	return nil
}
