package httpx

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/validation"
)

// Error is an answer that is not a success. Handlers return one for everything that a client may know the reason of;
// any other error becomes a 500 without a reason. It is immutable once returned and safe to share.
type Error struct {
	// Status is the HTTP status, 400 to 599.
	Status int
	// Message is a sentence for people; empty means the default of the status. [validation.Sentence] is applied.
	Message string
	// Data is the object below "data": nil is {}, mostly it is a [validation.Errors].
	Data any
	// Cause is logged and never shown; it may be nil.
	Cause error
	// RetryAfter, when positive, is sent as the Retry-After header, in whole seconds rounded up.
	RetryAfter time.Duration
}

// NewError returns an answer with that status and message and no data; an empty message is the default of the status.
func NewError(status int, message string) *Error { return &Error{Status: status, Message: message} }

// Invalid returns a 400 with failures per field; data may be empty.
func Invalid(message string, data validation.Errors) *Error {
	return &Error{Status: http.StatusBadRequest, Message: message, Data: data}
}

// Because returns a copy of e with a cause for the log.
func (e *Error) Because(cause error) *Error {
	out := *e
	out.Cause = cause
	return &out
}

// Error returns the message that a client sees, followed by the cause.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.text() + ": " + e.Cause.Error()
	}
	return e.text()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) text() string {
	if e.Message == "" {
		return defaultMessage(e.Status)
	}
	return validation.Sentence(e.Message)
}

// AppendJSON appends the envelope, with a newline at its end, to dst. It is what the server sends and what a part of a
// batch holds.
func (e *Error) AppendJSON(dst []byte) []byte {
	data := []byte("{}")
	if e.Data != nil {
		if b, err := json.Marshal(e.Data); err == nil && string(b) != "null" {
			data = b
		}
	}
	envelope := struct {
		Data    json.RawMessage `json:"data"`
		Message string          `json:"message"`
		Status  int             `json:"status"`
	}{data, e.text(), e.Status}
	b, err := json.Marshal(envelope)
	if err != nil {
		b = []byte(`{"data":{},"message":"Something went wrong while processing your request.","status":500}`)
	}
	return append(append(dst, b...), '\n')
}

// retryAfter is the value of the header: whole seconds, rounded up.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// roomWait is when somebody is told to come again for whom there was no room. Bodies come and go within moments.
const roomWait = time.Second

// noRoom is the answer to a head or body for which the share of bodies has no room.
func noRoom(full *budget.FullError) *Error {
	switch {
	case full.Never():
		return &Error{Status: http.StatusRequestEntityTooLarge, Cause: full}
	case full.Client:
		return &Error{Status: http.StatusTooManyRequests, Message: "Too many large requests at once from your address.", RetryAfter: roomWait, Cause: full}
	}
	return &Error{Status: http.StatusServiceUnavailable, Message: "Too many large requests at once.", RetryAfter: roomWait, Cause: full}
}

func defaultMessage(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Missing or invalid authentication."
	case http.StatusForbidden:
		return "You are not allowed to perform this request."
	case http.StatusNotFound:
		return "The requested resource wasn't found."
	case http.StatusRequestEntityTooLarge:
		return "Request entity too large."
	case http.StatusTooManyRequests:
		return "Too Many Requests."
	}
	return "Something went wrong while processing your request."
}

// Errors of reading a body, found with errors.Is. A handler that returns one unchanged answers what [AsError] says.
var (
	// ErrUnsupportedContentType is returned for a body that is not empty and has a type that nobody reads.
	ErrUnsupportedContentType = errors.New("unsupported content type")
	// ErrTooLarge is returned when a body is longer than the limit of its route.
	ErrTooLarge = errors.New("request body too large")
	// ErrMalformed is returned for a body that is not what its type says, or not of the form's shape.
	ErrMalformed = errors.New("malformed request body")
)

// DiskFull returns the answer to what the server had no room for on its disk. It says so: whoever runs the server has to do
// something, and trying again does not help.
func DiskFull(cause error) *Error {
	return &Error{Status: http.StatusInsufficientStorage, Message: "The server's disk is full, nothing was written.", Cause: cause}
}

// AsError returns what a client sees of err, which must not be nil. Errors of reading a body have fixed answers; what is
// not an [Error] is a 500 that keeps err as its cause.
func AsError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrTooLarge):
		return &Error{Status: http.StatusRequestEntityTooLarge, Cause: err}
	case files.IsFull(err): // while an upload was written to the disk
		return DiskFull(err)
	case errors.Is(err, ErrUnsupportedContentType):
		return &Error{Status: http.StatusBadRequest, Message: "Unsupported Content-Type.", Cause: err}
	case errors.Is(err, ErrMalformed):
		return &Error{Status: http.StatusBadRequest, Cause: err}
	}
	return &Error{Status: http.StatusInternalServerError, Cause: err}
}

// Answered tells whether err says itself what the answer is, or is about what the server has room for: whoever reads a body
// returns such an error as it came, for it is not the content of the body that is wrong.
func Answered(err error) bool {
	var e *Error
	return errors.As(err, &e) || errors.Is(err, ErrTooLarge) || files.IsFull(err)
}

// Loading turns an error of [Context.Bind] or [Context.Map] into the answer of the handlers that say "An error occurred
// while loading the submitted data."; types that nobody reads and bodies too large keep their own answers, as do errors that
// are answers already. It returns nil
// for nil.
func Loading(err error) error {
	if err == nil {
		return nil
	}
	if Answered(err) || errors.Is(err, ErrUnsupportedContentType) {
		return AsError(err)
	}
	return &Error{Status: http.StatusBadRequest, Message: "An error occurred while loading the submitted data.", Cause: err}
}
