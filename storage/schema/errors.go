package schema

import (
	"errors"
	"strings"
)

// Errors of changes of the schema. What a client did wrong with a value is a validation.Errors instead.
var (
	// ErrNotFound is returned for a collection that does not exist.
	ErrNotFound = errors.New("collection not found")
	// ErrSystem is returned when a system collection is to be deleted.
	ErrSystem = errors.New("system collections cannot be deleted")
	// ErrViewNeeds is returned when a collection is to be deleted that a view reads.
	ErrViewNeeds = errors.New("a view depends on the collection")
)

// RawError is a failure whose text clients are shown after "Raw error:".
type RawError struct{ Err error }

// Error returns the text.
func (e *RawError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RawError) Unwrap() error { return e.Err }

// ReferencedError says which collections have a relation to the one that was to be deleted.
type ReferencedError struct{ Names []string }

// Error lists the collections.
func (e *ReferencedError) Error() string {
	return "referenced by " + strings.Join(e.Names, ", ")
}
