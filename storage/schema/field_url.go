package schema

import (
	"context"
	"net/url"
	"slices"

	"github.com/asaskevich/govalidator"
	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// URLField holds a URL.
type URLField struct {
	Common
	// ExceptDomains and OnlyDomains list the hosts (with port) refused and accepted; nil and empty lists mean all are
	// welcome.
	ExceptDomains []string `json:"exceptDomains"`
	OnlyDomains   []string `json:"onlyDomains"`
	Required      bool     `json:"required"`
}

// Type returns "url".
func (f *URLField) Type() string { return "url" }

// Clone returns a deep copy.
func (f *URLField) Clone() Field {
	c := *f
	c.ExceptDomains, c.OnlyDomains = slices.Clone(f.ExceptDomains), slices.Clone(f.OnlyDomains)
	return &c
}

// Kind returns KindText.
func (f *URLField) Kind() Kind { return KindText }

// Role returns RolePlain.
func (f *URLField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *URLField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *URLField) BodyBytes() int64 { return 0 }

// Text returns the text.
func (f *URLField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *URLField) Column() string { return textColumn }

// Multiple returns false.
func (f *URLField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *URLField) Zero() Value { return "" }

// Cast returns raw as text.
func (f *URLField) Cast(raw any) Value { return castText(raw) }

// Scan returns the column as text.
func (f *URLField) Scan(stmt *sqlite.Stmt, col int) (Value, error) { return columnText(stmt, col), nil }

// Bind binds the text.
func (f *URLField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the column as a JSON string.
func (f *URLField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendTextColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *URLField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }

// Validate checks the URL and its host, port included.
func (f *URLField) Validate(v Value, _ Operation) error {
	s, _ := v.(string)
	if s == "" {
		if f.Required {
			return validation.Required
		}
		return nil
	}
	if !govalidator.IsURL(s) {
		return validation.New("validation_invalid_url", "Must be a valid url.")
	}
	if len(f.ExceptDomains) == 0 && len(f.OnlyDomains) == 0 {
		return nil
	}
	// A URL without a scheme has no host here; one that does not parse is treated the same.
	host := ""
	if u, err := url.Parse(s); err == nil {
		host = u.Host
	}
	if !domainAllowed(host, f.ExceptDomains, f.OnlyDomains) {
		return validation.New("validation_url_domain_not_allowed", "Url domain is not allowed.")
	}
	return nil
}

// ValidateOptions checks the settings.
func (f *URLField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	checkDomainLists(f.ExceptDomains, f.OnlyDomains, errs)
	return errs
}
