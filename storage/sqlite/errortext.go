package sqlite

import (
	"fmt"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"
)

// Told returns err with the text that those who wrote a statement are shown, when it is a failure of SQLite: kind, message and
// extended code, as "SQL logic error: no such column: x (1)". Of what was being done when it failed nothing is left in the
// text. Other errors are returned as they are.
func Told(err error) error {
	own := failureOf(err)
	if own == nil {
		return err
	}
	return &toldError{err, fmt.Sprintf("%s (%d)", own.Error(), int32(zsqlite.ErrCode(own)))}
}

type toldError struct {
	error
	text string
}

// Error returns the text for those who wrote the statement.
func (e *toldError) Error() string { return e.text }

// Unwrap returns the error with all that it says.
func (e *toldError) Unwrap() error { return e.error }

// failureOf finds the first failure of SQLite itself in an error, nil when there is none. Its type is not exported, but its text
// begins with its kind.
func failureOf(err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case interface{ Unwrap() error }:
		return failureOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if own := failureOf(inner); own != nil {
				return own
			}
		}
		return nil
	}
	if !strings.HasPrefix(err.Error(), zsqlite.ErrCode(err).Message()) {
		return nil
	}
	return err
}
