package schema

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// defaultMaxEditor is the bound in bytes of a text whose field sets none.
const defaultMaxEditor = 5 << 20

// EditorField holds formatted text, kept as it was sent.
type EditorField struct {
	Common
	// MaxSize bounds the value in bytes, 0 stands for 5 MiB.
	MaxSize int64 `json:"maxSize"`
	// ConvertURLs is for editors in clients, the server does nothing with it.
	ConvertURLs bool `json:"convertURLs"`
	Required    bool `json:"required"`
}

// Type returns "editor".
func (f *EditorField) Type() string { return "editor" }

// Clone returns a deep copy.
func (f *EditorField) Clone() Field {
	c := *f
	return &c
}

// Kind returns KindText.
func (f *EditorField) Kind() Kind { return KindText }

// Role returns RolePlain.
func (f *EditorField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *EditorField) CanBeMultiple() bool { return false }

// BodyBytes returns the largest size of what the field holds.
func (f *EditorField) BodyBytes() int64 { return f.Limit() }

// Text returns the text.
func (f *EditorField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *EditorField) Column() string { return textColumn }

// Multiple returns false.
func (f *EditorField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *EditorField) Zero() Value { return "" }

// Cast returns raw as text.
func (f *EditorField) Cast(raw any) Value { return castText(raw) }

// Scan returns the column as text.
func (f *EditorField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return columnText(stmt, col), nil
}

// Bind binds the text.
func (f *EditorField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the column as a JSON string.
func (f *EditorField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendTextColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *EditorField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }

// Limit returns the largest size of a value in bytes.
func (f *EditorField) Limit() int64 {
	if f.MaxSize <= 0 {
		return defaultMaxEditor
	}
	return f.MaxSize
}

// Validate checks the size.
func (f *EditorField) Validate(v Value, _ Operation) error {
	s, _ := v.(string)
	if s == "" && f.Required {
		return validation.Required
	}
	if limit := f.Limit(); int64(len(s)) > limit {
		return validation.New("validation_content_size_limit",
			fmt.Sprintf("The maximum allowed content size is %d bytes.", limit)).With(map[string]any{"maxSize": limit})
	}
	return nil
}

// ValidateOptions checks the settings.
func (f *EditorField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	errs.Set("maxSize", within(f.MaxSize, 0, maxSafeInt))
	return errs
}
