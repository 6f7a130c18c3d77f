package wasmhost

import (
	"bytes"
	"testing"
)

// The memory of an instance grows in place, or is copied where it lies on Go's heap; what is new is zero.
func TestLinear(t *testing.T) {
	const page = 64 << 10
	for _, test := range []struct {
		name   string
		memory *linear
	}{{"reserved", new(linear)}, {"on the heap", &linear{}}} {
		t.Run(test.name, func(t *testing.T) {
			l := test.memory
			if test.name == "reserved" {
				l.Allocate(0, 4*page)
			}
			b := l.Reallocate(page)
			for i := range b {
				b[i] = 1
			}
			b = l.Reallocate(3 * page)
			if len(b) != 3*page || !bytes.Equal(b[:page], bytes.Repeat([]byte{1}, page)) || !bytes.Equal(b[page:], make([]byte, 2*page)) {
				t.Error("it is not what it was, with zeros after it")
			}
			l.Free()
			l.Free()
		})
	}
}

// The memory goes with the instance, no garbage collector has to find it.
func TestLinearIsFreedWithItsInstance(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "bench")
	i, err := x.newInstance(x.manager.now() + int64(describeLimit))
	if err != nil {
		t.Fatal(err)
	}
	x.pool.hide(i)
	i.close()
	if !i.linear.freed {
		t.Error("closing does not free the memory")
	}
}
