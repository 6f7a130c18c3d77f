package rewrite

func (m *module) readTypes(r *reader) {
	n := r.count(3)
	if n > maxFunctions {
		r.fail(unsupported("has more than %d types", maxFunctions))
	}
	for i := 0; i < n && r.err == nil; i++ {
		m.types = append(m.types, r.signature())
	}
}

func (m *module) readFunctions(r *reader) {
	n := r.count(1)
	if n > maxFunctions {
		r.fail(unsupported("has more than %d functions", maxFunctions))
	}
	for i := 0; i < n && r.err == nil; i++ {
		m.addFunction(r)
	}
}

func (m *module) addFunction(r *reader) {
	t := r.u32()
	if r.err == nil && int64(t) >= int64(len(m.types)) {
		r.malformed("a function of an unknown type")
	}
	m.funcs = append(m.funcs, t)
}

func (m *module) readImports(r *reader) {
	n := r.count(4)
	if n > maxFunctions {
		r.fail(unsupported("has more than %d imports", maxFunctions))
	}
	for i := 0; i < n && r.err == nil; i++ {
		im := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
		switch im.Kind {
		case Func:
			m.addFunction(r)
			if r.err == nil {
				im.Func = m.types[m.funcs[len(m.funcs)-1]]
			}
		case Table:
			r.fail(unsupported("imports a table"))
		case MemoryKind:
			r.fail(unsupported("imports a memory"))
		case Global:
			if t, _ := r.globalType(); t == FuncRef {
				r.fail(unsupported("imports a reference to a function"))
			}
			m.globals++
		case tag:
			r.fail(unsupported("uses exceptions (it imports a tag)"))
		default:
			r.malformed("an unknown kind of import")
		}
		m.imports = append(m.imports, im)
	}
	m.imported = len(m.funcs)
}

func (m *module) readTables(r *reader) {
	n := r.count(3)
	for i := 0; i < n && r.err == nil; i++ {
		if r.pos < len(r.b) && r.b[r.pos] == 0x40 {
			r.fail(unsupported("has a table with an initial value"))
		}
		t := table{kind: r.refType()}
		var flags byte
		flags, t.min, t.max = r.limits("table")
		t.bounded = flags&1 != 0
		if share := uint32(maxTableSlots / n); t.min > share {
			r.fail(unsupported("has a table of %d slots, more than %d", t.min, share))
		} else if !t.bounded || t.max > share {
			t.max, t.bounded = share, true
		}
		m.tables = append(m.tables, t)
	}
}

// limits reads the limits of a table or memory and refuses kinds that guests may not have.
func (r *reader) limits(what string) (flags byte, low, high uint32) {
	flags = r.byte()
	switch {
	case r.err != nil:
		return
	case flags&^0x0f != 0:
		r.malformed("unknown limits of a " + what)
	case flags&0x02 != 0:
		r.fail(unsupported("has a shared %s", what))
	case flags&0x04 != 0:
		r.fail(unsupported("has a 64-bit %s", what))
	case flags&0x08 != 0:
		r.fail(unsupported("has a %s with its own page size", what))
	}
	low = r.u32()
	if flags&1 != 0 {
		high = r.u32()
		if r.err == nil && high < low {
			r.malformed("a " + what + " whose maximum is below its minimum")
		}
	}
	return flags, low, high
}

func (m *module) readMemory(r *reader) {
	n := r.count(2)
	if n > 1 {
		r.fail(unsupported("has more than one memory"))
	}
	if n < 1 {
		r.fail(unsupported("has no memory"))
	}
	flags, low, high := r.limits("memory")
	m.memory = Memory{Min: low, Max: high, Bounded: flags&1 != 0}
	if r.err == nil && (low > maxPages || high > maxPages) {
		r.malformed("a memory of more than 4 GiB")
	}
}

func (r *reader) globalType() (ValueType, bool) {
	t := r.valueType()
	mutable := r.byte()
	if mutable > 1 {
		r.malformed("a global that is neither mutable nor constant")
	}
	return t, mutable == 1
}

func (m *module) readGlobals(r *reader) {
	n := r.count(3)
	for i := 0; i < n && r.err == nil; i++ {
		r.globalType()
		m.constant(r)
	}
	m.globals += n
}

// constant reads a constant expression and marks the functions it refers to.
func (m *module) constant(r *reader) {
	for r.err == nil {
		switch in := r.next(); in.op {
		case opEnd:
			return
		case opRefFunc:
			m.take(r, in.index)
		case opGlobalGet:
			if r.err == nil && int64(in.index) >= int64(m.globals) {
				r.malformed("a constant of an unknown global")
			}
		case opI32Const, opI64Const, opF32Const, opF64Const, opRefNull, opPrefixVector,
			opI32Add, opI32Sub, 0x6c, 0x7c, 0x7d, 0x7e:
		default:
			r.malformed("an instruction that is not constant")
		}
	}
}

// take marks a function as one that a call through a table may reach.
func (m *module) take(r *reader, index uint32) {
	if r.err != nil {
		return
	}
	if int64(index) >= int64(len(m.taken)) {
		r.malformed("a reference to an unknown function")
		return
	}
	m.taken[index] = true
}

func (m *module) readStart(r *reader) {
	m.start = int64(r.u32())
	if m.start >= int64(len(m.funcs)) {
		r.malformed("an unknown start function")
	} else if r.err == nil && m.types[m.funcs[m.start]] != (Signature{}) {
		r.malformed("a start function that takes or returns something")
	}
}

func (m *module) readElements(r *reader) {
	n := r.count(3)
	for i := 0; i < n && r.err == nil; i++ {
		flags := r.u32()
		if flags > 7 {
			r.malformed("an unknown kind of element segment")
			return
		}
		active, explicit, expressions := flags&1 == 0, flags&2 != 0, flags&4 != 0
		if active && explicit {
			r.u32()
		}
		if active {
			m.constant(r)
		}
		switch {
		case !explicit && active: // neither a kind nor a type
		case expressions:
			r.refType()
		case r.byte() != 0:
			r.malformed("an unknown kind of element")
		}
		for range r.count(1) {
			if r.err != nil {
				return
			}
			if expressions {
				m.constant(r)
			} else {
				m.take(r, r.u32())
			}
		}
	}
}

func (m *module) readCode(r *reader) {
	n := r.count(3)
	for i := 0; i < n && r.err == nil; i++ {
		body := r.bytes(r.u32())
		if len(body) > maxBody {
			r.fail(unsupported("has a function of %d bytes, more than %d", len(body), maxBody))
		}
		m.code = append(m.code, function{body: body})
	}
}

func (m *module) readData(r *reader) {
	m.data = r.count(2)
	for i := 0; i < m.data && r.err == nil; i++ {
		flags := r.u32()
		switch {
		case flags > 2:
			r.malformed("an unknown kind of data segment")
		case flags == 2 && r.u32() != 0:
			r.fail(unsupported("uses more than one memory"))
		case flags != 1:
			m.constant(r)
		}
		r.bytes(r.u32())
	}
}
