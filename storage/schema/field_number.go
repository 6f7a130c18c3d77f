package schema

import (
	"context"
	"fmt"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// NumberField holds a 64-bit float.
type NumberField struct {
	Common
	// Min and Max bound a value that is not 0; nil is no bound.
	Min      *float64 `json:"min"`
	Max      *float64 `json:"max"`
	OnlyInt  bool     `json:"onlyInt"`
	Required bool     `json:"required"`
}

// Type returns "number".
func (f *NumberField) Type() string { return "number" }

// Clone returns a deep copy.
func (f *NumberField) Clone() Field {
	c := *f
	c.Min, c.Max = cloneNumber(f.Min), cloneNumber(f.Max)
	return &c
}

// Kind returns KindNumber.
func (f *NumberField) Kind() Kind { return KindNumber }

// Role returns RolePlain.
func (f *NumberField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *NumberField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *NumberField) BodyBytes() int64 { return 0 }

// Text returns the JSON.
func (f *NumberField) Text(v Value) string { return string(f.AppendValue(nil, v)) }

// Column returns the definition of the column, see [Field].
func (f *NumberField) Column() string { return `NUMERIC DEFAULT 0 NOT NULL` }

// Multiple returns false.
func (f *NumberField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *NumberField) Zero() Value { return float64(0) }

// Cast reads numbers, booleans and texts that hold a number, everything else is 0. A text may name an infinity or NaN,
// which Validate refuses.
func (f *NumberField) Cast(raw any) Value { return castNumber(raw) }

var (
	errNotANumber = validation.New("validation_not_a_number", "The submitted number is not properly formatted.")
	errOnlyInt    = validation.New("validation_only_int_constraint", "Decimal numbers are not allowed.")
)

// Validate checks the number; the bounds do not hold for 0.
func (f *NumberField) Validate(v Value, _ Operation) error {
	n, _ := v.(float64)
	switch {
	case n == 0 && f.Required:
		return validation.Required
	case n == 0:
		return nil
	case math.IsNaN(n) || math.IsInf(n, 0):
		return errNotANumber
	case f.OnlyInt && !isInt64(n):
		return errOnlyInt
	case f.Min != nil && n < *f.Min:
		return errMinNumber(*f.Min)
	case f.Max != nil && n > *f.Max:
		return validation.New("validation_max_number_constraint", fmt.Sprintf("Must be less or equal than %v.", *f.Max)).
			With(map[string]any{"max": *f.Max})
	}
	return nil
}

func errMinNumber(min float64) *validation.Error {
	return validation.New("validation_min_number_constraint", fmt.Sprintf("Must be greater or equal than %v.", min)).
		With(map[string]any{"min": min})
}

// isInt64 tells whether n is a whole number that an int64 holds.
func isInt64(n float64) bool {
	return n == math.Trunc(n) && n >= math.MinInt64 && n < math.MaxInt64
}

// ValidateOptions checks the settings.
func (f *NumberField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	if f.Min != nil && f.OnlyInt && !isInt64(*f.Min) {
		errs.Set("min", errOnlyInt)
	}
	switch {
	case f.Max == nil:
	case f.OnlyInt && !isInt64(*f.Max):
		errs.Set("max", errOnlyInt)
	case f.Min != nil && *f.Max < *f.Min:
		errs.Set("max", errMinNumber(*f.Min))
	}
	return errs
}

// Scan reads the column; a text that holds no number is 0.
func (f *NumberField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	switch stmt.ColumnType(col) {
	case sqlite.TypeInteger:
		return float64(stmt.ColumnInt64(col)), nil
	case sqlite.TypeFloat:
		return stmt.ColumnFloat(col), nil
	case sqlite.TypeText, sqlite.TypeBlob:
		return parseNumber(columnText(stmt, col)), nil
	}
	return float64(0), nil
}

// Bind binds a whole number as an integer, so that it compares and indexes as one, and every other one as a float. What
// is no number is bound as 0, the column does not take NULL.
func (f *NumberField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	n, _ := v.(float64)
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		stmt.BindInt64(param, 0)
	case isInt64(n):
		stmt.BindInt64(param, int64(n))
	default:
		stmt.BindFloat(param, n)
	}
}

// AppendColumn appends the column as a JSON number.
func (f *NumberField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	switch stmt.ColumnType(col) {
	case sqlite.TypeInteger:
		return appendJSONNumber(dst, float64(stmt.ColumnInt64(col))), nil
	case sqlite.TypeFloat:
		return appendJSONNumber(dst, stmt.ColumnFloat(col)), nil
	case sqlite.TypeText, sqlite.TypeBlob:
		return appendJSONNumber(dst, parseNumber(columnText(stmt, col))), nil
	}
	return append(dst, '0'), nil
}

// AppendValue appends v as a JSON number.
func (f *NumberField) AppendValue(dst []byte, v Value) []byte {
	n, _ := v.(float64)
	return appendJSONNumber(dst, n)
}

// Modify implements [Modifier]: append adds, remove subtracts.
func (f *NumberField) Modify(current Value, m Modification, raw any) (Value, bool) {
	n, _ := current.(float64)
	switch m {
	case Append:
		n += castNumber(raw)
	case Remove:
		n -= castNumber(raw)
	default:
		return nil, false
	}
	if n == 0 {
		n = 0 // not -0
	}
	return n, true
}

func cloneNumber(n *float64) *float64 {
	if n == nil {
		return nil
	}
	c := *n
	return &c
}
