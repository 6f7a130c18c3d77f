package schema

// JSONField holds any JSON.
type JSONField struct {
	Common
	// MaxSize bounds the JSON text in bytes, 0 stands for 1 MiB.
	MaxSize  int64 `json:"maxSize"`
	Required bool  `json:"required"`
}

// Type returns "json".
func (f *JSONField) Type() string { return "json" }

// Column returns the definition of the column, see [Field].
func (f *JSONField) Column() string { return `JSON DEFAULT NULL` }

// Multiple returns false.
func (f *JSONField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *JSONField) Zero() Value { return JSON(nil) }

// IsRequired implements [RequiredField].
func (f *JSONField) IsRequired() bool { return f.Required }
