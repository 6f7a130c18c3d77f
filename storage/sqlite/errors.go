package sqlite

import (
	"errors"
	"fmt"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"
)

var (
	// ErrBusy means that a queue or the pool of Readers is full, or that another process held the file for too long. Nothing was done.
	ErrBusy = errors.New("sqlite: busy")
	// ErrClosed means that the database was closed before the work began. Nothing was done.
	ErrClosed = errors.New("sqlite: closed")
	// ErrNotWritten means that a unit left the queue before it began, because its deadline passed or its caller gave up.
	ErrNotWritten = errors.New("sqlite: not written")
	// ErrOutcomeUnknown means that COMMIT failed and the file could not be asked afterwards: the unit may have been written or not. An error
	// that is this one is none of the others here, whatever caused it.
	ErrOutcomeUnknown = errors.New("sqlite: outcome unknown")
	// ErrDiskFull means that there was no room left on the disk for what had to be written. Nothing was written.
	ErrDiskFull = errors.New("sqlite: the disk is full")
	// ErrInterrupted means that a read took longer than it may, or that its caller gave up.
	ErrInterrupted = errors.New("sqlite: interrupted")
	// ErrLocked means that another server uses the data directory.
	ErrLocked = errors.New("sqlite: the data directory is in use by another server")
)

// errTransactionEnded is what a unit gets that ended the transaction it ran in, although it reported success.
var errTransactionEnded = errors.New("sqlite: the unit ended its transaction")

// unknownError is [ErrOutcomeUnknown] with what led to it. The causes are for people: they cannot be asked for with errors.Is or errors.As, since each
// of them may stand for "not written" elsewhere.
type unknownError struct{ cause error }

func (e *unknownError) Error() string { return ErrOutcomeUnknown.Error() + ": " + e.cause.Error() }

func (e *unknownError) Is(target error) bool { return target == ErrOutcomeUnknown }

// UniqueError is a violated UNIQUE or PRIMARY KEY constraint, recognised from SQLite's message.
type UniqueError struct {
	// Columns are the columns of the index as "table.column"; empty when the index is over an expression.
	Columns []string
	// Index is the index's name; SQLite tells it only for an index over an expression.
	Index string
	cause error
}

// Error returns SQLite's message.
func (e *UniqueError) Error() string { return e.cause.Error() }

// Unwrap returns the error as it came from SQLite.
func (e *UniqueError) Unwrap() error { return e.cause }

// Classify returns err with the failures that callers tell apart made recognisable: a violated unique constraint becomes a [*UniqueError],
// a disk without room [ErrDiskFull]. [Tx.Exec] and everything that answers a unit have done so already; it is for errors of a statement
// that [Work] stepped itself. Classifying twice does no harm.
func Classify(err error) error {
	if err == nil {
		return nil
	}
	if u := (*UniqueError)(nil); errors.As(err, &u) || errors.Is(err, ErrDiskFull) {
		return err
	}
	switch code := zsqlite.ErrCode(err); code {
	case zsqlite.ResultConstraintUnique, zsqlite.ResultConstraintPrimaryKey, zsqlite.ResultConstraintRowID:
		return parseUnique(err)
	case zsqlite.ResultFull:
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

func parseUnique(err error) error {
	const marker = "UNIQUE constraint failed: "
	e := &UniqueError{cause: err}
	own := failureOf(err)
	if own == nil {
		return e
	}
	_, list, found := strings.Cut(own.Error(), marker)
	if !found {
		return e
	}
	if name, ok := strings.CutPrefix(list, "index '"); ok {
		e.Index = strings.TrimSuffix(name, "'")
		return e
	}
	e.Columns = strings.Split(list, ", ")
	return e
}

// isCode reports whether err came from SQLite with the given primary code.
func isCode(err error, code zsqlite.ResultCode) bool {
	return err != nil && zsqlite.ErrCode(err).ToPrimary() == code
}
