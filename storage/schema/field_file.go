package schema

// FileField holds the stored names of one or several files.
type FileField struct {
	Common
	// MaxSelect above 1 makes the field hold a list.
	MaxSelect int `json:"maxSelect"`
	// MaxSize bounds one file in bytes, 0 stands for 5 MiB.
	MaxSize int64 `json:"maxSize"`
	// MimeTypes lists the accepted types of content; nil and empty mean all.
	MimeTypes []string `json:"mimeTypes"`
	// Thumbs lists the sizes that thumbnails may be asked in, as "100x50", "100x50t" and so on.
	Thumbs []string `json:"thumbs"`
	// Protected files are served only with a file token.
	Protected bool `json:"protected"`
	Required  bool `json:"required"`
}

// Type returns "file".
func (f *FileField) Type() string { return "file" }

// Column returns the definition of the column, see [Field].
func (f *FileField) Column() string { return listColumn(f.Multiple()) }

// Multiple tells whether the field holds a list.
func (f *FileField) Multiple() bool { return f.MaxSelect > 1 }

// Zero returns "" or, for a list, the empty list.
func (f *FileField) Zero() Value { return listZero(f.Multiple()) }

// IsRequired implements [RequiredField].
func (f *FileField) IsRequired() bool { return f.Required }
