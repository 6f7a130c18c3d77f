package wasmhost

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// linear is the memory of one instance, outside of Go's heap where the system allows: the address space is reserved at once, so that growing copies nothing,
// pages that were never touched take no room, and all of it is given back when the instance is closed instead of when the garbage collector finds it.
// It belongs to the instance.
type linear struct {
	space []byte // all there may ever be; nil without room for it
	heap  []byte // instead of it
	freed bool
}

// with returns a ctx with which a module is instantiated in this memory.
func (l *linear) with(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, l)
}

// Allocate implements experimental.MemoryAllocator.
func (l *linear) Allocate(_, most uint64) experimental.LinearMemory {
	if l.space == nil {
		l.space = reserve(most)
	}
	return l
}

// Reallocate implements experimental.LinearMemory. What is new is zero.
func (l *linear) Reallocate(size uint64) []byte {
	if l.space != nil {
		return l.space[:size]
	}
	l.heap = append(l.heap, make([]byte, size-uint64(len(l.heap)))...)
	return l.heap
}

// Free implements experimental.LinearMemory. It may be called again.
func (l *linear) Free() {
	if l.freed {
		return
	}
	l.freed = true
	if l.space != nil {
		release(l.space)
	}
	l.heap = nil
}
