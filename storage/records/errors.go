package records

import (
	"errors"
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite"
)

// The reasons for which a read or write is refused. What a client is told of them is the HTTP layer's business.
// Failed validation is a validation.Errors instead.
var (
	// ErrNotFound says that there is no such record, or none that the rule lets the caller see.
	ErrNotFound = errors.New("record not found")
	// ErrNoCollection says that the collection does not exist (any more).
	ErrNoCollection = errors.New("collection not found")
	// ErrForbidden says that the rule is null and the caller no superuser.
	ErrForbidden = errors.New("only superusers can perform this action")
	// ErrRule says that the record to be created does not meet the create rule.
	ErrRule = errors.New("create rule not met")
	// ErrTokenKey says that the record's tokens have ended before the write.
	ErrTokenKey = errors.New("the record has another token key")
	// ErrQuery says that filter, sort or rule of a list cannot be evaluated. It wraps the reason.
	ErrQuery = errors.New("invalid query")
	// ErrView says that records of a view collection cannot be written.
	ErrView = errors.New("unsupported collection type")
	// ErrReferenced says that a required reference keeps a record from being deleted.
	ErrReferenced = errors.New("the record is part of a required reference")
	// ErrLastSuperuser says that the only superuser cannot be deleted.
	ErrLastSuperuser = errors.New("you can't delete the only existing superuser")
)

// failure says what kind of failure of a statement that holds a rule, filter or sort err is: [ErrQuery] when the
// expression cannot be evaluated; otherwise the database failed, which says nothing about the expression.
func failure(err error) error {
	if errors.Is(err, sqlite.ErrInterrupted) {
		return err
	}
	switch zsqlite.ErrCode(err).ToPrimary() {
	case zsqlite.ResultError, zsqlite.ResultMismatch, zsqlite.ResultTooBig, zsqlite.ResultRange:
		return fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return fmt.Errorf("run query: %w", err)
}

// refused turns a rule that cannot be evaluated into one that is not met, which is what because says. Other errors stay.
func refused(err, because error) error {
	if errors.Is(err, ErrQuery) {
		return fmt.Errorf("%w: %w", because, err)
	}
	return err
}
