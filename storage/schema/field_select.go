package schema

import (
	"context"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// SelectField holds one or several of a list of texts.
type SelectField struct {
	Common
	Values []string `json:"values"`
	// MaxSelect above 1 makes the field hold a list.
	MaxSelect int  `json:"maxSelect"`
	Required  bool `json:"required"`
}

// Type returns "select".
func (f *SelectField) Type() string { return "select" }

// Clone returns a deep copy.
func (f *SelectField) Clone() Field {
	c := *f
	c.Values = slices.Clone(f.Values)
	return &c
}

// Kind returns KindText or, for a list, KindList.
func (f *SelectField) Kind() Kind { return listKind(f.Multiple()) }

// Role returns RolePlain.
func (f *SelectField) Role() Role { return RolePlain }

// CanBeMultiple returns true.
func (f *SelectField) CanBeMultiple() bool { return true }

// BodyBytes returns 0: values are small.
func (f *SelectField) BodyBytes() int64 { return 0 }

// Text returns the text, "" for a list.
func (f *SelectField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *SelectField) Column() string { return listColumn(f.Multiple()) }

// Multiple tells whether the field holds a list.
func (f *SelectField) Multiple() bool { return f.MaxSelect > 1 }

// Zero returns "" or, for a list, the empty list.
func (f *SelectField) Zero() Value { return listZero(f.Multiple()) }

// Cast returns the texts in raw, or the last of them for a field that holds one.
func (f *SelectField) Cast(raw any) Value { return listValue(castList(raw), f.Multiple()) }

// Scan reads the column, whichever of the two forms it is in.
func (f *SelectField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return scanList(stmt, col, f.Multiple()), nil
}

// Bind binds the text, or the list as a JSON array.
func (f *SelectField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	bindList(stmt, param, v, f.Multiple())
}

// AppendColumn appends the column as a JSON string, or as an array of them.
func (f *SelectField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendListColumn(dst, stmt, col, f.Multiple()), nil
}

// AppendValue appends v as a JSON string, or as an array of them.
func (f *SelectField) AppendValue(dst []byte, v Value) []byte {
	return appendListValue(dst, v, f.Multiple())
}

// Modify implements [Modifier] with append, prepend and remove.
func (f *SelectField) Modify(current Value, m Modification, raw any) (Value, bool) {
	return modifyList(current, m, raw, f.Multiple())
}

// Validate checks the number of texts and that each is one of Values.
func (f *SelectField) Validate(v Value, _ Operation) error {
	list := texts(v)
	if len(list) == 0 {
		if f.Required {
			return validation.Required
		}
		return nil
	}
	if limit := max(f.MaxSelect, 1); len(list) > limit {
		return errTooManyValues(limit)
	}
	for _, s := range list {
		if !slices.Contains(f.Values, s) {
			return validation.New("validation_invalid_value", "Invalid value "+s).
				With(map[string]any{"value": s})
		}
	}
	return nil
}

func errTooManyValues(limit int) *validation.Error {
	return validation.New("validation_too_many_values", fmt.Sprintf("Select no more than %d.", limit)).
		With(map[string]any{"maxSelect": limit})
}

// ValidateOptions checks the settings.
func (f *SelectField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	if len(f.Values) == 0 {
		errs.Set("values", validation.Required)
	}
	errs.Set("maxSelect", within(int64(f.MaxSelect), 0, int64(max(len(f.Values), 1))))
	return errs
}
