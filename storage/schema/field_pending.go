package schema

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

func (f *TextField) Cast(raw any) Value                   { return f.Zero() }
func (f *TextField) Validate(v Value, op Operation) error { return nil }
func (f *TextField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *TextField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *TextField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *TextField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *TextField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *NumberField) Cast(raw any) Value                   { return f.Zero() }
func (f *NumberField) Validate(v Value, op Operation) error { return nil }
func (f *NumberField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *NumberField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *NumberField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *NumberField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *NumberField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *BoolField) Cast(raw any) Value                   { return f.Zero() }
func (f *BoolField) Validate(v Value, op Operation) error { return nil }
func (f *BoolField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *BoolField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *BoolField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *BoolField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *BoolField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *EmailField) Cast(raw any) Value                   { return f.Zero() }
func (f *EmailField) Validate(v Value, op Operation) error { return nil }
func (f *EmailField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *EmailField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *EmailField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *EmailField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *EmailField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *URLField) Cast(raw any) Value                   { return f.Zero() }
func (f *URLField) Validate(v Value, op Operation) error { return nil }
func (f *URLField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *URLField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *URLField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *URLField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *URLField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *EditorField) Cast(raw any) Value                   { return f.Zero() }
func (f *EditorField) Validate(v Value, op Operation) error { return nil }
func (f *EditorField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *EditorField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *EditorField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *EditorField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *EditorField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *DateField) Cast(raw any) Value                   { return f.Zero() }
func (f *DateField) Validate(v Value, op Operation) error { return nil }
func (f *DateField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *DateField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *DateField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *DateField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *DateField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *AutodateField) Cast(raw any) Value                   { return f.Zero() }
func (f *AutodateField) Validate(v Value, op Operation) error { return nil }
func (f *AutodateField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *AutodateField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *AutodateField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *AutodateField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *AutodateField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *SelectField) Cast(raw any) Value                   { return f.Zero() }
func (f *SelectField) Validate(v Value, op Operation) error { return nil }
func (f *SelectField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *SelectField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *SelectField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *SelectField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *SelectField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *JSONField) Cast(raw any) Value                   { return f.Zero() }
func (f *JSONField) Validate(v Value, op Operation) error { return nil }
func (f *JSONField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *JSONField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *JSONField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *JSONField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *JSONField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *FileField) Cast(raw any) Value                   { return f.Zero() }
func (f *FileField) Validate(v Value, op Operation) error { return nil }
func (f *FileField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *FileField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *FileField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *FileField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *FileField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *RelationField) Cast(raw any) Value                   { return f.Zero() }
func (f *RelationField) Validate(v Value, op Operation) error { return nil }
func (f *RelationField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *RelationField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *RelationField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *RelationField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *RelationField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *PasswordField) Cast(raw any) Value                   { return f.Zero() }
func (f *PasswordField) Validate(v Value, op Operation) error { return nil }
func (f *PasswordField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *PasswordField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *PasswordField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *PasswordField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *PasswordField) AppendValue(dst []byte, v Value) []byte { return dst }

func (f *GeoPointField) Cast(raw any) Value                   { return f.Zero() }
func (f *GeoPointField) Validate(v Value, op Operation) error { return nil }
func (f *GeoPointField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return nil
}
func (f *GeoPointField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return f.Zero(), nil }
func (f *GeoPointField) Bind(stmt *sqlite.Stmt, param int, v Value)     {}
func (f *GeoPointField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return dst, nil
}
func (f *GeoPointField) AppendValue(dst []byte, v Value) []byte { return dst }
