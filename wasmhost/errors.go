package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Errno is a class of failure of a host function, a negative number to the guest.
type Errno int32

// The classes of extensions/abi.md.
const (
	Invalid   Errno = -1 // a pointer, length, handle, text or JSON that is not one
	NotFound  Errno = -2 // no such record, field, collection, header
	Forbidden Errno = -3 // a rule or a missing permission
	Failed    Errno = -4 // the data was refused; the message is the JSON of the failures per field
	Busy      Errno = -5 // no room or time now; nothing was written
	Limit     Errno = -6 // something of the call is used up
	Context   Errno = -7 // not possible in this call
	Internal  Errno = -8 // the server failed
)

// String returns the name of the class.
func (e Errno) String() string {
	names := [...]string{"INVALID", "NOT_FOUND", "FORBIDDEN", "FAILED", "BUSY", "LIMIT", "CONTEXT", "INTERNAL"}
	if e >= 0 || int(-e) > len(names) {
		return fmt.Sprintf("errno %d", int32(e))
	}
	return names[-e-1]
}

// Error is a failure that a guest may know about. Immutable.
type Error struct {
	Errno Errno
	// Message is what the guest gets when it asks; for Failed it is a JSON object of failures per field.
	Message string
	// Refusal is what refused, which a guest may pass on as it is; nil for a failure that is nobody's no.
	Refusal *Rejection
}

// Error returns class and message.
func (e *Error) Error() string { return e.Errno.String() + ": " + e.Message }

// Errors of [Extension.Before], After and Serve besides [*Rejection], [*Fault] and an [*Error] with LIMIT for a chain of calls that is
// nested too deeply. After any of them nothing of the call is under way any more.
var (
	// ErrTimeout means that the guest ran out of time and was stopped. A 503.
	ErrTimeout = errors.New("wasmhost: the extension ran out of time")
	// ErrSuspended means that calls of this hook or route kept failing, so that it is not called for a while; it comes as a [*SuspendedError]. A
	// 503: what it should have judged must not pass.
	ErrSuspended = errors.New("wasmhost: the extension is suspended")
	// ErrBusy means that no instance came free in time; nothing ran. A 503.
	ErrBusy = errors.New("wasmhost: the extension is busy")
	// ErrClosed means that the manager is closed, or the version of the extension for a long time. A 503.
	ErrClosed = errors.New("wasmhost: closed")
)

// Rejection is a guest's no, or the host's. It is not changed once it was returned.
type Rejection struct {
	// Status is 400 to 599.
	Status int
	// Message may be empty.
	Message string
	// Fields are failures per field, nil when there are none.
	Fields map[string]FieldFailure
	// Cause is the host's own form of its no, nil for one that a guest made up. It comes back as it was when a guest passes it on, so
	// that nothing of it is lost on the way.
	Cause error
}

// FieldFailure is what is wrong with one field.
type FieldFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error returns status and message.
func (r *Rejection) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("rejected with %d", r.Status)
	}
	return fmt.Sprintf("rejected with %d: %s", r.Status, r.Message)
}

// FaultKind says in what way a call failed.
type FaultKind string

// The kinds of faults.
const (
	Trapped  FaultKind = "trap"   // the guest trapped
	Exited   FaultKind = "exit"   // the guest ended itself
	Limited  FaultKind = "limit"  // the guest exceeded a limit
	Lied     FaultKind = "result" // what the guest returned is not what the ABI says
	Panicked FaultKind = "panic"  // the server panicked in a host function; not the guest's fault
	// Unloadable: the code of the module could not be made when a call needed it.
	Unloadable FaultKind = "load"
)

// Fault is a call that failed without an answer, a 500. The instance is gone.
type Fault struct {
	Kind    FaultKind
	Message string
}

// Error returns kind and message.
func (f *Fault) Error() string { return "wasmhost: " + string(f.Kind) + ": " + f.Message }

func invalid(format string, args ...any) *Error {
	return &Error{Errno: Invalid, Message: fmt.Sprintf(format, args...)}
}

// The errors of host functions that need no words of their own, made once so that a guest that runs into them costs nothing.
var (
	errPointer     = &Error{Errno: Invalid, Message: "a pointer or length outside of the memory"}
	errText        = &Error{Errno: Invalid, Message: "a text that is not UTF-8"}
	errJSON        = &Error{Errno: Invalid, Message: "not valid JSON"}
	errHandle      = &Error{Errno: Invalid, Message: "no such handle"}
	errTooLong     = &Error{Errno: Limit, Message: "too many bytes at once"}
	errName        = &Error{Errno: Invalid, Message: "the name is too long"}
	errNoRequest   = &Error{Errno: Context, Message: "there is no request"}
	errNoRecord    = &Error{Errno: Context, Message: "there is no record"}
	errNotInRoute  = &Error{Errno: Context, Message: "only possible in a route"}
	errNotLoading  = &Error{Errno: Context, Message: "not possible while the extension is loaded"}
	errHostCalls   = &Error{Errno: Limit, Message: "too many host calls"}
	errHandles     = &Error{Errno: Limit, Message: "too many handles"}
	errHeld        = &Error{Errno: Limit, Message: "the handles hold too much; ask for less or close some"}
	errLines       = &Error{Errno: Limit, Message: "too many lines in the log"}
	errNoSQL       = &Error{Errno: Forbidden, Message: "the extension has no permission for sql"}
	errAuthority   = &Error{Errno: Invalid, Message: "no such authority"}
	errMissing     = &Error{Errno: NotFound, Message: "not there"}
	errNobody      = &Error{Errno: NotFound, Message: "nobody is signed in"}
	errInternal    = &Error{Errno: Internal, Message: "the server failed"}
	errInTime      = &Error{Errno: Busy, Message: "no time or room"}
	errHostTime    = &Error{Errno: Busy, Message: "the call's time for the host is used up; nothing was written"}
	errOpen        = &Error{Errno: Limit, Message: "too many transactions are open within one another"}
	errNoneOpen    = &Error{Errno: Context, Message: "no transaction is open"}
	errTooDeep     = &Error{Errno: Limit, Message: "calls are nested too deeply"}
	errStatus      = &Error{Errno: Invalid, Message: "no such status"}
	errHeader      = &Error{Errno: Invalid, Message: "not a valid header"}
	errHeaderOwned = &Error{Errno: Forbidden, Message: "the header belongs to the server"}
	errHeaders     = &Error{Errno: Limit, Message: "too many headers"}
	errFields      = &Error{Errno: Limit, Message: "too many failures"}
	errNoRefusal   = &Error{Errno: Context, Message: "no host call was refused that could be passed on"}
)

// Why an instance could not be made in time, as [ErrTimeout].
var (
	// errSlowStart is the module's fault, which took all the time that there is for that.
	errSlowStart = fmt.Errorf("%w while it started", ErrTimeout)
	// errStartCut is nobody's: the caller had less time.
	errStartCut = fmt.Errorf("%w: an instance of it did not start before the caller's deadline", ErrTimeout)
)

// explain returns what a guest gets to know of err, and whether the log has to hear the rest.
func explain(err error) (known *Error, unexpected bool) {
	var r *Rejection
	switch {
	case errors.As(err, &known):
		return known, false
	case errors.As(err, &r):
		return rejected(r), false
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrSuspended), errors.Is(err, ErrBusy), errors.Is(err, ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errInTime, false
	}
	return errInternal, true
}

// rejected is what a guest gets to know of another guest's no to what it did.
func rejected(r *Rejection) *Error {
	switch r.Status {
	case http.StatusForbidden, http.StatusUnauthorized:
		return &Error{Errno: Forbidden, Message: r.Message, Refusal: r}
	case http.StatusNotFound:
		return &Error{Errno: NotFound, Message: r.Message, Refusal: r}
	}
	fields := r.Fields
	if fields == nil {
		fields = map[string]FieldFailure{}
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return errInternal
	}
	return &Error{Errno: Failed, Message: string(b), Refusal: r}
}
