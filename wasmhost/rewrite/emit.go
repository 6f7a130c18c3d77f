package rewrite

// An emitter writes the functions with what a metering adds.
//
// Fuel and depth share one number, the state: fuel<<bits + depth. The fuel that is granted is never more than what is left of the depth, and each
// entry takes at least as much fuel as it raises the depth, so a guest that gets too deep is out of fuel first: a subtraction and a test of the
// sign are all that a count needs.
//
// The state lives in a global. In functions with a loop that calls nothing it lives in a local, because a global is memory: a loop of a few
// instructions would wait for it at each pass. The global is brought up to date before every call and read again afterwards.
type emitter struct {
	*metering
	options    Options
	bits       uint32
	state      uint32 // index of the first added global
	look       uint32 // index of the first added function
	types      []byte // added types, and how many
	added      uint32
	signatures map[Signature]uint32
	local      uint32 // index of the local that holds the state of the function being written
	usesLocal  bool
}

// typeIndex adds a function type and returns its index.
func (e *emitter) typeIndex(t Signature) uint32 {
	index, ok := e.signatures[t]
	if !ok {
		e.types = t.append(e.types)
		index = uint32(len(e.module.types)) + e.added
		e.added++
		e.signatures[t] = index
	}
	return index
}

// body appends a rewritten function with its size.
func (e *emitter) body(dst []byte, i int) []byte {
	f := &e.code[i]
	e.usesLocal = e.code[i].hot
	out := make([]byte, 0, len(f.body)+len(f.body)/4+64)
	if e.usesLocal {
		out = e.declare(out, i)
		out = appendOp(appendOp(out, opGlobalGet, e.state), opLocalSet, e.local)
	} else {
		out = append(out, f.body[:f.code]...)
	}
	switch {
	case e.counted[i] && !f.leads:
		out = e.count(out, e.charge(f.region), e.weight(i))
	case e.cyclic[i]:
		out = e.set(append(appendConst(e.get(out), e.weight(i)), opI32Add))
	}
	if e.wrapped(i) {
		out = e.open(out, i)
	}
	out = e.instructions(out, i)
	dst = appendU32(dst, uint32(len(out)))
	return append(dst, out...)
}

// wrapped is whether a function has something to do at its exits.
func (e *emitter) wrapped(i int) bool { return e.cyclic[i] || e.code[i].hot }

// instructions copies the function's code with what its loops, calls, exits and bulk operations need.
func (e *emitter) instructions(out []byte, i int) []byte {
	f := &e.code[i]
	r := &reader{b: f.body, pos: int(f.code)}
	region, open := f.region, uint32(0)
	small := false // whether the instruction before put a small constant on the stack
	for {
		from := r.pos
		in := r.next()
		raw := f.body[from:r.pos]
		switch {
		case in.op == opEnd && open == 0:
			if e.wrapped(i) {
				out = e.leave(append(out, opEnd), i)
			}
			return append(out, opEnd)
		case in.op == opReturn && e.wrapped(i):
			out = appendOp(out, opBr, open)
		case in.op == opReturnCall || in.op == opReturnCallIndirect:
			out = append(e.leave(out, i), raw...)
		case e.usesLocal && (in.op == opCall || in.op == opCallIndirect):
			out = e.moveOut(out)
			out = append(out, raw...)
			out = e.moveIn(out)
		case isBulk(in) && !small:
			out = append(appendOp(out, opCall, e.look+functionBulk), raw...)
		default:
			out = append(out, raw...)
		}
		switch in.op {
		case opBlock, opIf:
			open++
		case opLoop:
			open++
			region++
			out = e.count(out, e.charge(region), 0)
		case opEnd:
			open--
		}
		small = in.op == opI32Const && in.value >= 0 && in.value < 1<<bulkShift
	}
}

// open begins a block around the function: branches to the outermost label and returns then end at the one place where leave stands.
func (e *emitter) open(out []byte, i int) []byte {
	out = append(out, opBlock)
	results := e.module.types[e.funcs[e.imported+i]].results
	switch len(results) {
	case 0:
		return append(out, 0x40)
	case 1:
		return append(out, results[0])
	}
	return appendSigned(out, int32(e.typeIndex(Signature{results: results})))
}

// leave lowers the depth, and brings the global up to date.
func (e *emitter) leave(out []byte, i int) []byte {
	switch {
	case e.cyclic[i]:
		out = e.get(out)
		out = append(appendConst(out, e.weight(i)), opI32Sub)
		return appendOp(out, opGlobalSet, e.state)
	case e.usesLocal:
		return e.moveOut(out)
	}
	return out
}

func (e *emitter) moveOut(out []byte) []byte {
	return appendOp(appendOp(out, opLocalGet, e.local), opGlobalSet, e.state)
}

func (e *emitter) moveIn(out []byte) []byte {
	return appendOp(appendOp(out, opGlobalGet, e.state), opLocalSet, e.local)
}

func (e *emitter) get(out []byte) []byte {
	if e.usesLocal {
		return appendOp(out, opLocalGet, e.local)
	}
	return appendOp(out, opGlobalGet, e.state)
}

func (e *emitter) set(out []byte) []byte {
	if e.usesLocal {
		return appendOp(out, opLocalSet, e.local)
	}
	return appendOp(out, opGlobalSet, e.state)
}

// count takes a charge from the fuel, raises the depth by a weight, and has a look when the fuel is used up. The look stands in the else branch
// on purpose: wazero's register allocator takes over the registers of the branch that comes first, and with the call there every value of a
// loop would be stored and loaded again at each pass.
func (e *emitter) count(out []byte, charge, weight int32) []byte {
	out = append(appendConst(e.get(out), charge<<e.bits-weight), opI32Sub)
	out = e.get(e.set(out))
	out = append(appendConst(out, 0), opI32GeS, opIf, 0x40, opElse)
	out = appendOp(e.get(out), opCall, e.look)
	return append(e.set(out), opEnd)
}

// declare appends the declarations of a function's locals with one more i32, which will hold the state.
func (e *emitter) declare(out []byte, i int) []byte {
	f := &e.code[i]
	r := &reader{b: f.body[:f.code]}
	groups := r.u32()
	rest := r.pos
	e.local = uint32(len(e.module.types[e.funcs[e.imported+i]].params))
	for range groups {
		e.local += r.u32()
		r.byte()
	}
	out = appendU32(out, groups+1)
	out = append(out, f.body[rest:f.code]...)
	return append(out, 1, byte(I32))
}
