package troupe

import (
	inner "github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/validation"
)

// Error is an answer that is not a success: Status, Message, Data (shown below "data"), and a Cause for the log only. A hook or
// a route returns one for what clients may know the reason of.
type Error = httpx.Error

// FieldErrors are failures of fields by name: what a refused Save fails with, and what the Data of an [Error] may hold.
type FieldErrors = validation.Errors

// NewError returns an answer with that status and message; an empty message is the default of the status.
func NewError(status int, message string) *Error { return httpx.NewError(status, message) }

// NewFieldError returns a failure of a field: a code for programs and a sentence for people.
func NewFieldError(code, message string) error { return validation.New(code, message) }

// Outcome is what an error says about whether something was written.
type Outcome = writes.Outcome

const (
	// Judged means that it was refused or failed, and was not written.
	Judged Outcome = writes.Judged
	// NotDone means that there was no room or time; it was not written, so it makes sense to try again.
	NotDone Outcome = writes.NotDone
	// DiskFull means that it was not written, and nothing will be before somebody makes room.
	DiskFull Outcome = writes.DiskFull
	// Unknown means that nobody can say whether it was written.
	Unknown Outcome = writes.Unknown
	// Done means that it was written, and that something after that failed: a hook, the answer.
	Done Outcome = writes.Done
	// Partly means that it was not written, and that something else of the same chain of calls was.
	Partly Outcome = writes.Partly
)

// OutcomeOf returns what an error of a write says about whether it was written; err is not nil.
func OutcomeOf(err error) Outcome { return writes.OutcomeOf(err) }

// Errors to be found with errors.Is.
var (
	// ErrNotOpen says that an [App] was used before it was opened, ErrBegun that it was to be opened a second time.
	ErrNotOpen = inner.ErrNotOpen
	ErrBegun   = inner.ErrBegun

	// ErrNotFound says that there is no such record, ErrNoCollection that there is no such collection, ErrNoFile that there is
	// no such file.
	ErrNotFound     = records.ErrNotFound
	ErrNoCollection = records.ErrNoCollection
	ErrNoFile       = files.ErrNotFound
	// ErrQuery says that a filter or a sort cannot be read, ErrTooMany that a search without a limit found more than [MaxFound].
	ErrQuery   = records.ErrQuery
	ErrTooMany = records.ErrTooMany
	// ErrReferenced says that a record cannot be deleted as others need it.
	ErrReferenced = records.ErrReferenced

	// ErrTransactionTimeout says that a transaction was held for too long, ErrTransactionShared that it was used by several goroutines
	// at once. Nothing of it was written. ErrTransactionOver says that one was used after its end.
	ErrTransactionTimeout = writes.ErrTransactionTimeout
	ErrTransactionShared  = writes.ErrTransactionShared
	ErrTransactionOver    = writes.ErrTransactionOver
	// ErrInTransaction says that collections or settings were to be changed inside of a transaction, which cannot be.
	ErrInTransaction = writes.ErrInTransaction
	// ErrDepth says that hooks wrote from within one another too often, ErrReadOnly that one wanted to write while a record was shown.
	ErrDepth    = writes.ErrDepth
	ErrReadOnly = writes.ErrReadOnly

	// ErrSlow says that a [Subscription] was not read in time and has lost changes; whoever needs them reads the records again.
	ErrSlow = realtime.ErrSlow
	// ErrEnded says that a [Subscription] was closed, or the [App] was that something was asked of.
	ErrEnded = realtime.ErrClosed
	// ErrTooManySubscriptions says that there is no room for another one.
	ErrTooManySubscriptions = realtime.ErrTooManyFeeds
)
