package api

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// tooBusy is said where something was not done for lack of room or time.
const tooBusy = "The server is too busy, please try again."

// tookTooLong is said where a read was stopped at its limit.
const tookTooLong = "The request took too long to read and was stopped."

// outcomeUnknown is said where the disk failed in a way that hides what is on it. Who tried again unseen might write twice.
const outcomeUnknown = "The outcome is not known: it may have been written or not. Look before you try again."

// partlyDone is said where there was no room or time for all of it, and something else of the same request was written by then.
const partlyDone = "The request could not be completed, and a part of it was written already. Look before you try again."

// retryAfter is what a client that was turned away for lack of room is told to wait.
const retryAfter = time.Second

// answer is what is said of an error of the layers below. An empty message is the default of the status; a 503 says when to come back.
type answer struct {
	err     error
	status  int
	message string
}

// answers is the one table from errors that say nothing but what they are to answers. The first row that fits counts. What an error
// says beyond that is read in [mapError]; what a route says of its own failures stands in operations.go.
var answers = [...]answer{
	// A sign-in says in its own words what a rule or a record of it failed with, so these stand first.
	{signin.ErrPasswordOff, http.StatusForbidden, "The collection is not configured to allow password authentication."},
	{signin.ErrOTPOff, http.StatusForbidden, "The collection is not configured to allow OTP authentication."},
	{signin.ErrOAuth2Off, http.StatusForbidden, "The collection is not configured to allow OAuth2 authentication."},
	{signin.ErrCredentials, http.StatusBadRequest, authFailed},
	{signin.ErrOTP, http.StatusBadRequest, "Invalid or expired OTP."},
	{signin.ErrAttempts, http.StatusTooManyRequests, "Too many attempts, please try again later with a new OTP."},
	{signin.ErrAddress, http.StatusForbidden, ""},
	{signin.ErrAuthRule, http.StatusForbidden, "The request doesn't satisfy the collection requirements to authenticate."},
	{signin.ErrMFARule, http.StatusBadRequest, authFailed},
	{signin.ErrMFAID, http.StatusBadRequest, "Failed to read MFA Id."},
	{signin.ErrMFASession, http.StatusBadRequest, "Invalid or expired MFA session."},
	{signin.ErrMFARecord, http.StatusBadRequest, "Invalid MFA session."},
	{signin.ErrMFAMethod, http.StatusBadRequest, "A different authentication method is required."},
	{oauth2.ErrToken, http.StatusBadRequest, "Failed to fetch OAuth2 token."},
	{oauth2.ErrUser, http.StatusBadRequest, "Failed to fetch OAuth2 user."},

	{records.ErrNotFound, http.StatusNotFound, ""},
	{records.ErrNoCollection, http.StatusNotFound, ""},
	{records.ErrForbidden, http.StatusForbidden, "Only superusers can perform this action."},
	{filter.ErrCollectionFilter, http.StatusForbidden, "Only superusers can filter by @collection."},
	{filter.ErrRequestFilter, http.StatusForbidden, "Only superusers can filter by @request."},
	{records.ErrView, http.StatusBadRequest, "Unsupported collection type."},
	{records.ErrLastSuperuser, http.StatusBadRequest, records.ErrLastSuperuser.Error()},
	{records.ErrReferenced, http.StatusBadRequest, "Failed to delete record. Make sure that the record is not part of a required relation reference."},
	{records.ErrTooBig, http.StatusBadRequest, "The record cannot be deleted at once: too many others would be deleted or changed with it. Delete those first."},
	{records.ErrQuery, http.StatusBadRequest, ""},
	{sqlite.ErrInterrupted, http.StatusBadRequest, ""}, // after a write; otherwise it took too long

	{schema.ErrTypeData, http.StatusBadRequest, "Failed to load the collection type data due to invalid formatting."},
	{schema.ErrData, http.StatusBadRequest, "Failed to load the submitted data due to invalid formatting."},
	{schema.ErrNotFound, http.StatusNotFound, ""},
	{calls.ErrNotFound, http.StatusNotFound, ""},

	{realtime.ErrStale, http.StatusServiceUnavailable, tooBusy},
	{realtime.ErrUnknownClient, http.StatusNotFound, "Missing or invalid client id."},
	{realtime.ErrOtherAddress, http.StatusBadRequest, "Invalid realtime client."},
	{realtime.ErrOtherIdentity, http.StatusForbidden, "The current and the previous request authorization don't match."},
}

// findAnswer returns the answer of the first row that fits an error, nil for none.
func findAnswer(rows []answer, err error) *httpx.Error {
	for i := range rows {
		row := &rows[i]
		if !errors.Is(err, row.err) {
			continue
		}
		e := &httpx.Error{Status: row.status, Message: row.message, Cause: err}
		if row.status == http.StatusServiceUnavailable {
			e.RetryAfter = retryAfter
		}
		return e
	}
	return nil
}

// mapError is the answer to an error of the layers below: first to what it says of the outcome, then to what it is. nil means an
// error that it does not know.
func mapError(err error) *httpx.Error {
	if writes.OutcomeOf(err) == writes.Unknown { // whatever else was said of it
		return httpx.NewError(http.StatusInternalServerError, outcomeUnknown).Because(err)
	}
	if writes.OutcomeOf(err) == writes.Partly {
		return httpx.NewError(http.StatusInternalServerError, partlyDone).Because(err)
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
		wait := retryAfter
		if who := (*wasmhost.SuspendedError)(nil); errors.As(err, &who) {
			wait = max(wait, who.For)
		}
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: tooBusy, RetryAfter: wait, Cause: err}
	case writes.DiskFull:
		return httpx.DiskFull(err)
	}
	if isTooLong(err) {
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: tookTooLong, RetryAfter: retryAfter, Cause: err}
	}
	if referenced := (*schema.ReferencedError)(nil); errors.As(err, &referenced) {
		return httpx.NewError(http.StatusBadRequest, "Failed to delete collection probably due to existing reference in "+strings.Join(referenced.Names, ", ")).Because(err)
	}
	return findAnswer(answers[:], err)
}

// general tells whether a failure says nothing about what was asked, so that it has the same answer on every route, whatever
// a route says of its own failures.
func general(err error) bool { return serverSide(err) || errors.Is(err, records.ErrForbidden) }

// serverSide tells whether a failure is the server's want of room, time or certainty.
func serverSide(err error) bool {
	switch writes.OutcomeOf(err) {
	case writes.NotDone, writes.DiskFull, writes.Unknown, writes.Partly:
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
