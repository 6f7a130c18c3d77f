package wasmhost

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/troupebase/troupe/wasmhost/abi"
)

// FuzzResult plays what a guest may do with numbers: a packed result, and three host calls with any arguments. The server answers or faults, and
// the next call finds everything in order.
func FuzzResult(f *testing.F) {
	f.Add(uint64(0), []byte{})
	f.Add(uint64(0xffffffff_ffffffff), []byte{})
	f.Add(uint64(16)<<32|1<<30, []byte{4, 1, 0, 0, 0, 16, 0, 0, 0, 255, 255, 255, 255})
	f.Add(uint64(8)<<32|8, []byte("\x0e\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x13\x02\x00\x00\x00\x16\x02\x00\x00\x00\x13\x02\x00\x00\x00"))
	m, _ := OpenManager(f, &FakeHost{}, nil, "puppet")
	x := m.Extensions()[0]
	f.Fuzz(func(t *testing.T, packed uint64, calls []byte) {
		s, _ := prepared("")
		for range 3 {
			if len(calls) == 0 {
				break
			}
			fn := abi.Functions[int(calls[0])%len(abi.Functions)]
			calls = calls[1:]
			var args []any
			for n := 0; n < len(fn.Values()) && len(calls) >= 4; n++ {
				args = append(args, uint64(binary.LittleEndian.Uint32(calls)))
				calls = calls[4:]
			}
			s.Call(fn.Name, args...)
		}
		s.result(packed)
		r, err := x.Serve(context.Background(), 0, s.With(everything()))
		var no *Rejection
		var fault *Fault
		switch {
		case err == nil:
			if len(r.Body) > x.manager.limits.Payload || r.Status < 100 || r.Status > 599 {
				t.Fatalf("%d, %d bytes", r.Status, len(r.Body))
			}
		case errors.As(err, &no):
			if no.Status < 400 || no.Status > 599 {
				t.Fatal(err)
			}
		case errors.As(err, &fault):
			if fault.Kind == Panicked {
				t.Fatal(err)
			}
		default:
			t.Fatal(err)
		}
		fresh(t, m)
		var next Script
		next.Call("auth_superuser")
		if results, _, _ := next.play(t, x, everything()); results[0] != 1 {
			t.Fatal(results)
		}
	})
}
