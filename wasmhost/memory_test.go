package wasmhost

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestLinearMemory(t *testing.T) {
	b := &memoryBudget{}
	b.left.Store(10_000)
	m := &linearMemory{budget: b}
	if got := m.Reallocate(0); len(got) != 0 {
		t.Error(got)
	}
	got := m.Reallocate(4000)
	if len(got) != 4000 || b.left.Load() != 6000 {
		t.Error(len(got), b.left.Load())
	}
	got[3999] = 7
	if got = m.Reallocate(5000); len(got) != 5000 || got[3999] != 7 || got[4999] != 0 || b.left.Load() != 10_000-6250 {
		t.Error(len(got), b.left.Load())
	}
	if got = m.Reallocate(6250); len(got) != 6250 || b.left.Load() != 10_000-6250 {
		t.Error(len(got), b.left.Load())
	}
	if got = m.Reallocate(10_000); len(got) != 10_000 || b.left.Load() != 0 { // no room for more
		t.Error(len(got), b.left.Load())
	}
	if got = m.Reallocate(10_001); got != nil {
		t.Error("more than there is")
	}
	m.Free()
	m.Free()
	if b.left.Load() != 10_000 {
		t.Error(b.left.Load())
	}
}

// However many guests grow at the same time, together they stay within the budget, and give back what they had.
func TestMemoryOfAllInstances(t *testing.T) {
	const total = 100 << 20
	x, _ := OpenOne(t, &FakeHost{}, func(o *Options) { long(o); o.Limits.TotalMemory = total }, "hostile")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := x.Before(context.Background(), hookMemory, nil); err != nil && !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
			if left := x.manager.memory.left.Load(); left < 0 {
				t.Error(left)
			}
		})
	}
	all.Wait()
	if _, err := x.Before(context.Background(), HookFine, nil); err != nil {
		t.Error(err)
	}
	x.pool.trim(0, func(*instance) bool { return true })
	if left := x.manager.memory.left.Load(); left != total {
		t.Errorf("%d of %d", left, total)
	}
}

// Reserved memory grows in place, and counts as what it has grown to.
func TestReservedMemory(t *testing.T) {
	b := &memoryBudget{}
	b.left.Store(10 << 16)
	m := &linearMemory{budget: b, space: reserve(20 << 16)}
	if m.space == nil {
		t.Skip("memory cannot be reserved here")
	}
	got := m.Reallocate(1 << 16)
	got[1<<16-1] = 7
	again := m.Reallocate(5 << 16)
	if len(again) != 5<<16 || &again[0] != &got[0] || again[1<<16-1] != 7 || again[5<<16-1] != 0 || b.left.Load() != 5<<16 {
		t.Error(len(again), b.left.Load())
	}
	if m.Reallocate(11<<16) != nil {
		t.Error("more than the budget")
	}
	m.Free()
	m.Free()
	if b.left.Load() != 10<<16 {
		t.Error(b.left.Load())
	}
}
