package schema

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

// Column returns the definition of the column, see [Field].
func (f *EmailField) Column() string { return textColumn }

// Multiple returns false.
func (f *EmailField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *EmailField) Zero() Value { return "" }

// IsRequired implements [RequiredField].
func (f *EmailField) IsRequired() bool { return f.Required }
