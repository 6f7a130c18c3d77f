package hooks

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/validation"
)

// Error is an error that a handler returned of its own accord, in whatever it wraps. Clients see only what a [*Rejection],
// or another error that is meant for them, says inside of it.
type Error struct {
	// Handler is the ID of the handler.
	Handler string
	Err     error
}

// Error names the handler and gives the error's text, for the log.
func (e *Error) Error() string { return fmt.Sprintf("hook %s: %v", e.Handler, e.Err) }

// Unwrap returns what the handler returned.
func (e *Error) Unwrap() error { return e.Err }

// Rejection is a handler's no that a client may see.
type Rejection struct {
	// Status is the HTTP status, 400 to 599; 0 is 400.
	Status int
	// Message is a sentence for people; empty means the default of the status.
	Message string
	// Fields are failures of fields, nil for none.
	Fields validation.Errors
}

// Error returns the message, or the failures of fields where there is none.
func (r *Rejection) Error() string {
	if r.Message == "" && len(r.Fields) > 0 {
		return r.Fields.Error()
	}
	return r.Message
}

// call runs one handler and tells what it made itself from what came from further inside.
func (r *run[E]) call(handler *Handler[E]) (err error) {
	r.inner = nil
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("hook %s: %w", handler.ID, &routine.Panic{Value: v, Stack: debug.Stack()})
		}
	}()
	err = handler.Func(r.event)
	if err == nil || r.inner != nil && passes(err, r.inner) {
		return err
	}
	if p := (*routine.Panic)(nil); errors.As(err, &p) {
		return err
	}
	return &Error{Handler: handler.ID, Err: err}
}

// passes tells whether err is inner or wraps it. A tree of failures cannot be compared by errors.Is.
func passes(err, inner error) bool {
	if errors.Is(err, inner) {
		return true
	}
	var outerTree, innerTree validation.Errors
	return errors.As(err, &outerTree) && errors.As(inner, &innerTree) &&
		reflect.ValueOf(outerTree).Pointer() == reflect.ValueOf(innerTree).Pointer()
}
