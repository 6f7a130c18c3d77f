package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/troupebase/troupe/wasmhost"
)

// TestRetryAfterASuspension: who is refused is told when it is over.
func TestRetryAfterASuspension(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{0: time.Second, 20 * time.Second: 20 * time.Second} {
		err := fmt.Errorf("hook: %w", &wasmhost.SuspendedError{Extension: "x", What: "record.create", For: left})
		if e := mapError(err); e == nil || e.Status != http.StatusServiceUnavailable || e.RetryAfter != want {
			t.Errorf("%v: %+v", left, e)
		}
	}
}
