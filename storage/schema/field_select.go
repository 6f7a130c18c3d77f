package schema

// SelectField holds one or several of a list of texts.
type SelectField struct {
	Common
	Values []string `json:"values"`
	// MaxSelect above 1 makes the field hold a list.
	MaxSelect int  `json:"maxSelect"`
	Required  bool `json:"required"`
}

// Type returns "select".
func (f *SelectField) Type() string { return "select" }

// Column returns the definition of the column, see [Field].
func (f *SelectField) Column() string { return listColumn(f.Multiple()) }

// Multiple tells whether the field holds a list.
func (f *SelectField) Multiple() bool { return f.MaxSelect > 1 }

// Zero returns "" or, for a list, the empty list.
func (f *SelectField) Zero() Value { return listZero(f.Multiple()) }

// IsRequired implements [RequiredField].
func (f *SelectField) IsRequired() bool { return f.Required }
