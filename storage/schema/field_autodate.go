package schema

// AutodateField holds a moment that the server sets.
type AutodateField struct {
	Common
	OnCreate bool `json:"onCreate"`
	OnUpdate bool `json:"onUpdate"`
}

// Type returns "autodate".
func (f *AutodateField) Type() string { return "autodate" }

// Column returns the definition of the column, see [Field].
func (f *AutodateField) Column() string { return textColumn }

// Multiple returns false.
func (f *AutodateField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *AutodateField) Zero() Value { return "" }
