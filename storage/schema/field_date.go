package schema

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// DateField holds a moment.
type DateField struct {
	Common
	// Min and Max are datetimes in the stored form, "" is no bound.
	Min      string `json:"min"`
	Max      string `json:"max"`
	Required bool   `json:"required"`
}

// Type returns "date".
func (f *DateField) Type() string { return "date" }

// Clone returns a deep copy.
func (f *DateField) Clone() Field {
	c := *f
	return &c
}

// Kind returns KindText.
func (f *DateField) Kind() Kind { return KindText }

// Role returns RolePlain.
func (f *DateField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *DateField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *DateField) BodyBytes() int64 { return 0 }

// Text returns the text.
func (f *DateField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *DateField) Column() string { return textColumn }

// Multiple returns false.
func (f *DateField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *DateField) Zero() Value { return "" }

// normalise brings the bounds into the stored form; what is no date is no bound.
func (f *DateField) normalise() { f.Min, f.Max = normaliseDate(f.Min), normaliseDate(f.Max) }

// Cast reads texts in the layouts of [ParseDate]; everything else, numbers included, is "".
func (f *DateField) Cast(raw any) Value { return dateOf(raw) }

func dateOf(raw any) Value {
	switch v := raw.(type) {
	case string:
		return normaliseDate(v)
	case time.Time:
		return FormatDate(v)
	}
	return ""
}

// Validate checks the date against the bounds.
func (f *DateField) Validate(v Value, _ Operation) error {
	s, _ := v.(string)
	switch {
	case s == "" && f.Required:
		return validation.Required
	case s == "":
		return nil
	case f.Min != "" && s < f.Min:
		return errMin(boundOf(f.Min))
	case f.Max != "" && s > f.Max:
		return errMax(boundOf(f.Max))
	}
	return nil
}

// boundOf returns a bound as it stands in the message and in the params.
func boundOf(s string) (message, param any) {
	t, _ := ParseDate(s)
	return t.String(), t.Format(time.RFC3339Nano)
}

// ValidateOptions checks the settings. That Min comes before Max is not one of the checks.
func (f *DateField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return validateCommon(f)
}

// appendDateColumn copies a date that is in the stored form, which is the usual case, and reads every other text.
func appendDateColumn(dst []byte, stmt *sqlite.Stmt, col int) []byte {
	dst = append(dst, '"')
	start := len(dst)
	dst = appendColumnRaw(dst, stmt, col)
	if raw := dst[start:]; !isStoredDate(raw) {
		dst = append(dst[:start], normaliseDate(string(raw))...)
	}
	return append(dst, '"')
}

// Scan returns the column in the stored form; a column that holds no date is "".
func (f *DateField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return normaliseDate(columnText(stmt, col)), nil
}

// Bind binds the date.
func (f *DateField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the date as a JSON string.
func (f *DateField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendDateColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *DateField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }
