package schema

// DateField holds a moment.
type DateField struct {
	Common
	// Min and Max are datetimes in the stored form, "" is no bound.
	Min      string `json:"min"`
	Max      string `json:"max"`
	Required bool   `json:"required"`
}

// Type returns "date".
func (f *DateField) Type() string { return "date" }

// Column returns the definition of the column, see [Field].
func (f *DateField) Column() string { return textColumn }

// Multiple returns false.
func (f *DateField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *DateField) Zero() Value { return "" }

// IsRequired implements [RequiredField].
func (f *DateField) IsRequired() bool { return f.Required }
