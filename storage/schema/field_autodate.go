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

// without lists the common settings that the type does not have.
func (f *AutodateField) without() []string { return []string{"help"} }

// Clone returns a deep copy.
func (f *AutodateField) Clone() Field {
	c := *f
	return &c
}

// Kind returns KindText.
func (f *AutodateField) Kind() Kind { return KindText }

// Role returns RoleComputed.
func (f *AutodateField) Role() Role { return RoleComputed }

// CanBeMultiple returns false.
func (f *AutodateField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *AutodateField) BodyBytes() int64 { return 0 }

// Text returns the text.
func (f *AutodateField) Text(v Value) string { return stringText(v) }

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
	errs := validateCommon(f)
	if stored, ok := in.StoredField.(*AutodateField); ok && f.System {
		if stored.OnCreate != f.OnCreate {
			errs.Set("onCreate", validation.Mismatch)
		}
		if stored.OnUpdate != f.OnUpdate {
			errs.Set("onUpdate", validation.Mismatch)
		}
	}
	if !f.OnCreate && !f.OnUpdate {
		failure := validation.New(validation.Required.Code, "Either onCreate or onUpdate must be enabled.")
		errs.Set("onCreate", failure)
		errs.Set("onUpdate", failure)
	}
	return errs
}

// Scan returns the column in the stored form; a column that holds no date is "".
func (f *AutodateField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return normaliseDate(columnText(stmt, col)), nil
}

// Bind binds the date.
func (f *AutodateField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the date as a JSON string.
func (f *AutodateField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendDateColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *AutodateField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }
