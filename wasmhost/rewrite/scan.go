package rewrite

// A function is one function that the module defines, as the scan found it.
type function struct {
	body   []byte
	code   uint32 // where the instructions begin in body
	region uint32 // its first region
	call   uint32 // its first call
	hot    bool   // has a loop that calls no other function
	leads  bool   // begins with a loop: nothing branches or calls before it
}

// A region is the part of a function that runs at most once between two of its counts: what stands outside all loops, which is counted at
// the entry, or what stands in a loop and not in a loop within, which is counted at the loop's header.
type region struct {
	cost uint64 // bytes of code, and the cost of the functions it calls that do not count themselves
}

// A call is an edge of the call graph.
type call struct {
	node   uint32 // a defined function, or a class of functions that are called through tables
	region uint32
}

// A scan is what is known of all functions before any is rewritten. The lists of all functions follow one another, so that a module of a
// million tiny functions costs no million allocations.
type scan struct {
	*module
	tailCalls bool
	class     []uint32 // class of each type: equal signatures share one
	classes   int
	regions   []region
	calls     []call
	blocks    []block // the open blocks of the function being scanned
	variables uint32  // its parameters and locals
}

type block struct {
	op     byte
	region uint32 // of what follows the block
	calls  int    // how many calls there were before it
}

func scanCode(m *module, tailCalls bool) (*scan, error) {
	s := &scan{module: m, tailCalls: tailCalls, class: make([]uint32, len(m.types))}
	known := make(map[Signature]uint32, len(m.types))
	for i, t := range m.types {
		c, ok := known[t]
		if !ok {
			c = uint32(len(known))
			known[t] = c
		}
		s.class[i] = c
	}
	s.classes = len(known)
	for i := range m.code {
		if err := s.function(i); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *scan) function(i int) error {
	f := &s.code[i]
	r := &reader{b: f.body, what: functionName(s.imported + i)}
	s.locals(r, len(s.types[s.funcs[s.imported+i]].params))
	f.code, f.region, f.call = uint32(r.pos), uint32(len(s.regions)), uint32(len(s.calls))
	s.regions = append(s.regions, region{})
	s.blocks = s.blocks[:0]
	current, straight := f.region, true
	for r.err == nil {
		from := r.pos
		in := r.next()
		straight = straight && !isBranch(in.op)
		s.bounds(r, in)
		s.regions[current].cost += uint64(r.pos - from)
		switch in.op {
		case opBlock, opIf:
			s.blocks = append(s.blocks, block{in.op, current, len(s.calls)})
		case opLoop:
			s.blocks = append(s.blocks, block{in.op, current, len(s.calls)})
			current = uint32(len(s.regions))
			if straight && current == f.region+1 {
				f.leads = true
			}
			s.regions = append(s.regions, region{})
		case opElse:
			if n := len(s.blocks); n == 0 || s.blocks[n-1].op != opIf {
				r.malformed("an else without an if")
			} else {
				s.blocks[n-1].op = opElse
			}
		case opEnd:
			n := len(s.blocks)
			if n == 0 {
				return r.done()
			}
			if b := s.blocks[n-1]; b.op == opLoop && b.calls == len(s.calls) {
				f.hot = true
			}
			current = s.blocks[n-1].region
			s.blocks = s.blocks[:n-1]
		default:
			s.note(r, f, in, current)
		}
	}
	return r.err
}

// locals reads the declarations of locals.
func (s *scan) locals(r *reader, params int) {
	total := uint64(params)
	for range r.count(2) {
		total += uint64(r.u32())
		r.valueType()
		if r.err != nil {
			return
		}
	}
	if total > maxLocals {
		r.fail(unsupported("has a function with %d locals, more than %d", total, maxLocals))
	}
	s.variables = uint32(total)
}

// bounds refuses indices that mean nothing in the original and something in the rewritten module: with them a guest could give itself fuel.
func (s *scan) bounds(r *reader, in instruction) {
	known := -1
	switch in.op {
	case opBr, opBrIf, opBrTable:
		known = len(s.blocks) + 1
	case opLocalGet, opLocalSet, opLocalTee:
		known = int(s.variables)
	case opGlobalGet, opGlobalSet:
		known = s.globals
	case opCall, opReturnCall, opRefFunc:
		known = len(s.funcs)
	case opCallIndirect, opReturnCallIndirect:
		known = len(s.types)
	case opBlock, opLoop, opIf:
		if in.typed {
			known = len(s.types)
		}
	}
	if known >= 0 && r.err == nil && int64(in.index) >= int64(known) {
		r.malformed("an index of something that is not there")
	}
}

// note keeps what the metering needs to know of an instruction.
func (s *scan) note(r *reader, f *function, in instruction, current uint32) {
	if r.err != nil {
		return
	}
	switch in.op {
	case opReturnCall, opReturnCallIndirect:
		if !s.tailCalls {
			r.fail(unsupported("uses tail calls"))
			return
		}
	case opRefFunc:
		s.take(r, in.index)
		return
	}
	switch in.op {
	case opCall, opReturnCall:
		if defined := int(in.index) - s.imported; defined >= 0 {
			s.calls = append(s.calls, call{uint32(defined), current})
		}
	case opCallIndirect, opReturnCallIndirect:
		s.calls = append(s.calls, call{uint32(len(s.code)) + s.class[in.index], current})
	}
}

// isBranch is whether what follows an instruction may not be reached from before it, or not without other code of the guest in between.
func isBranch(op byte) bool {
	return op == opUnreachable || op >= opIf && op <= opReturnCallIndirect
}

// isBulk is whether the time of an instruction grows with the number on top of the stack.
func isBulk(in instruction) bool {
	switch in.sub {
	case miscMemoryInit, miscMemoryCopy, miscMemoryFill, miscTableInit, miscTableCopy, miscTableGrow, miscTableFill:
		return in.op == opPrefixMisc
	}
	return false
}
