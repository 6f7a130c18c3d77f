package schema

import (
	"context"
	"slices"
	"strings"

	"github.com/asaskevich/govalidator"
	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// EmailField holds an email address.
type EmailField struct {
	Common
	// ExceptDomains and OnlyDomains list the domains refused and accepted; nil and empty lists mean all are welcome.
	ExceptDomains []string `json:"exceptDomains"`
	OnlyDomains   []string `json:"onlyDomains"`
	Required      bool     `json:"required"`
}

// Type returns "email".
func (f *EmailField) Type() string { return "email" }

// Clone returns a deep copy.
func (f *EmailField) Clone() Field {
	c := *f
	c.ExceptDomains, c.OnlyDomains = slices.Clone(f.ExceptDomains), slices.Clone(f.OnlyDomains)
	return &c
}

// Kind returns KindText.
func (f *EmailField) Kind() Kind { return KindText }

// Role returns RolePlain.
func (f *EmailField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *EmailField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *EmailField) BodyBytes() int64 { return 0 }

// Text returns the text.
func (f *EmailField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *EmailField) Column() string { return textColumn }

// Multiple returns false.
func (f *EmailField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *EmailField) Zero() Value { return "" }

// Cast returns raw as text.
func (f *EmailField) Cast(raw any) Value { return castText(raw) }

// Scan returns the column as text.
func (f *EmailField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return columnText(stmt, col), nil
}

// Bind binds the text.
func (f *EmailField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the column as a JSON string.
func (f *EmailField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendTextColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *EmailField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }

// Validate checks the address and its domain, which is what follows the last "@", letter case included.
func (f *EmailField) Validate(v Value, _ Operation) error {
	s, _ := v.(string)
	if s == "" {
		if f.Required {
			return validation.Required
		}
		return nil
	}
	if !govalidator.IsEmail(s) {
		return validation.New("validation_is_email", "Must be a valid email address.")
	}
	if !domainAllowed(s[strings.LastIndexByte(s, '@')+1:], f.ExceptDomains, f.OnlyDomains) {
		return validation.New("validation_email_domain_not_allowed", "Email domain is not allowed.")
	}
	return nil
}

// ValidateOptions checks the settings.
func (f *EmailField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	checkDomainLists(f.ExceptDomains, f.OnlyDomains, errs)
	return errs
}
