package rewrite

// The instructions that the rewriter looks at or writes.
const (
	opUnreachable        = 0x00
	opBlock              = 0x02
	opLoop               = 0x03
	opIf                 = 0x04
	opElse               = 0x05
	opEnd                = 0x0b
	opBr                 = 0x0c
	opBrIf               = 0x0d
	opBrTable            = 0x0e
	opReturn             = 0x0f
	opCall               = 0x10
	opCallIndirect       = 0x11
	opReturnCall         = 0x12
	opReturnCallIndirect = 0x13
	opDrop               = 0x1a
	opSelectTyped        = 0x1c
	opLocalGet           = 0x20
	opLocalSet           = 0x21
	opLocalTee           = 0x22
	opGlobalGet          = 0x23
	opGlobalSet          = 0x24
	opMemoryGrow         = 0x40
	opI32Const           = 0x41
	opI64Const           = 0x42
	opF32Const           = 0x43
	opF64Const           = 0x44
	opI32LtS             = 0x48
	opI32GtU             = 0x4b
	opI32GeS             = 0x4e
	opI32Add             = 0x6a
	opI32Sub             = 0x6b
	opI32And             = 0x71
	opI32Shl             = 0x74
	opI32ShrS            = 0x75
	opI32ShrU            = 0x76
	opRefNull            = 0xd0
	opRefFunc            = 0xd2
	opPrefixMisc         = 0xfc
	opPrefixVector       = 0xfd
)

// The instructions behind opPrefixMisc whose time depends on an operand.
const (
	miscMemoryInit = 8
	miscMemoryCopy = 10
	miscMemoryFill = 11
	miscTableInit  = 12
	miscTableCopy  = 14
	miscTableGrow  = 15
	miscTableFill  = 17
)

// An immediate is what follows an instruction's opcode.
type immediate byte

const (
	immUnknown immediate = iota
	immNone
	immIndex      // an index
	immTwo        // two indices
	immMemArg     // alignment and offset
	immMemArgLane // alignment, offset and a lane
	immLane       // a lane, one byte
	immZero       // the memory, which can only be number 0 in one byte
	immTwoZeros   // two memories
	immIndexZero  // an index and a memory
	imm16         // 16 bytes
	immBlock      // a block type
	immOwn        // read by decode itself
)

// plain, misc and vector are the immediates by opcode: without a prefix, behind opPrefixMisc and behind opPrefixVector. They hold what
// the core specification 2.0 has and tail calls; everything else stays unknown and is refused.
var plain, misc, vector = immediates()

func immediates() (plain [256]immediate, misc [18]immediate, vector [256]immediate) {
	fill := func(table []immediate, kind immediate, from, to int) {
		for i := from; i <= to; i++ {
			table[i] = kind
		}
	}
	p := plain[:]
	fill(p, immNone, 0x00, 0x01)
	fill(p, immBlock, opBlock, opIf)
	fill(p, immNone, opElse, opElse)
	fill(p, immNone, opEnd, opEnd)
	fill(p, immIndex, opBr, opBrIf)
	fill(p, immOwn, opBrTable, opBrTable)
	fill(p, immNone, opReturn, opReturn)
	fill(p, immIndex, opCall, opCall)
	fill(p, immTwo, opCallIndirect, opCallIndirect)
	fill(p, immIndex, opReturnCall, opReturnCall)
	fill(p, immTwo, opReturnCallIndirect, opReturnCallIndirect)
	fill(p, immNone, opDrop, opDrop+1)
	fill(p, immOwn, opSelectTyped, opSelectTyped)
	fill(p, immIndex, opLocalGet, 0x26)
	fill(p, immMemArg, 0x28, 0x3e)
	fill(p, immZero, 0x3f, opMemoryGrow)
	fill(p, immOwn, opI32Const, opF64Const)
	fill(p, immNone, 0x45, 0xc4)
	fill(p, immOwn, opRefNull, opRefNull)
	fill(p, immNone, 0xd1, 0xd1)
	fill(p, immIndex, opRefFunc, opRefFunc)

	m := misc[:]
	fill(m, immNone, 0, 7)
	fill(m, immIndexZero, miscMemoryInit, miscMemoryInit)
	fill(m, immIndex, 9, 9)
	fill(m, immTwoZeros, miscMemoryCopy, miscMemoryCopy)
	fill(m, immZero, miscMemoryFill, miscMemoryFill)
	fill(m, immTwo, miscTableInit, miscTableInit)
	fill(m, immIndex, 13, 13)
	fill(m, immTwo, miscTableCopy, miscTableCopy)
	fill(m, immIndex, miscTableGrow, miscTableFill)

	v := vector[:]
	fill(v, immMemArg, 0x00, 0x0b)
	fill(v, imm16, 0x0c, 0x0d)
	fill(v, immNone, 0x0e, 0x14)
	fill(v, immLane, 0x15, 0x22)
	fill(v, immNone, 0x23, 0x53)
	fill(v, immMemArgLane, 0x54, 0x5b)
	fill(v, immMemArg, 0x5c, 0x5d)
	fill(v, immNone, 0x5e, 0xff)
	for _, gap := range []int{0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee} {
		v[gap] = immUnknown
	}
	return plain, misc, vector
}
