package rewrite

// An instruction is one decoded instruction. Its bytes are copied as they stand, so decode must never see other borders between instructions
// than wazero does: where the format allows an opcode or a reserved byte to be padded, only the shortest form is accepted.
type instruction struct {
	op    byte   // the opcode, or the prefix
	sub   byte   // the opcode behind a prefix
	index uint32 // the first index, of br_table the largest label
	typed bool   // whether index is the type of a block
	value int32  // of i32.const
}

// next decodes one instruction.
func (r *reader) next() instruction {
	in := instruction{op: r.byte()}
	kind := plain[in.op]
	switch in.op {
	case opPrefixMisc:
		kind = immUnknown
		if in.sub = r.byte(); int(in.sub) < len(misc) {
			kind = misc[in.sub]
		}
	case opPrefixVector:
		in.sub = r.byte()
		kind = vector[in.sub]
		// Opcodes from 0x80 take two bytes, of which the second is 1; wazero reads it as a nop.
		if in.sub >= 0x80 && r.byte() != 1 {
			kind = immUnknown
		}
	}
	if r.err == nil {
		r.immediate(&in, kind)
	}
	return in
}

func (r *reader) immediate(in *instruction, kind immediate) {
	switch kind {
	case immNone:
	case immIndex:
		in.index = r.u32()
	case immTwo:
		in.index = r.u32()
		r.u32()
	case immMemArg:
		r.u32()
		r.u32()
	case immMemArgLane:
		r.u32()
		r.u32()
		r.byte()
	case immLane:
		r.byte()
	case immZero:
		r.memoryIndex()
	case immTwoZeros:
		r.memoryIndex()
		r.memoryIndex()
	case immIndexZero:
		in.index = r.u32()
		r.memoryIndex()
	case imm16:
		r.bytes(16)
	case immBlock:
		in.typed, in.index = r.blockType()
	case immOwn:
		r.own(in)
	default:
		r.fail(unsupported("%s (instruction %#x %#x in %s)", refusal(in.op), in.op, in.sub, r.what))
	}
}

// own reads the immediates that only one instruction has.
func (r *reader) own(in *instruction) {
	switch in.op {
	case opBrTable:
		for range r.count(1) + 1 {
			in.index = max(in.index, r.u32())
		}
	case opSelectTyped:
		if r.byte() != 1 {
			r.malformed("a select with more than one type")
		}
		r.valueType()
	case opI32Const:
		in.value = int32(r.signed(32))
	case opI64Const:
		r.signed(64)
	case opF32Const:
		r.bytes(4)
	case opF64Const:
		r.bytes(8)
	case opRefNull:
		r.refType()
	}
}

func (r *reader) memoryIndex() {
	if r.byte() != 0 && r.err == nil {
		r.fail(unsupported("uses more than one memory"))
	}
}

// blockType reads the type of a block: nothing, a value or the index of a function type.
func (r *reader) blockType() (typed bool, index uint32) {
	if r.err == nil && r.pos < len(r.b) && r.b[r.pos]&0xc0 == 0x40 {
		if r.b[r.pos] == 0x40 {
			r.pos++
		} else {
			r.valueType()
		}
		return false, 0
	}
	v := r.signed(33)
	if v < 0 {
		r.malformed("a block type that is none")
	}
	return true, uint32(v)
}

// refusal says what an unknown opcode belongs to.
func refusal(op byte) string {
	switch {
	case op == 0xfe:
		return "uses threads (atomic instructions)"
	case op == 0xfb || op >= 0xd3 && op <= 0xd6:
		return "uses garbage-collected types"
	case op >= 0x06 && op <= 0x0a, op == 0x18, op == 0x19, op == 0x1f:
		return "uses exceptions"
	case op == 0x14, op == 0x15:
		return "calls through typed references"
	case op == opPrefixVector:
		return "uses relaxed or unknown vector instructions"
	}
	return "uses an unknown instruction"
}
