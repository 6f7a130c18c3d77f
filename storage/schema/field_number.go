package schema

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

// Column returns the definition of the column, see [Field].
func (f *NumberField) Column() string { return `NUMERIC DEFAULT 0 NOT NULL` }

// Multiple returns false.
func (f *NumberField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *NumberField) Zero() Value { return float64(0) }

// IsRequired implements [RequiredField].
func (f *NumberField) IsRequired() bool { return f.Required }
