package rewrite

// bulkShift makes the length of a bulk operation units of fuel: 256 bytes take about as long as a short pass through a loop.
const bulkShift = 8

// The globals that are added, in this order.
const (
	globalState = iota
	globalRest  // fuel that was not granted yet; at 0 the guest leaves the native code
	globalStop
	globalDepth // how deep the guest was when it got too deep
	addedGlobals
)

// The functions that are added, in this order.
const (
	functionLook = iota
	functionBulk
	functionYield
	addedFunctions
)

// globalSection is the content of the added globals.
func globalSection() []byte {
	var out []byte
	for range addedGlobals {
		out = append(out, byte(I32), 1, opI32Const, 0, opEnd)
	}
	return out
}

// code is a small assembler for the added functions.
type code []byte

func (c *code) op(ops ...byte)             { *c = append(*c, ops...) }
func (c *code) with(op byte, index uint32) { *c = appendOp(*c, op, index) }
func (c *code) constant(v int32)           { *c = appendConst(*c, v) }

// lookBody is (i32)->i32: called with a state whose fuel is used up, it returns one with new fuel.
//
//	depth = state & mask
//	if depth > limit { troupe_depth = depth; trap }
//	rest = rest + state>>bits          // the fuel is negative: that much more was used than was granted
//	if rest < 0 { yield; rest = interval }
//	if troupe_stop { trap }
//	grant = limit - depth
//	rest = rest - grant
//	return grant<<bits + depth
func (e *emitter) lookBody() []byte {
	const state, depth = 0, 1
	c := code{1, 1, byte(I32)}
	limit := int32(e.options.MaxDepth)
	rest := e.state + globalRest

	c.with(opLocalGet, state)
	c.constant(1<<e.bits - 1)
	c.op(opI32And)
	c.with(opLocalTee, depth)
	c.constant(limit)
	c.op(opI32GtU, opIf, 0x40)
	c.with(opLocalGet, depth)
	c.with(opGlobalSet, e.state+globalDepth)
	c.op(opUnreachable, opEnd)

	c.with(opGlobalGet, rest)
	c.with(opLocalGet, state)
	c.constant(int32(e.bits))
	c.op(opI32ShrS, opI32Add)
	c.with(opGlobalSet, rest)
	e.checkRest(&c)

	c.with(opGlobalGet, rest)
	c.constant(limit)
	c.with(opLocalGet, depth)
	c.op(opI32Sub)
	c.with(opLocalTee, state)
	c.op(opI32Sub)
	c.with(opGlobalSet, rest)
	c.with(opLocalGet, state)
	c.constant(int32(e.bits))
	c.op(opI32Shl)
	c.with(opLocalGet, depth)
	c.op(opI32Add, opEnd)
	return c
}

// checkRest yields when the interval is over, and traps when the guest is to stop. The flag is looked at afterwards.
func (e *emitter) checkRest(c *code) {
	c.with(opGlobalGet, e.state+globalRest)
	c.constant(0)
	c.op(opI32LtS, opIf, 0x40)
	c.with(opCall, e.look+functionYield)
	c.constant(int32(e.options.Interval))
	c.with(opGlobalSet, e.state+globalRest)
	c.op(opEnd)
	c.with(opGlobalGet, e.state+globalStop)
	c.op(opIf, 0x40, opUnreachable, opEnd)
}

// bulkBody is (i32)->i32: it takes the length of a bulk operation from the fuel and returns the length.
func (e *emitter) bulkBody() []byte {
	c := code{0}
	c.with(opGlobalGet, e.state+globalRest)
	c.with(opLocalGet, 0)
	c.constant(bulkShift)
	c.op(opI32ShrU, opI32Sub)
	c.with(opGlobalSet, e.state+globalRest)
	e.checkRest(&c)
	c.with(opLocalGet, 0)
	c.op(opEnd)
	return c
}

// yieldBody is ()->(): it leaves the native code, which memory.grow by nothing does, and so lets the garbage collector have the goroutine, and other
// goroutines run. It is a function so that a host can be told, by a listener, and keep the guest there.
func yieldBody() []byte {
	c := code{0}
	c.constant(0)
	c.op(opMemoryGrow, 0, opDrop, opEnd)
	return c
}
