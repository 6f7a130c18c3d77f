package realtime

import (
	"log/slog"
	"testing"
)

// Law 12: a goroutine that panics ends alone, and is not waited for in vain. (That none starts in another way is a test of package routine.)
func TestLaw12PanicEndsOneGoroutine(t *testing.T) {
	h := alone(nil).hub
	h.opts.Logger = slog.New(slog.DiscardHandler)
	h.run("fail", func() { panic("on purpose") })
	h.running.Wait()
	done := make(chan struct{})
	h.alone("fail", func() { defer close(done); panic("on purpose") })
	<-done
}
