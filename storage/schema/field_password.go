package schema

// PasswordField holds a bcrypt hash that is never shown.
type PasswordField struct {
	Common
	// Min and Max bound the number of code points of the plain text; Max 0 stands for 71.
	Min int `json:"min"`
	Max int `json:"max"`
	// Cost is the bcrypt cost as it was set, 0 stands for the default; [PasswordField.HashCost] is the effective one.
	Cost int `json:"cost"`
	// Pattern is a RE2 expression that the plain text must match, "" for none.
	Pattern  string `json:"pattern"`
	Required bool   `json:"required"`
}

// Type returns "password".
func (f *PasswordField) Type() string { return "password" }

// Column returns the definition of the column, see [Field].
func (f *PasswordField) Column() string { return textColumn }

// Multiple returns false.
func (f *PasswordField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *PasswordField) Zero() Value { return Password{} }

// IsRequired implements [RequiredField].
func (f *PasswordField) IsRequired() bool { return f.Required }
