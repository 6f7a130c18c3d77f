package filter

import (
	"errors"
	"fmt"
)

// maxComparisons is how many comparisons one expression may have (filters.md 11).
const maxComparisons = 200

// MaxClientFilter is how many bytes the filter parameter may have.
const MaxClientFilter = 3500

// maxSorts is how many fields a sort may have, maxSort how many bytes each of them.
const (
	maxSorts = 8
	maxSort  = 255
)

// maxDepth bounds nested groups, so that no expression can exhaust the stack.
const maxDepth = 2000

// maxScanned bounds the bytes that are looked at for one expression. The text of a group is looked at once for each
// bracket around it, so that deep nesting of a long text would cost seconds.
const maxScanned = 16 << 20

// Error says why an expression cannot be used. Its text is shown to the superuser who saves a rule; clients who send a
// filter never see it.
type Error struct{ text string }

// Error returns the reason in the words that collections.md 10 lists.
func (e *Error) Error() string { return e.text }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// ErrCollectionFilter and ErrRequestFilter say that somebody other than a superuser used @collection.* or @request.* in
// a filter or sort.
var (
	ErrCollectionFilter = errors.New("only superusers can filter by @collection")
	ErrRequestFilter    = errors.New("only superusers can filter by @request")
)
