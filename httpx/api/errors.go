package api

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// tooBusy is said where something was not done for lack of room or time.
const tooBusy = "The server is too busy, please try again."

// tookTooLong is said where a read was stopped at its limit.
const tookTooLong = "The request took too long to read and was stopped."

// outcomeUnknown is said where the disk failed in a way that hides what is on it. Who tried again unseen might write twice.
const outcomeUnknown = "The outcome is not known: it may have been written or not. Look before you try again."

// retryAfter is what a client that was turned away for lack of room is told to wait.
const retryAfter = time.Second

// mapError is the one table from errors of the layers below to answers. nil means an error it does not know.
func mapError(err error) *httpx.Error {
	if writes.OutcomeOf(err) == writes.Unknown { // whatever else was said of it
		return httpx.NewError(http.StatusInternalServerError, outcomeUnknown).Because(err)
	}
	if e, ours := hookError(err); ours {
		return e
	}
	if limit := (*expand.LimitError)(nil); errors.As(err, &limit) {
		return httpx.NewError(http.StatusBadRequest, limit.Error()).Because(err)
	}
	if full := (*budget.FullError)(nil); errors.As(err, &full) {
		if full.Client {
			return &httpx.Error{Status: http.StatusTooManyRequests, Message: "Too many large answers at once for your address.", RetryAfter: retryAfter, Cause: err}
		}
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: "Too many large answers at once.", RetryAfter: retryAfter, Cause: err}
	}
	switch writes.OutcomeOf(err) {
	case writes.NotDone:
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: tooBusy, RetryAfter: retryAfter, Cause: err}
	case writes.DiskFull:
		return httpx.DiskFull(err)
	}
	switch {
	case errors.Is(err, records.ErrForbidden):
		return httpx.NewError(http.StatusForbidden, "Only superusers can perform this action.").Because(err)
	case errors.Is(err, filter.ErrCollectionFilter):
		return httpx.NewError(http.StatusForbidden, "Only superusers can filter by @collection.").Because(err)
	case errors.Is(err, filter.ErrRequestFilter):
		return httpx.NewError(http.StatusForbidden, "Only superusers can filter by @request.").Because(err)
	case errors.Is(err, records.ErrNotFound), errors.Is(err, records.ErrNoCollection):
		return httpx.NewError(http.StatusNotFound, "").Because(err)
	case errors.Is(err, records.ErrView):
		return httpx.NewError(http.StatusBadRequest, "Unsupported collection type.").Because(err)
	case errors.Is(err, records.ErrLastSuperuser):
		return httpx.NewError(http.StatusBadRequest, records.ErrLastSuperuser.Error()).Because(err)
	case errors.Is(err, records.ErrReferenced):
		return httpx.NewError(http.StatusBadRequest, "Failed to delete record. Make sure that the record is not part of a required relation reference.").Because(err)
	case errors.Is(err, records.ErrTooBig):
		return httpx.NewError(http.StatusBadRequest, "The record cannot be deleted at once: too many others would be deleted or changed with it. Delete those first.").Because(err)
	case isTooLong(err):
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: tookTooLong, RetryAfter: retryAfter, Cause: err}
	case errors.Is(err, records.ErrQuery), errors.Is(err, sqlite.ErrInterrupted):
		return httpx.NewError(http.StatusBadRequest, "").Because(err)
	}
	return nil
}

// general tells whether a failure says nothing about what was asked, so that it has the same answer on every route, whatever
// a route says of its own failures.
func general(err error) bool { return serverSide(err) || errors.Is(err, records.ErrForbidden) }

// serverSide tells whether a failure is the server's want of room, time or certainty.
func serverSide(err error) bool {
	switch writes.OutcomeOf(err) {
	case writes.NotDone, writes.DiskFull, writes.Unknown:
		return true
	}
	return false
}

// isTooLong tells whether something was not done because a read took longer than it may.
func isTooLong(err error) bool {
	return errors.Is(err, sqlite.ErrInterrupted) && writes.OutcomeOf(err) != writes.Done
}

// hookError is the answer to an error that a hook made (extension-surface.md 5). ours is false for other errors. Of what
// failed inside of the hook a client sees nothing, unless the hook says so with an error of its own.
func hookError(err error) (shown *httpx.Error, ours bool) {
	var rejection *hooks.Rejection
	if errors.As(err, &rejection) {
		e := httpx.NewError(rejection.Status, rejection.Message).Because(err)
		if e.Status == 0 {
			e.Status = http.StatusBadRequest
		}
		if len(rejection.Fields) > 0 {
			e.Data = rejection.Fields
		}
		return e, true
	}
	var made *hooks.Error
	var fault *wasmhost.Fault
	var panicked *routine.Panic
	if !errors.As(err, &made) || errors.As(err, &fault) || errors.As(err, &panicked) {
		return nil, false
	}
	var own *httpx.Error
	switch {
	case errors.As(err, &own):
		return own, true
	case serverSide(err), writes.Lacks(err):
		return nil, false
	case errors.Is(err, records.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return httpx.NewError(http.StatusNotFound, "").Because(err), true
	}
	return httpx.NewError(http.StatusBadRequest, "").Because(err), true
}

// saveError is mapError for a write whose failures all carry one message.
func saveError(err error, message string) error {
	if writes.OutcomeOf(err) == writes.Unknown {
		return err
	}
	if rejection := (*hooks.Rejection)(nil); errors.As(err, &rejection) {
		if rejection.Message != "" || len(rejection.Fields) == 0 {
			message = rejection.Message // empty is the default of the status
		}
		return &httpx.Error{Status: cmp.Or(rejection.Status, http.StatusBadRequest), Message: message, Data: rejection.Fields, Cause: err}
	}
	var fields validation.Errors
	if errors.As(err, &fields) {
		return httpx.Invalid(message, fields)
	}
	// files.ErrNotFound: an upload for an id under which nothing can be stored, and so nothing is.
	if errors.Is(err, records.ErrRule) || errors.Is(err, records.ErrTable) || errors.Is(err, files.ErrNotFound) {
		return httpx.NewError(http.StatusBadRequest, message).Because(err)
	}
	return err
}
