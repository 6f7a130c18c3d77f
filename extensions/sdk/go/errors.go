package troupe

import "strconv"

// Errno is why a function of the server failed. It is an error itself, for errors.Is.
type Errno int32

// The reasons, as abi.md describes them.
const (
	Invalid   Errno = -1 // a text, handle or JSON that is not one
	NotFound  Errno = -2 // no such record, field, collection, header
	Forbidden Errno = -3 // a rule or a missing permission
	Failed    Errno = -4 // the data was refused; the message is the JSON of the failures per field
	Busy      Errno = -5 // no room or time now; nothing was written
	Limit     Errno = -6 // the call has used up its host calls, rows, handles or bytes, or calls are nested too deeply
	Context   Errno = -7 // not possible in this call
	Internal  Errno = -8 // the server failed; its log says why
)

var errnoTexts = [...]string{"invalid argument", "not found", "forbidden", "data refused", "busy", "limit reached", "not possible here", "internal error"}

// Error implements error.
func (n Errno) Error() string {
	if i := -int(n) - 1; i >= 0 && i < len(errnoTexts) {
		return errnoTexts[i]
	}
	return "errno " + strconv.Itoa(int(n))
}

// Error is a function of the server that failed.
type Error struct {
	Errno   Errno
	Op      string // the function's name in abi.md
	Object  string // the field, collection or record it was about, if any
	Message string // what the server said
	Status  int    // what refused it would answer a client with, a rule or the hook of an extension; 0 if nothing refused it
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Op
	if e.Object != "" {
		s += " " + strconv.Quote(e.Object)
	}
	s += ": " + e.Errno.Error()
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Unwrap gives the Errno, so that errors.Is(err, troupe.NotFound) works.
func (e *Error) Unwrap() error { return e.Errno }

// Refusal is an error that says what the client is answered.
type Refusal struct {
	status  int32 // 0 lets the server choose
	message string
	fields  []fieldFailure
}

type fieldFailure struct{ name, code, message string }

// Reject ends what is under way with a status (400–599) and a message for the client.
func Reject(status int, message string) *Refusal {
	return &Refusal{status: int32(status), message: message}
}

// FieldError refuses the value of a field, as validation does. Code is for programs, message for people.
func FieldError(name, code, message string) *Refusal {
	return (&Refusal{}).Field(name, code, message)
}

// Field adds another refused field.
func (r *Refusal) Field(name, code, message string) *Refusal {
	r.fields = append(r.fields, fieldFailure{name, code, message})
	return r
}

// Error implements error.
func (r *Refusal) Error() string {
	s := r.message
	for _, f := range r.fields {
		if s != "" {
			s += "; "
		}
		s += f.name + ": " + f.message
	}
	return s
}
