package sqlite

import (
	"errors"
	"fmt"
	"testing"
)

// Who wrote a statement is told kind, message and code, whatever is wrapped around the failure.
func TestTold(t *testing.T) {
	db := openTest(t, Options{})
	for sql, want := range map[string]string{
		"SELECT nope":        "SQL logic error: no such column: nope (1)",
		"SELECT * FROM nope": "SQL logic error: no such table: nope (1)",
		"SELECT (":           "SQL logic error: incomplete input (1)",
	} {
		err := db.Read(t.Context(), func(r *Reader) error { _, err := r.Console(sql); return err })
		for _, wrapped := range []error{err, fmt.Errorf("run: %w", err), errors.Join(errors.New("first"), err), Told(err)} {
			told := Told(wrapped)
			if told.Error() != want {
				t.Errorf("%s: %q, want %q", sql, told, want)
			}
			if !errors.Is(told, wrapped) {
				t.Errorf("%s: the failure itself is lost", sql)
			}
		}
	}
	for _, other := range []error{nil, ErrEmptyQuery, errors.New("x"), fmt.Errorf("y: %w", ErrBusy)} {
		if Told(other) != other {
			t.Errorf("%v became %v", other, Told(other))
		}
	}
}
