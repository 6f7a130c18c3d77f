package schema

import (
	"context"
	"fmt"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// Bounds of bcrypt: it looks at 72 bytes, the settings speak of 71 characters.
const (
	maxPasswordLength = 71
	maxPasswordBytes  = 72
	defaultCost       = 10
)

// PasswordField holds a bcrypt hash that is never shown.
type PasswordField struct {
	Common
	// Min and Max bound the number of code points of the plain text; Max 0 stands for 71.
	Min int `json:"min"`
	Max int `json:"max"`
	// Cost is the bcrypt cost as it was set, 0 stands for the default; [PasswordField.HashCost] is the effective one.
	Cost int `json:"cost"`
	// Pattern is a RE2 expression that the plain text must match, "" for none.
	Pattern  string `json:"pattern"`
	Required bool   `json:"required"`

	pattern patternCache
}

// Type returns "password".
func (f *PasswordField) Type() string { return "password" }

// Clone returns a deep copy. What was compiled of the settings stays behind.
func (f *PasswordField) Clone() Field {
	return &PasswordField{Common: f.Common, Min: f.Min, Max: f.Max, Cost: f.Cost, Pattern: f.Pattern, Required: f.Required}
}

// Kind returns KindText.
func (f *PasswordField) Kind() Kind { return KindText }

// Role returns RoleSecret.
func (f *PasswordField) Role() Role { return RoleSecret }

// CanBeMultiple returns false.
func (f *PasswordField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *PasswordField) BodyBytes() int64 { return 0 }

// Text returns "": a password is never shown.
func (f *PasswordField) Text(Value) string { return "" }

// Column returns the definition of the column, see [Field].
func (f *PasswordField) Column() string { return textColumn }

// Multiple returns false.
func (f *PasswordField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *PasswordField) Zero() Value { return Password{} }

// HashCost returns the bcrypt cost that new hashes are made with.
func (f *PasswordField) HashCost() int {
	if f.Cost <= 0 {
		return defaultCost
	}
	return f.Cost
}

// Cast takes raw as the plain text of a new password, the empty text as "no password".
func (f *PasswordField) Cast(raw any) Value {
	switch v := raw.(type) {
	case Password:
		return v
	case nil:
		return Password{}
	}
	return Password{Plain: castText(raw)}
}

// Validate checks the plain text of a new password; a stored hash passes.
func (f *PasswordField) Validate(v Value, _ Operation) error {
	p, _ := v.(Password)
	if p.Plain == "" {
		if f.Required && p.Hash == "" {
			return validation.Required
		}
		return nil
	}
	n := utf8.RuneCountInString(p.Plain)
	if n < f.Min {
		return validation.New("validation_min_text_constraint", fmt.Sprintf("Must be at least %d character(s).", f.Min))
	}
	limit := f.Max
	if limit <= 0 {
		limit = maxPasswordLength
	}
	if n > limit {
		return validation.New("validation_max_text_constraint", fmt.Sprintf("Must be less than %d character(s).", limit))
	}
	if f.Pattern != "" && !f.pattern.match(f.Pattern, p.Plain) {
		return errFormat
	}
	if len(p.Plain) > maxPasswordBytes {
		return validation.Invalid
	}
	return nil
}

// ValidateOptions checks the settings.
func (f *PasswordField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	errs.Set("min", within(int64(f.Min), 1, maxPasswordLength))
	errs.Set("max", within(int64(f.Max), int64(f.Min), maxPasswordLength))
	errs.Set("cost", within(int64(f.Cost), 4, 31))
	errs.Set("pattern", checkRegexp(f.Pattern))
	return errs
}

// Scan returns the stored hash.
func (f *PasswordField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return Password{Hash: columnText(stmt, col)}, nil
}

// Bind binds the hash; the plain text is never stored, whoever has one hashes it first.
func (f *PasswordField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	p, _ := v.(Password)
	stmt.BindText(param, p.Hash)
}

// AppendColumn appends the empty text: a password is never shown.
func (f *PasswordField) AppendColumn(dst []byte, _ *sqlite.Stmt, _ int) ([]byte, error) {
	return append(dst, `""`...), nil
}

// AppendValue appends the empty text: a password is never shown.
func (f *PasswordField) AppendValue(dst []byte, _ Value) []byte { return append(dst, `""`...) }

// Secret tells whether a field of a collection holds what nobody may learn by comparing it: passwords, whatever the field
// is called, and the keys that sign an auth record's tokens. c may be nil.
func Secret(c *Collection, f Field) bool {
	return f.Role() == RoleSecret || c != nil && c.IsAuth() && f.Base().Name == "tokenKey"
}
