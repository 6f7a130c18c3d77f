package schema

// TextField holds a text. A collection's id is the text field with PrimaryKey.
type TextField struct {
	Common
	// Min and Max bound the number of code points; Min 0 is no bound, Max 0 stands for 5000.
	Min int `json:"min"`
	Max int `json:"max"`
	// Pattern is a RE2 expression that a value must match, "" for none.
	Pattern string `json:"pattern"`
	// AutogeneratePattern is a RE2 expression that values are generated from, "" for none.
	AutogeneratePattern string `json:"autogeneratePattern"`
	Required            bool   `json:"required"`
	PrimaryKey          bool   `json:"primaryKey"`
}

// Type returns "text".
func (f *TextField) Type() string { return "text" }

// Column returns the definition of the column, see [Field].
func (f *TextField) Column() string {
	if f.PrimaryKey {
		return "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL"
	}
	return textColumn
}

// Multiple returns false.
func (f *TextField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *TextField) Zero() Value { return "" }

// IsRequired implements [RequiredField].
func (f *TextField) IsRequired() bool { return f.Required }
