package schema

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// AutodateField holds a moment that the server sets.
type AutodateField struct {
	Common
	OnCreate bool `json:"onCreate"`
	OnUpdate bool `json:"onUpdate"`
}

// Type returns "autodate".
func (f *AutodateField) Type() string { return "autodate" }

// Column returns the definition of the column, see [Field].
func (f *AutodateField) Column() string { return textColumn }

// Multiple returns false.
func (f *AutodateField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *AutodateField) Zero() Value { return "" }

// Cast reads dates like a date field; package records ignores what clients send.
func (f *AutodateField) Cast(raw any) Value { return dateOf(raw) }

// Validate accepts every value, the server made it.
func (f *AutodateField) Validate(Value, Operation) error { return nil }

// ValidateOptions checks the settings: one of the flags is set, and those of a system field stay as they are.
func (f *AutodateField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := ValidateCommon(f)
	if stored, ok := in.StoredField.(*AutodateField); ok && f.System {
		if stored.OnCreate != f.OnCreate {
			errs.Set("onCreate", validation.Mismatch)
		}
		if stored.OnUpdate != f.OnUpdate {
			errs.Set("onUpdate", validation.Mismatch)
		}
	}
	if !f.OnCreate && !f.OnUpdate {
		leaf := validation.New(validation.Required.Code, "Either onCreate or onUpdate must be enabled.")
		errs.Set("onCreate", leaf)
		errs.Set("onUpdate", leaf)
	}
	return errs
}

// Scan returns the column in the stored form; a column that holds no date is "".
func (f *AutodateField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return NormaliseDate(columnText(stmt, col)), nil
}

// Bind binds the date.
func (f *AutodateField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the date as a JSON string.
func (f *AutodateField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendDateColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *AutodateField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }
