package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// operation is what a route was about when it failed. What was wrong with the request is told in its words; any other error is
// answered as everywhere else, see [mapError].
type operation struct {
	// saves says that fields, rules and hooks may refuse, which is told with message; an empty one is the default of the status.
	saves   bool
	message string
	// form is said of a form that does not hold up.
	form string
	// rows count for this operation only, before those of the table.
	rows []answer
	// own answers what needs more than a row; it returns nil for other errors.
	own func(err error) *httpx.Error
	// otherwise is said of all that is left and is not the server's fault, but for what leaves names; empty leaves all to the table.
	// raw adds the text of the error.
	otherwise string
	raw       func(err error) string
	leaves    []error
}

// Messages of several operations.
const (
	loadFailed     = "An error occurred while loading the submitted data."
	validateFailed = "An error occurred while validating the submitted data."
	authFailed     = "Failed to authenticate."
)

// The operations of the API, by resource.
var (
	creatingRecord = operation{saves: true, message: "Failed to create record."}
	updatingRecord = operation{saves: true, message: "Failed to update record."}
	deletingRecord = operation{}
	runningBatch   = operation{otherwise: "Batch transaction failed."}

	// Whether a file is there is nobody's business who may not see the record.
	sendingFile = operation{rows: []answer{{files.ErrNotFound, http.StatusNotFound, ""}, {records.ErrForbidden, http.StatusNotFound, ""}}}

	creatingCollection   = schemaOperation("Failed to create collection.")
	updatingCollection   = schemaOperation("Failed to update collection.")
	importingCollections = schemaOperation("Failed to import collections.")
	deletingCollection   = operation{otherwise: "Failed to delete collection.", leaves: []error{schema.ErrNotFound}}
	truncatingCollection = operation{
		otherwise: "Failed to truncate collection (most likely due to required cascade delete record references).", leaves: []error{records.ErrTooBig},
	}
	tryingView = operation{otherwise: "Invalid view query. Raw error: \n", raw: error.Error}
	runningSQL = operation{otherwise: "Failed to execute query. Raw error:\n", raw: toldBySQLite, own: tooManyRows}

	savingSettings = operation{saves: true, message: "An error occurred while saving the new settings."}
	checkingApple  = operation{saves: true, message: "Invalid client secret data."}
	signingApple   = operation{otherwise: "Failed to generate client secret. Raw error: \n", raw: error.Error}
	testingMail    = operation{form: mailFailed, own: mailNotSent}

	requestingOTP         = signingIn(validateFailed)
	requestingMail        = operation{form: validateFailed}
	confirmingAddress     = operation{form: validateFailed, saves: true}
	confirmingPassword    = operation{form: validateFailed, saves: true, message: "Failed to set new password."}
	requestingEmailChange = operation{form: validateFailed, rows: []answer{{auth.ErrMail, http.StatusBadRequest, "Failed to request email change."}}}
	confirmingEmailChange = operation{form: validateFailed, saves: true, message: "Failed to confirm email change."}
	linkingAccount        = operation{saves: true, message: authFailed}

	subscribing = operation{own: refusedTopics}
)

// schemaOperation is a change of collections.
func schemaOperation(message string) operation {
	return operation{saves: true, message: message, own: func(err error) *httpx.Error {
		if raw := (*schema.RawError)(nil); errors.As(err, &raw) && !general(err) {
			return httpx.NewError(http.StatusBadRequest, message+" Raw error: \n"+raw.Error()).Because(err)
		}
		return nil
	}}
}

// signingIn is an attempt to sign in; form is said of a form that does not hold up.
func signingIn(form string) operation {
	return operation{
		form: form,
		rows: []answer{{auth.ErrToken, http.StatusUnauthorized, ""}, {records.ErrNoCollection, http.StatusNotFound, noAuthContext}},
	}
}

// failed returns the answer to err, which is not nil, or err itself where the operation has nothing to say of it.
func (o *operation) failed(err error) error {
	outcome := writes.OutcomeOf(err)
	if outcome == writes.Unknown {
		return err
	}
	if signUp := (*signin.SignUpError)(nil); errors.As(err, &signUp) {
		return creatingRecord.failed(signUp.Cause)
	}
	if link := (*signin.LinkError)(nil); errors.As(err, &link) {
		return linkingAccount.failed(link.Cause)
	}
	if o.own != nil {
		if e := o.own(err); e != nil {
			return e
		}
	}
	if e := findAnswer(o.rows, err); e != nil {
		return e
	}
	if form := (*auth.FormError)(nil); o.form != "" && errors.As(err, &form) {
		return httpx.Invalid(o.form, form.Fields)
	}
	if e := o.refused(err); e != nil {
		return e
	}
	if o.otherwise == "" || outcome != writes.Judged || general(err) || slices.ContainsFunc(o.leaves, func(e error) bool { return errors.Is(err, e) }) {
		return err
	}
	if referenced := (*schema.ReferencedError)(nil); errors.As(err, &referenced) {
		return err
	}
	message := o.otherwise
	if o.raw != nil {
		message += o.raw(err)
	}
	return httpx.NewError(http.StatusBadRequest, message).Because(err)
}

// refused is the answer where a hook, a field or a rule said no, nil for other errors.
func (o *operation) refused(err error) *httpx.Error {
	if !o.saves {
		return nil
	}
	if rejection := (*hooks.Rejection)(nil); errors.As(err, &rejection) {
		message := o.message
		if rejection.Message != "" || len(rejection.Fields) == 0 {
			message = rejection.Message // empty is the default of the status
		}
		return &httpx.Error{Status: cmp.Or(rejection.Status, http.StatusBadRequest), Message: message, Data: rejection.Fields, Cause: err}
	}
	var fields validation.Errors
	if errors.As(err, &fields) {
		return httpx.Invalid(o.message, fields)
	}
	// files.ErrNotFound: an upload for an id under which nothing can be stored, and so nothing is.
	if errors.Is(err, records.ErrRule) || errors.Is(err, records.ErrTable) || errors.Is(err, files.ErrNotFound) {
		return httpx.NewError(http.StatusBadRequest, o.message).Because(err)
	}
	return nil
}

// unread is the answer to a body that cannot be read, which says message.
func unread(err error, message string) error {
	if httpx.Answered(err) {
		return err
	}
	return httpx.NewError(http.StatusBadRequest, message).Because(err)
}

// toldBySQLite is what SQLite says of an error.
func toldBySQLite(err error) string { return strings.TrimPrefix(sqlite.Told(err).Error(), "sqlite: ") }

// tooManyRows is the answer to SQL whose rows have no room.
func tooManyRows(err error) *httpx.Error {
	if full := (*budget.FullError)(nil); errors.As(err, &full) {
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: "Too many rows are being answered at once. Ask for fewer, or try again.", RetryAfter: retryAfter, Cause: err}
	}
	return nil
}

const mailFailed = "Failed to send the test email."

// mailNotSent says what a mail server said: whoever tries the settings wants to know nothing else.
func mailNotSent(err error) *httpx.Error {
	if form := (*auth.FormError)(nil); errors.As(err, &form) || errors.Is(err, records.ErrNoCollection) {
		return nil
	}
	return httpx.NewError(http.StatusBadRequest, mailFailed+" Raw error: \n"+err.Error()).Because(err)
}

// refusedTopics is the answer to a subscription for which there is no room. It names the limit: nothing but fewer topics, or fewer
// streams, or waiting helps.
func refusedTopics(err error) *httpx.Error {
	if work := (*realtime.LimitError)(nil); errors.As(err, &work) {
		text := fmt.Sprintf("The filters, expands and fields of the topics of %q ask for too much work with each change: %d units, the limit of %s is %d.",
			work.Key, work.Wanted, whose(work.Whose), work.Max)
		if work.Whose != realtime.OfStream {
			return &httpx.Error{Status: http.StatusTooManyRequests, Message: text, RetryAfter: retryAfter, Cause: err}
		}
		return httpx.Invalid("", validation.Errors{"subscriptions": validation.New("validation_too_much_work", text).
			With(map[string]any{"max": work.Max})})
	}
	if room := (*budget.FullError)(nil); errors.As(err, &room) {
		status := http.StatusServiceUnavailable
		switch {
		case room.Never():
			status = http.StatusRequestEntityTooLarge
		case room.Client:
			status = http.StatusTooManyRequests
		}
		text := fmt.Sprintf("The topics take too much memory: all of %s may keep %d bytes.", whose(clientOrAll(room.Client)), room.Limit)
		return &httpx.Error{Status: status, Message: text, RetryAfter: retryAfter, Cause: err}
	}
	return nil
}

func clientOrAll(client bool) string {
	if client {
		return realtime.OfClient
	}
	return realtime.OfAll
}

func whose(limit string) string {
	switch limit {
	case realtime.OfStream:
		return "one connection"
	case realtime.OfClient:
		return "one client address"
	}
	return "all clients"
}
