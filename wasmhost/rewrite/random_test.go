package rewrite

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Random programs of nested control flow, calls of all kinds and several exits answer the same before and after.
func TestRandomPrograms(t *testing.T) {
	programs := 150
	if testing.Short() {
		programs = 30
	}
	for seed := range uint64(programs) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			bin := randomProgram(seed)
			for _, o := range []Options{{}, {Interval: 3}} {
				changed := instance(t, rewritten(t, bin, o))
				sameAnswers(t, instance(t, bin), changed)
				if changed.ExportedGlobal(DepthGlobal).Get() != 0 {
					t.Error("too deep")
				}
			}
		})
	}
}

const (
	randomFunctions = 9
	// randomSteps bounds loops and calls of a program, and with them its depth.
	randomSteps = 1500
)

// A randomCode writes one function. Types 0, 1 and 2 take an i32 and return an i32, nothing, or an i32 and an i64; function i has type i%3. A label
// is whether it takes a value; the outermost of functions with two results is never used.
type randomCode struct {
	*rand.Rand
	out    []byte
	labels []bool
	kind   int
	budget int
}

func randomProgram(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	funcs, code := []byte{randomFunctions + 1}, []byte{randomFunctions + 1}
	for i := range randomFunctions {
		c := &randomCode{Rand: r, kind: i % 3, budget: 60, labels: []bool{i%3 == 0}}
		c.function()
		funcs = append(funcs, byte(c.kind))
		code = append(appendU32(code, uint32(len(c.out))), c.out...)
	}
	// The entry sets the steps and calls function 0.
	entry := []byte{0}
	entry = append(appendConst(entry, randomSteps), opGlobalSet, 0)
	entry = append(appendConst(entry, int32(seed)), opCall, 0, opGlobalGet, 1, opI32Add, opEnd)
	code = append(append(code, byte(len(entry))), entry...)
	elements := []byte{1, 0, opI32Const, 0, opEnd, randomFunctions}
	for i := range byte(randomFunctions) {
		elements = append(elements, i)
	}
	return file(
		section(secType, 4, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 0, 0x60, 1, 0x7f, 2, 0x7f, 0x7e, 0x60, 0, 1, 0x7f),
		section(secFunction, append(funcs, 3)...), section(secTable, 1, 0x70, 0, randomFunctions), section(secMemory, 1, 0, 1),
		section(secGlobal, 2, 0x7f, 1, opI32Const, 0, opEnd, 0x7f, 1, opI32Const, 0, opEnd),
		section(secExport, 1, 3, 'r', 'u', 'n', 0, randomFunctions), section(secElement, elements...), section(secCode, code...))
}

func (c *randomCode) op(b ...byte) { c.out = append(c.out, b...) }

func (c *randomCode) function() {
	c.op(1, 3, 0x7f)
	c.step()
	for range 3 {
		c.statement()
	}
	c.results()
	c.op(opEnd)
}

// results puts what the function returns on the stack.
func (c *randomCode) results() {
	if c.kind != 1 {
		c.value()
	}
	if c.kind == 2 {
		c.op(opI64Const, 5)
	}
}

// step returns when the steps are used up, and takes one.
func (c *randomCode) step() {
	c.op(opGlobalGet, 0, 0x45, opIf, 0x40)
	if c.kind != 1 {
		c.op(opI32Const, 1)
	}
	if c.kind == 2 {
		c.op(opI64Const, 2)
	}
	c.op(opReturn, opEnd, opGlobalGet, 0, opI32Const, 1, opI32Sub, opGlobalSet, 0)
}

// within writes a block, loop or if around what fill writes.
func (c *randomCode) within(op byte, value bool, fill func()) {
	kind := byte(0x40)
	if value {
		kind = 0x7f
	}
	c.op(op, kind)
	c.labels = append(c.labels, value && op != opLoop)
	fill()
	c.labels = c.labels[:len(c.labels)-1]
	c.op(opEnd)
}

// label picks a label that takes a value or none.
func (c *randomCode) label(value bool) (byte, bool) {
	var fit []byte
	for i, v := range c.labels {
		if v == value && (i > 0 || c.kind != 2) {
			fit = append(fit, byte(len(c.labels)-1-i))
		}
	}
	if len(fit) == 0 {
		return 0, false
	}
	return fit[c.IntN(len(fit))], true
}

// call calls a function directly or through the table, and leaves one value or none.
func (c *randomCode) call() (value bool) {
	c.value()
	target := byte(c.IntN(randomFunctions))
	if c.IntN(2) == 0 {
		c.op(opCall, target)
	} else {
		c.op(opI32Const, target, opCallIndirect, target%3, 0)
	}
	if target%3 == 2 {
		c.op(opDrop)
	}
	return target%3 != 1
}

// value writes an expression of type i32.
func (c *randomCode) value() {
	if c.budget--; c.budget < 0 {
		c.op(opLocalGet, byte(c.IntN(4)))
		return
	}
	switch c.IntN(8) {
	case 0:
		c.out = appendConst(c.out, int32(c.IntN(1000)-300))
	case 1, 2:
		c.value()
		c.value()
		c.op([]byte{opI32Add, opI32Sub, 0x6c, opI32And, 0x73, opI32ShrU}[c.IntN(6)])
	case 3:
		if !c.call() {
			c.op(opGlobalGet, 1)
		}
	case 4:
		c.value()
		c.within(opIf, true, func() {
			c.statement()
			c.value()
			c.op(opElse)
			c.value()
		})
	case 5:
		c.within(opBlock, true, func() {
			c.statement()
			c.value()
			if l, ok := c.label(true); ok {
				c.value()
				c.op(opBrIf, l)
			}
		})
	case 6:
		c.within(opLoop, true, func() {
			c.step()
			c.statement()
			c.value()
			c.op(opBrIf, 0)
			c.value()
		})
	default:
		c.op(opLocalGet, byte(c.IntN(4)))
	}
}

// statement writes code that leaves nothing.
func (c *randomCode) statement() {
	if c.budget--; c.budget < 0 {
		return
	}
	switch c.IntN(9) {
	case 0, 1:
		c.value()
		c.op(opLocalSet, byte(c.IntN(4)))
	case 2:
		c.op(opGlobalGet, 1)
		c.value()
		c.op(opI32Add, opGlobalSet, 1)
	case 3:
		c.within(opLoop, false, func() {
			c.step()
			c.statement()
			c.value()
			c.op(opBrIf, 0)
		})
	case 4:
		// A br_table out of blocks, to the outside or the next loop.
		c.within(opBlock, false, func() {
			c.within(opBlock, false, func() {
				c.value()
				a, _ := c.label(false)
				b, _ := c.label(false)
				c.op(opBrTable, 2, a, 0, b)
			})
			c.statement()
		})
	case 5:
		c.value()
		c.within(opIf, false, func() {
			c.results()
			c.op(opReturn)
		})
	case 6:
		if c.call() {
			c.op(opDrop)
		}
	case 7:
		if l, ok := c.label(false); ok {
			c.value()
			c.op(opBrIf, l)
		}
	case 8:
		c.op(opI32Const, 0, opI32Const, 3)
		c.value()
		c.op(opI32Const, 63, opI32And, opPrefixMisc, miscMemoryFill, 0)
	}
}
