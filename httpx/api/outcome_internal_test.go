package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestLaw3Answers: 503 means that nothing was written, a doubt is a 500 that says so, and a full disk is told. The table holds
// however the error is wrapped on its way.
func TestLaw3Answers(t *testing.T) {
	enospc := &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	tests := []struct {
		err     error
		status  int
		message string
	}{
		{sqlite.ErrBusy, 503, tooBusy}, {sqlite.ErrNotWritten, 503, tooBusy}, {sqlite.ErrClosed, 503, tooBusy},
		{writes.ErrTransactionTimeout, 503, tooBusy}, {context.DeadlineExceeded, 503, tooBusy},
		{sqlite.ErrDiskFull, 507, "The server's disk is full, nothing was written."}, {enospc, 507, "The server's disk is full, nothing was written."},
		{&writes.PartlyError{Err: sqlite.ErrBusy}, 500, partlyDone}, {&writes.PartlyError{Err: sqlite.ErrDiskFull}, 500, partlyDone},
		{&writes.PartlyError{Err: sqlite.ErrInterrupted}, 500, partlyDone}, {&writes.PartlyError{Err: context.DeadlineExceeded}, 500, partlyDone},
		{sqlite.ErrOutcomeUnknown, 500, outcomeUnknown},
		{errors.Join(sqlite.ErrOutcomeUnknown, sqlite.ErrNotWritten), 500, outcomeUnknown},
		{errors.Join(sqlite.ErrBusy, sqlite.ErrOutcomeUnknown, &hooks.Rejection{Status: 418}), 500, outcomeUnknown},
	}
	wraps := map[string]func(err error) error{
		"bare":       func(err error) error { return err },
		"wrapped":    func(err error) error { return fmt.Errorf("doing: %w", err) },
		"of a hook":  func(err error) error { return &hooks.Error{Handler: "h", Err: err} },
		"of a batch": func(err error) error { return &records.BatchError{Index: 1, Err: err} },
	}
	for how, wrap := range wraps {
		for _, test := range tests {
			e := mapError(creatingRecord.failed(wrap(test.err)))
			if e == nil || e.Status != test.status || e.Message != test.message || (e.RetryAfter > 0) != (test.status == 503) {
				t.Errorf("%s, %v: %+v", how, test.err, e)
			}
		}
	}
	for _, err := range []error{sqlite.ErrBusy, sqlite.ErrNotWritten, context.DeadlineExceeded} {
		if e := mapError(writes.Written(err)); e != nil && e.Status == 503 {
			t.Errorf("what failed after a write is told to be tried again: %v", err)
		}
	}
}
