package writes

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// Outcome is what an error says about whether something was done. Everybody who has to tell it, to clients, extensions or
// programs, asks [OutcomeOf].
type Outcome int

const (
	// Judged is every failure that is about what was asked, or a fault of the server; it was not done.
	Judged Outcome = iota
	// NotDone means that there was no room or time; nothing was written, so it makes sense to try again.
	NotDone
	// DiskFull means that the server's disk is full; nothing was written, and nothing will be before somebody makes room.
	DiskFull
	// Unknown means that nobody can say now whether it was written.
	Unknown
	// Done means that it was written, and that something after that failed: a hook, the answer.
	Done
	// Partly means that it was not written, and that something else of the same chain of calls was: a write of a hook, for example.
	// Who tries again may do that twice.
	Partly
)

// OutcomeOf returns what err, which is not nil, says about whether something was done. Who wraps several errors means the
// worst of them: a doubt is stronger than the certainty that nothing was written.
func OutcomeOf(err error) Outcome {
	var written *WrittenError
	var partly *PartlyError
	switch {
	case errors.Is(err, sqlite.ErrOutcomeUnknown):
		return Unknown
	case errors.As(err, &written):
		return Done
	case errors.As(err, &partly):
		return Partly
	case errors.Is(err, sqlite.ErrDiskFull), files.IsFull(err):
		return DiskFull
	case Lacks(err):
		return NotDone
	}
	return Judged
}

// Lacks tells whether there was no room or time for something, which need not be the write: that may be done.
func Lacks(err error) bool {
	for _, lack := range [...]error{
		sqlite.ErrBusy, sqlite.ErrNotWritten, sqlite.ErrClosed, context.DeadlineExceeded, auth.ErrBusy, oauth2.ErrBusy, ErrTransactionTimeout,
		wasmhost.ErrTimeout, wasmhost.ErrSuspended, wasmhost.ErrBusy, wasmhost.ErrClosed,
	} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}
