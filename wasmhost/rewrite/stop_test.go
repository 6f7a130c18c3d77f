package rewrite

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// patience is how long a test waits for what should take milliseconds.
const patience = 30 * time.Second

// Every shape of endless run ends when the flag is set, and a garbage collection completes while it runs.
func TestStop(t *testing.T) {
	bin := rewritten(t, readWasm(t, "endless.wasm"), Options{})
	for _, name := range plainExports(instance(t, bin)) {
		if name == YieldFunc {
			continue // which returns
		}
		t.Run(name, func(t *testing.T) {
			m := instance(t, bin)
			done := make(chan error, 1)
			go func() {
				_, err := m.ExportedFunction(name).Call(context.Background())
				done <- err
			}()
			collect(t, done)
			stopGlobal(t, m).Set(1)
			select {
			case err := <-done:
				if err == nil || !strings.Contains(err.Error(), "unreachable") {
					t.Fatalf("got %v, want a trap", err)
				}
			case <-time.After(patience):
				t.Fatal("the guest did not stop")
			}
		})
	}
}

// collect runs the garbage collector a few times while the guest runs. It fails the process, not the test, if the guest holds it up: no goroutine
// could report that.
func collect(t *testing.T, done chan error) {
	t.Helper()
	for range 3 {
		runtime.GC()
		select {
		case err := <-done:
			t.Fatalf("the guest ended by itself: %v", err)
		default:
		}
	}
}

// A flag that is set before a call stops it at its first look, however short the call is.
func TestStopBeforeCall(t *testing.T) {
	m := instance(t, rewritten(t, readWasm(t, "kernels.wasm"), Options{}))
	stopGlobal(t, m).Set(1)
	if _, err := m.ExportedFunction("xorshift").Call(context.Background()); err == nil {
		t.Error("the call was not stopped")
	}
}

// An instance whose flag was cleared in time goes on as if nothing had been.
func TestStopCleared(t *testing.T) {
	m := instance(t, rewritten(t, readWasm(t, "kernels.wasm"), Options{}))
	stop := stopGlobal(t, m)
	stop.Set(1)
	stop.Set(0)
	for range 3 {
		if _, err := m.ExportedFunction("sum").Call(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// Endless Go code, which loops in ways of its own, is stopped too.
func TestStopGo(t *testing.T) {
	m := instance(t, rewritten(t, readGo(t), Options{}))
	done := make(chan error, 1)
	go func() {
		_, err := m.ExportedFunction("endless").Call(context.Background(), api.EncodeI32(1))
		done <- err
	}()
	collect(t, done)
	stopGlobal(t, m).Set(1)
	select {
	case err := <-done:
		if err == nil {
			t.Fatal("the guest ended by itself")
		}
	case <-time.After(patience):
		t.Fatal("the guest did not stop")
	}
}

// A start function cannot be stopped while an instance is made, so it does not run then.
func TestStartFunction(t *testing.T) {
	bin := file(
		section(secType, 1, 0x60, 0, 0), section(secFunction, 1, 0), section(secMemory, 1, 0, 1), section(secStart, 0),
		section(secCode, 1, 7, 0, opLoop, 0x40, 0x0c, 0, opEnd, opEnd))
	r, err := Module(bin, Options{})
	if err != nil || !r.Start {
		t.Fatal(r, err)
	}
	m := instance(t, r.Binary)
	stopGlobal(t, m).Set(1)
	if _, err := m.ExportedFunction(StartFunc).Call(context.Background()); err == nil {
		t.Error("the start function was not stopped")
	}
}
