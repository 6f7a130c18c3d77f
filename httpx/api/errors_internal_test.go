package api

import (
	"errors"
	"fmt"
	"testing"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// What a client does wrong in a write is a 400 under the write's own message, never a failure of the server.
func TestFailuresOfAWrite(t *testing.T) {
	for _, err := range []error{records.ErrRule, records.ErrTable, files.ErrNotFound, validation.Errors{"id": validation.NotUnique}} {
		var e *httpx.Error
		if !errors.As(creatingRecord.failed(fmt.Errorf("wrapped: %w", err)), &e) || e.Status != 400 || e.Message != creatingRecord.message {
			t.Errorf("%v became %+v", err, e)
		}
	}
	other := errors.New("disk on fire")
	if got := creatingRecord.failed(other); got != other {
		t.Errorf("an unknown error became %v", got)
	}
}

// A read that took too long or found no place is the server's limit: 503, when to come back, and words that say which of the two it was.
func TestMapError_ReadsThatWereStopped(t *testing.T) {
	for _, c := range []struct {
		err     error
		message string
	}{
		{sqlite.ErrInterrupted, tookTooLong},
		{sqlite.ErrBusy, tooBusy},
	} {
		e := mapError(fmt.Errorf("list records: %w", c.err))
		if e == nil || e.Status != 503 || e.Message != c.message || e.RetryAfter <= 0 {
			t.Errorf("%v became %+v", c.err, e)
		}
	}
}
