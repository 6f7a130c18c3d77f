package schema

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

// Column returns the definition of the column, see [Field].
func (f *URLField) Column() string { return textColumn }

// Multiple returns false.
func (f *URLField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *URLField) Zero() Value { return "" }

// IsRequired implements [RequiredField].
func (f *URLField) IsRequired() bool { return f.Required }
