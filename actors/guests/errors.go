package guests

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// known makes an error one that a guest may know about; others stay as they are, for the log.
func known(err error) error {
	var fields validation.Errors
	var no *hooks.Rejection
	if err == nil {
		return nil
	}
	outcome := writes.OutcomeOf(err)
	switch {
	case errors.As(err, &no):
		return refused(no)
	case errors.As(err, &fields):
		return refused(&hooks.Rejection{Status: http.StatusBadRequest, Fields: fields})
	case outcome == writes.Done: // not BUSY, which means that nothing was
		return errors.New("after a write: " + err.Error())
	case outcome == writes.Partly: // not BUSY either: who tried all of it again would do the rest twice
		return &wasmhost.Error{Errno: wasmhost.Internal, Message: err.Error()}
	case outcome == writes.Unknown:
		return &wasmhost.Error{Errno: wasmhost.Internal, Message: "the outcome is not known: it may have been written or not"}
	case outcome == writes.DiskFull:
		return &wasmhost.Error{Errno: wasmhost.Busy, Message: "the server's disk is full, nothing was written"}
	}
	if class := classOf(err); class != 0 {
		return &wasmhost.Error{Errno: class, Message: err.Error(), Refusal: ruled(err)}
	}
	return err
}

// ruled is the refusal in an error of the data itself: a rule's, or that of a record that is not there. What the extension may not do, or asked for
// in a wrong way, is no refusal but its own mistake.
func ruled(err error) *wasmhost.Rejection {
	status := 0
	switch {
	case errors.Is(err, records.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, records.ErrForbidden):
		status = http.StatusForbidden
	case errors.Is(err, records.ErrRule), errors.Is(err, records.ErrReferenced), errors.Is(err, records.ErrLastSuperuser):
		status = http.StatusBadRequest
	default:
		return nil
	}
	return &wasmhost.Rejection{Status: status}
}

// classOf is the class of what a guest may know about in the error's own words; 0 for none.
func classOf(err error) wasmhost.Errno {
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
	switch {
	case is(records.ErrNotFound, records.ErrNoCollection, fs.ErrNotExist):
		return wasmhost.NotFound
	case is(ErrNotPermitted, ErrCredential, records.ErrForbidden, records.ErrRule, filter.ErrCollectionFilter, filter.ErrRequestFilter):
		return wasmhost.Forbidden
	case writes.OutcomeOf(err) == writes.NotDone, is(sqlite.ErrInterrupted):
		return wasmhost.Busy
	case is(writes.ErrDepth, records.ErrTooMany):
		return wasmhost.Limit
	case is(writes.ErrReadOnly):
		return wasmhost.Context
	case is(records.ErrQuery, records.ErrView):
		return wasmhost.Invalid
	case is(records.ErrReferenced, records.ErrLastSuperuser):
		return wasmhost.Failed
	}
	return 0
}

// knownSQL is [known] for statements. SQLite's own words help whoever wrote the statement, and tell nothing that the guest could
// not read.
func knownSQL(err error) error {
	var class wasmhost.Errno
	var unique *sqlite.UniqueError
	var own *StatementError
	switch {
	case !errors.As(err, &own):
		return known(err)
	case errors.Is(err, sqlite.ErrDenied):
		class = wasmhost.Forbidden
	case errors.As(err, &unique), zsqlite.ErrCode(err).ToPrimary() == zsqlite.ResultConstraint:
		class = wasmhost.Failed
	case errors.Is(err, sqlite.ErrTooLarge), errors.Is(err, ErrStatementTime):
		class = wasmhost.Limit
	case errors.Is(err, sqlite.ErrInterrupted):
		class = wasmhost.Busy
	case errors.Is(err, sqlite.ErrSeveral), errors.Is(err, sqlite.ErrEmptyQuery), errors.Is(err, sqlite.ErrParameters),
		zsqlite.ErrCode(err).ToPrimary() == zsqlite.ResultError:
		class = wasmhost.Invalid
	default:
		return known(err)
	}
	return &wasmhost.Error{Errno: class, Message: err.Error()}
}

// refused is a refusal as a guest gets it: the class and what it can read of it, and the refusal itself to pass on.
func refused(no *hooks.Rejection) error {
	status := no.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	e := &wasmhost.Error{Errno: wasmhost.Failed, Message: no.Message,
		Refusal: &wasmhost.Rejection{Status: status, Message: no.Message, Fields: failures(no.Fields), Cause: no}}
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		e.Errno = wasmhost.Forbidden
	case http.StatusNotFound:
		e.Errno = wasmhost.NotFound
	default:
		text, err := json.Marshal(no.Fields)
		if err != nil {
			return err
		}
		e.Message = string(text)
	}
	return e
}

func failures(fields validation.Errors) map[string]wasmhost.FieldFailure {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]wasmhost.FieldFailure, len(fields))
	for name, err := range fields {
		failure := validation.Invalid
		_ = errors.As(err, &failure)
		out[name] = wasmhost.FieldFailure{Code: failure.Code, Message: failure.Message}
	}
	return out
}

// Rejection is a guest's no as hooks say it. What a guest passed on is what it was.
func Rejection(no *wasmhost.Rejection) error {
	if first := (*hooks.Rejection)(nil); errors.As(no.Cause, &first) {
		return first
	}
	out := &hooks.Rejection{Status: no.Status, Message: no.Message}
	for name, failure := range no.Fields {
		if out.Fields == nil {
			out.Fields = make(validation.Errors, len(no.Fields))
		}
		out.Fields[name] = validation.New(failure.Code, failure.Message)
	}
	return out
}

// tooLate makes a failure for want of time or room a fault: what the hook was about has happened, so nobody must be told to
// try again.
func tooLate(err error) error {
	var no *wasmhost.Rejection
	if errors.As(err, &no) {
		return err
	}
	return &wasmhost.Fault{Kind: wasmhost.Limited, Message: err.Error()}
}
