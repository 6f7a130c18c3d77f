package schema

// EditorField holds formatted text, kept as it was sent.
type EditorField struct {
	Common
	// MaxSize bounds the value in bytes, 0 stands for 5 MiB.
	MaxSize int64 `json:"maxSize"`
	// ConvertURLs is for editors in clients, the server does nothing with it.
	ConvertURLs bool `json:"convertURLs"`
	Required    bool `json:"required"`
}

// Type returns "editor".
func (f *EditorField) Type() string { return "editor" }

// Column returns the definition of the column, see [Field].
func (f *EditorField) Column() string { return textColumn }

// Multiple returns false.
func (f *EditorField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *EditorField) Zero() Value { return "" }

// IsRequired implements [RequiredField].
func (f *EditorField) IsRequired() bool { return f.Required }
