package wasmhost

import (
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// memoryBudget is what the memories of all instances may have together. Without it 64 callers of one guest could make 64 instances that take all
// they may at the same moment. Safe for concurrent use.
type memoryBudget struct {
	left atomic.Int64
}

// take takes n bytes, if they are there.
func (b *memoryBudget) take(n int64) bool {
	for {
		left := b.left.Load()
		if n > left {
			return false
		}
		if b.left.CompareAndSwap(left, left-n) {
			return true
		}
	}
}

// linearMemory is the memory of one instance. It is wazero's, on the goroutine of the instance's call.
//
// It lies outside of Go's heap where the system allows: the address space is reserved at once, so that growing copies nothing, and what was touched of it is
// given back with the instance instead of when the garbage collector comes. Guests that take all they may and trap left it hundreds of megabytes to find.
type linearMemory struct {
	budget *memoryBudget
	space  []byte // all there may ever be, nil where it cannot be reserved
	buffer []byte // the memory: the beginning of space, or on Go's heap
	taken  int64
}

var _ experimental.LinearMemory = (*linearMemory)(nil)

// Reallocate returns the memory with another size, or nil when there is no more, which makes the guest's memory.grow fail.
func (m *linearMemory) Reallocate(size uint64) []byte {
	switch {
	case m.space != nil:
		if more := int64(size) - m.taken; more > 0 {
			if !m.budget.take(more) {
				return nil
			}
			m.taken += more
		}
		m.buffer = m.space
	case size > uint64(cap(m.buffer)):
		if more := int64(size) - m.taken; more > 0 {
			if !m.budget.take(more) {
				return nil
			}
			m.taken += more
		}
		grown := make([]byte, size, m.room(size))
		copy(grown, m.buffer)
		m.buffer = grown
	}
	m.buffer = m.buffer[:size]
	return m.buffer
}

// room is how much is allocated at once for size: a guest that grows page by page must not have everything copied each time.
func (m *linearMemory) room(size uint64) int64 {
	extra := int64(size / 4)
	if m.buffer == nil || !m.budget.take(extra) {
		return int64(size)
	}
	m.taken += extra
	return int64(size) + extra
}

// Free gives the memory back.
func (m *linearMemory) Free() {
	m.budget.left.Add(m.taken)
	if m.space != nil {
		release(m.space)
	}
	m.space, m.buffer, m.taken = nil, nil, 0
}
