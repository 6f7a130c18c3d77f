package schema

import (
	"context"
	"strconv"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// BoolField holds true or false.
type BoolField struct {
	Common
	// Required means that the value must be true.
	Required bool `json:"required"`
}

// Type returns "bool".
func (f *BoolField) Type() string { return "bool" }

// Clone returns a deep copy.
func (f *BoolField) Clone() Field {
	c := *f
	return &c
}

// Kind returns KindBool.
func (f *BoolField) Kind() Kind { return KindBool }

// Role returns RolePlain.
func (f *BoolField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *BoolField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *BoolField) BodyBytes() int64 { return 0 }

// Text returns the JSON.
func (f *BoolField) Text(v Value) string { return string(f.AppendValue(nil, v)) }

// Column returns the definition of the column, see [Field].
func (f *BoolField) Column() string { return `BOOLEAN DEFAULT FALSE NOT NULL` }

// Multiple returns false.
func (f *BoolField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *BoolField) Zero() Value { return false }

// Cast reads booleans, numbers and the usual texts for true; everything else is false.
func (f *BoolField) Cast(raw any) Value { return castBool(raw) }

// Validate checks that a required field is true.
func (f *BoolField) Validate(v Value, _ Operation) error {
	if b, _ := v.(bool); !b && f.Required {
		return validation.Required
	}
	return nil
}

// ValidateOptions checks the settings.
func (f *BoolField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return validateCommon(f)
}

// columnBool reads a column: of the numbers only 1 is true.
func columnBool(stmt *sqlite.Stmt, col int) bool {
	switch stmt.ColumnType(col) {
	case sqlite.TypeInteger:
		return stmt.ColumnInt64(col) == 1
	case sqlite.TypeText, sqlite.TypeBlob:
		return isTrue(columnText(stmt, col))
	}
	return false
}

// Scan reads the column.
func (f *BoolField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return columnBool(stmt, col), nil
}

// Bind binds 0 or 1.
func (f *BoolField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	b, _ := v.(bool)
	stmt.BindBool(param, b)
}

// AppendColumn appends true or false.
func (f *BoolField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return strconv.AppendBool(dst, columnBool(stmt, col)), nil
}

// AppendValue appends true or false.
func (f *BoolField) AppendValue(dst []byte, v Value) []byte {
	b, _ := v.(bool)
	return strconv.AppendBool(dst, b)
}
