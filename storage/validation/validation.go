// Package validation holds the errors that a client is shown beside a field: an [Error] has a code that
// programs read and a sentence that people read, [Errors] is a tree of them. It knows no HTTP and no field types;
// those who check a value return an Error, those who check an object collect them in Errors.
package validation

import (
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is one failed check of one value. It is immutable once made and safe to share between goroutines.
type Error struct {
	// Code is stable and read by programs, for example "validation_required".
	Code string
	// Message is a sentence for people; [Sentence] is applied when it is shown.
	Message string
	// Params are the numbers and texts inside the message, nil when it has none.
	Params map[string]any
}

// New returns an Error without parameters.
func New(code, message string) *Error { return &Error{Code: code, Message: message} }

// With returns a copy of e that carries params.
func (e *Error) With(params map[string]any) *Error {
	return &Error{Code: e.Code, Message: e.Message, Params: params}
}

// Error returns the message as it was given, without the client-side normalisation.
func (e *Error) Error() string { return e.Message }

// MarshalJSON writes {"code","message","params"?}, the message as a sentence.
func (e *Error) MarshalJSON() ([]byte, error) {
	out := struct {
		Code    string         `json:"code"`
		Message string         `json:"message"`
		Params  map[string]any `json:"params,omitempty"`
	}{e.Code, Sentence(e.Message), e.Params}
	return json.Marshal(out)
}

// Errors is a tree of failed checks keyed by property name, or by decimal index for the elements of a list. A value
// is an *[Error], an Errors, an error that marshals itself to JSON, or any other error, which a client sees as
// "validation_invalid_value". The zero value
// (nil) means "no error" and can be read but not written.
type Errors map[string]error

// Error lists the keys and messages in byte order of the keys.
func (e Errors) Error() string {
	keys := make([]string, 0, len(e))
	for k := range e {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(k + ": " + e[k].Error())
	}
	return b.String()
}

// Or returns e as an error, or nil when it is empty: the usual last line of a check.
func (e Errors) Or() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Set stores err under key unless err is nil or an empty tree.
func (e Errors) Set(key string, err error) {
	if err == nil {
		return
	}
	if tree, ok := err.(Errors); ok && len(tree) == 0 {
		return
	}
	if one, ok := err.(*Error); ok && one == nil {
		return
	}
	e[key] = err
}

// MarshalJSON writes the tree as clients see it: {} when empty, each Error through [Error.MarshalJSON], errors of other
// types as [Invalid], so that no internal text leaks.
func (e Errors) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(e))
	for k, v := range e {
		out[k] = public(v)
	}
	return json.Marshal(out)
}

func public(err error) any {
	var tree Errors
	if errors.As(err, &tree) {
		return tree
	}
	var one *Error
	if errors.As(err, &one) {
		return one
	}
	if own, ok := err.(json.Marshaler); ok {
		return own
	}
	return Invalid
}

// Sentence makes a message presentable: trimmed, first letter in upper case, and with a final full stop unless it
// ends in '.', '?' or '!'. The empty message stays empty.
func Sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	if u := unicode.ToUpper(r); u != r {
		s = string(u) + s[n:]
	}
	if last := s[len(s)-1]; last != '.' && last != '?' && last != '!' {
		s += "."
	}
	return s
}

// Errors that more than one package reports.
var (
	// Required is reported for a value that must not be empty.
	Required = New("validation_required", "Cannot be blank.")
	// Invalid is what a client sees of an error that has no code of its own.
	Invalid = New("validation_invalid_value", "Invalid value.")
	// NotUnique is reported at every column of a violated unique index.
	NotUnique = New("validation_not_unique", "Value must be unique.")
	// Mismatch is reported where two values must be equal.
	Mismatch = New("validation_values_mismatch", "Values don't match.")
)
