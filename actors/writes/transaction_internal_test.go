package writes

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/internal/routine"
)

// TestPanicOutside: a panic of user code in the middle of a command leaves the transaction locked by the command, whose
// release would end the process otherwise.
func TestPanicOutside(t *testing.T) {
	x := new(transaction)
	x.mu.Lock()
	if p := (*routine.Panic)(nil); !errors.As(x.outside(func() error { panic("boom") }), &p) {
		t.Error("the panic is lost")
	}
	if x.mu.TryLock() {
		t.Error("it is not locked any more")
	}
}
