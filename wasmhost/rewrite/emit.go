package rewrite

// An emitter writes the functions of a plan.
type emitter struct {
	*plan
	depth             uint32
	fuel, stop, level uint32 // indices of the added globals
	look              uint32 // index of the added function
	types             []byte // added types, and how many
	added             uint32
	blockTypes        map[string]uint32
}

// newType adds a function type and returns its index.
func (e *emitter) newType(t Signature) uint32 {
	e.types = t.append(e.types)
	e.added++
	return uint32(len(e.module.types)) + e.added - 1
}

// body appends a rewritten function with its size.
func (e *emitter) body(dst []byte, i int) []byte {
	f := &e.code[i]
	scratch := uint32(0)
	out := make([]byte, 0, len(f.body)+len(f.body)/4+64)
	if f.bulk {
		out, scratch = e.scratch(out, i)
	} else {
		out = append(out, f.body[:f.code]...)
	}
	if e.counted[i] {
		out = e.count(out, e.charge(f.region))
	}
	if e.cyclic[i] {
		out = e.enter(out, i)
	}
	out = e.instructions(out, i, scratch)
	dst = appendU32(dst, uint32(len(out)))
	return append(dst, out...)
}

// instructions copies the function's code with what its loops, exits and bulk operations need.
func (e *emitter) instructions(out []byte, i int, scratch uint32) []byte {
	f := &e.code[i]
	r := &reader{b: f.body, pos: int(f.code)}
	region, open := f.region, uint32(0)
	small := false // whether the instruction before put a small constant on the stack
	for {
		from := r.pos
		in := r.next()
		raw := f.body[from:r.pos]
		switch {
		case in.op == opBlock || in.op == opIf:
			open++
			out = append(out, raw...)
		case in.op == opLoop:
			open++
			region++
			out = append(out, raw...)
			out = e.count(out, e.charge(region))
		case in.op == opEnd && open == 0:
			if e.cyclic[i] {
				out = e.leave(append(out, opEnd))
			}
			return append(out, opEnd)
		case in.op == opEnd:
			open--
			out = append(out, raw...)
		case in.op == opReturn && e.cyclic[i]:
			out = appendOp(out, opBr, open)
		case (in.op == opReturnCall || in.op == opReturnCallIndirect) && e.cyclic[i]:
			out = append(e.leave(out), raw...)
		case isBulk(in) && !small:
			out = append(e.countBulk(out, scratch), raw...)
		default:
			out = append(out, raw...)
		}
		small = in.op == opI32Const && in.value >= 0 && in.value < 1<<bulkShift
	}
}

// enter raises the depth, traps when it is too deep, and opens a block around the function: branches to the outermost label and returns then
// end at the one place where the depth is lowered again.
func (e *emitter) enter(out []byte, i int) []byte {
	out = appendOp(out, opGlobalGet, e.level)
	out = appendConst(out, 1)
	out = append(out, opI32Add)
	out = appendOp(out, opGlobalSet, e.level)
	out = appendOp(out, opGlobalGet, e.level)
	out = appendConst(out, int32(e.depth))
	out = append(out, opI32GtU, opIf, 0x40, opUnreachable, opEnd, opBlock)
	results := e.module.types[e.funcs[e.imported+i]].results
	switch len(results) {
	case 0:
		return append(out, 0x40)
	case 1:
		return append(out, results[0])
	}
	index, ok := e.blockTypes[results]
	if !ok {
		index = e.newType(Signature{results: results})
		e.blockTypes[results] = index
	}
	return appendSigned(out, int32(index))
}

// leave lowers the depth.
func (e *emitter) leave(out []byte) []byte {
	out = appendOp(out, opGlobalGet, e.level)
	out = appendConst(out, 1)
	out = append(out, opI32Sub)
	return appendOp(out, opGlobalSet, e.level)
}

// count takes a charge from the fuel and looks at the stop flag when it is used up.
func (e *emitter) count(out []byte, charge int32) []byte {
	out = appendOp(out, opGlobalGet, e.fuel)
	out = appendConst(out, charge)
	return e.burn(out)
}

// burn subtracts what lies on the stack from the fuel below it.
func (e *emitter) burn(out []byte) []byte {
	out = append(out, opI32Sub)
	out = appendOp(out, opGlobalSet, e.fuel)
	out = appendOp(out, opGlobalGet, e.fuel)
	out = appendConst(out, 0)
	out = append(out, opI32LtS, opIf, 0x40)
	out = appendOp(out, opCall, e.look)
	return append(out, opEnd)
}

// bulkShift makes the length of a bulk operation units of fuel: 256 bytes take about as long as a short pass through a loop.
const bulkShift = 8

// countBulk takes the length of a bulk operation, which lies on the stack and stays there, from the fuel.
func (e *emitter) countBulk(out []byte, scratch uint32) []byte {
	out = appendOp(out, opLocalTee, scratch)
	out = appendOp(out, opGlobalGet, e.fuel)
	out = appendOp(out, opLocalGet, scratch)
	out = appendConst(out, bulkShift)
	out = append(out, opI32ShrU)
	return e.burn(out)
}

// scratch appends the declarations of a function's locals with one more i32, and returns its index.
func (e *emitter) scratch(out []byte, i int) ([]byte, uint32) {
	f := &e.code[i]
	r := &reader{b: f.body[:f.code]}
	groups := r.u32()
	rest := r.pos
	index := uint32(len(e.module.types[e.funcs[e.imported+i]].params))
	for range groups {
		index += r.u32()
		r.byte()
	}
	out = appendU32(out, groups+1)
	out = append(out, f.body[rest:f.code]...)
	return append(out, 1, byte(I32)), index
}

// lookBody is the function that is called when the fuel is used up. memory.grow by nothing leaves the native code, which lets the garbage
// collector stop the goroutine and other goroutines run; the flag is looked at afterwards.
func (e *emitter) lookBody(interval int32) []byte {
	out := []byte{0}
	out = appendConst(out, 0)
	out = append(out, opMemoryGrow, 0, opDrop)
	out = appendConst(out, interval)
	out = appendOp(out, opGlobalSet, e.fuel)
	out = appendOp(out, opGlobalGet, e.stop)
	return append(out, opIf, 0x40, opUnreachable, opEnd, opEnd)
}
