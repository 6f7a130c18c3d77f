package schema

// BoolField holds true or false.
type BoolField struct {
	Common
	// Required means that the value must be true.
	Required bool `json:"required"`
}

// Type returns "bool".
func (f *BoolField) Type() string { return "bool" }

// Column returns the definition of the column, see [Field].
func (f *BoolField) Column() string { return `BOOLEAN DEFAULT FALSE NOT NULL` }

// Multiple returns false.
func (f *BoolField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *BoolField) Zero() Value { return false }

// IsRequired implements [RequiredField].
func (f *BoolField) IsRequired() bool { return f.Required }
