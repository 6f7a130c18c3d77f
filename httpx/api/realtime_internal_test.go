package api

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/budget"
)

// What does not fit answers with a status that tells whether it is worth another try.
func TestStatusOfRefusedTopics(t *testing.T) {
	for want, err := range map[int]error{
		400: &realtime.LimitError{Whose: realtime.OfStream, Key: "a", Max: 1, Wanted: 2},
		429: &realtime.LimitError{Whose: realtime.OfClient, Key: "a", Max: 1, Wanted: 2},
		413: &budget.FullError{Share: "topics", Limit: 1, Wanted: 2},
		503: &budget.FullError{Share: "topics", Limit: 3, Wanted: 2},
	} {
		if got := statusOf(t, refusedTopics(err)); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if got := statusOf(t, refusedTopics(&budget.FullError{Share: "topics", Client: true, Limit: 3, Wanted: 2})); got != 429 {
		t.Errorf("a client's part: %d", got)
	}
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	var e *httpx.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no answer", err)
	}
	return e.Status
}
