package wasmhost

import (
	"encoding/binary"
	"testing"
	"time"
)

// wasiInstance returns an instance in the middle of a call.
func wasiInstance(t *testing.T) *instance {
	t.Helper()
	x, _ := OpenOne(t, &FakeHost{}, long, "hostile")
	deadline := x.manager.now() + int64(describeLimit)
	i, err := x.pool.acquire(t.Context(), false, deadline, deadline)
	if err != nil {
		t.Fatal(err)
	}
	i.begin(t.Context(), job{op: opBefore, call: &Call{}, limit: time.Minute}, x.manager.now(), never, 1)
	t.Cleanup(func() {
		_ = i.finish(nil)
		x.pool.release(i, 0)
	})
	return i
}

// Whatever numbers a guest passes, WASI answers with an errno.
func TestWASIBadArguments(t *testing.T) {
	i := wasiInstance(t)
	for _, f := range wasiFuncs {
		for _, bad := range []uint64{0xffffffff, 0x7fff0000, 1<<32 - 8} {
			p := make([]uint64, max(1, len(f.params)))
			for n := range p {
				p[n] = bad
			}
			if got := f.call(i, p); got != wasiOK && got != wasiBadFD && got != wasiFault && got != wasiInval && got != wasiNoSeek {
				t.Errorf("%s(%#x): %d", f.name, bad, got)
			}
		}
	}
	for _, p := range [][]uint64{{1, 0xffffffff, 1, 0}, {1, 1024, 0xffffffff, 0}, {1, 1024, 1, 0xffffffff}, {7, 1024, 1, 0}} {
		if got := wasiWrite(i, p); got == wasiOK {
			t.Errorf("fd_write(%#x)", p)
		}
	}
	if got := wasiRandom(i, []uint64{1024, 0xffffffff}); got == wasiOK {
		t.Error("random_get")
	}
}

func TestWASI(t *testing.T) {
	i := wasiInstance(t)
	word := func(at uint32) uint64 { v, _ := i.memory.ReadUint64Le(at); return v }
	for name, p := range map[string][]uint64{
		"args_sizes_get": {1024, 1028}, "clock_res_get": {0, 1024}, "clock_time_get": {0, 0, 1024}, "fd_fdstat_get": {1, 1024},
		"fd_read": {0, 0, 0, 1024}, "random_get": {1024, 8},
	} {
		i.memory.WriteUint64Le(1024, 0x0101010101010101)
		for _, f := range wasiFuncs {
			if f.name != name {
				continue
			}
			if len(f.params) != len(p) || f.call(i, p) != wasiOK || word(1024) == 0x0101010101010101 {
				t.Errorf("%s: %#x", name, word(1024))
			}
		}
	}
	// Two subscriptions: a clock that has rung, and a file, which is none.
	var in [2 * subscriptionSize]byte
	binary.LittleEndian.PutUint64(in[0:], 7)
	binary.LittleEndian.PutUint16(in[40:], 1) // absolute, 1970
	in[subscriptionSize+8] = 1
	i.memory.Write(2048, in[:])
	if got := wasiPoll(i, []uint64{2048, 4096, 2, 1024}); got != wasiOK || uint32(word(1024)) != 2 || word(4096) != 7 {
		t.Errorf("%d, %#x", got, word(1024))
	}
	if e, _ := i.memory.ReadUint16Le(4096 + eventSize + 8); e != wasiBadFD {
		t.Error(e)
	}
}

// TestWASIWriteIsBounded: the time of a call is looked at between host calls, so none may go through gigabytes.
func TestWASIWriteIsBounded(t *testing.T) {
	i := wasiInstance(t)
	most := uint32(i.extension.manager.limits.Payload)
	if _, ok := i.memory.Grow(2 * most >> 16); !ok {
		t.Fatal("no memory")
	}
	for n := range uint32(maxVectors) {
		i.memory.WriteUint32Le(1024+8*n, 1<<16)
		i.memory.WriteUint32Le(1028+8*n, most/3)
	}
	if got := wasiWrite(i, []uint64{1, 1024, maxVectors, 64}); got != wasiOK {
		t.Fatalf("errno %d", got)
	}
	if n, _ := i.memory.ReadUint32Le(64); n != most {
		t.Errorf("%d bytes were written at once", n)
	}
}
