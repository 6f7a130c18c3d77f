package schema

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// defaultMaxFile is the bound in bytes of a file whose field sets none.
const defaultMaxFile = 5 << 20

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

// Clone returns a deep copy.
func (f *FileField) Clone() Field {
	c := *f
	c.MimeTypes, c.Thumbs = slices.Clone(f.MimeTypes), slices.Clone(f.Thumbs)
	return &c
}

// Kind returns KindText or, for a list, KindList.
func (f *FileField) Kind() Kind { return listKind(f.Multiple()) }

// Role returns RoleFiles.
func (f *FileField) Role() Role { return RoleFiles }

// CanBeMultiple returns true.
func (f *FileField) CanBeMultiple() bool { return true }

// BodyBytes returns the largest size of what the field holds.
func (f *FileField) BodyBytes() int64 { return f.Limit() * int64(max(f.MaxSelect, 1)) }

// Text returns the text, "" for a list.
func (f *FileField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *FileField) Column() string { return listColumn(f.Multiple()) }

// Multiple tells whether the field holds a list.
func (f *FileField) Multiple() bool { return f.MaxSelect > 1 }

// Zero returns "" or, for a list, the empty list.
func (f *FileField) Zero() Value { return listZero(f.Multiple()) }

// Cast returns the texts in raw, or the last of them for a field that holds one.
func (f *FileField) Cast(raw any) Value { return listValue(castList(raw), f.Multiple()) }

// Scan reads the column, whichever of the two forms it is in.
func (f *FileField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return scanList(stmt, col, f.Multiple()), nil
}

// Bind binds the text, or the list as a JSON array.
func (f *FileField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	bindList(stmt, param, v, f.Multiple())
}

// AppendColumn appends the column as a JSON string, or as an array of them.
func (f *FileField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendListColumn(dst, stmt, col, f.Multiple()), nil
}

// AppendValue appends v as a JSON string, or as an array of them.
func (f *FileField) AppendValue(dst []byte, v Value) []byte {
	return appendListValue(dst, v, f.Multiple())
}

// Modify implements [Modifier] with append, prepend and remove.
func (f *FileField) Modify(current Value, m Modification, raw any) (Value, bool) {
	return modifyList(current, m, raw, f.Multiple())
}

// Limit returns the largest size of one file in bytes.
func (f *FileField) Limit() int64 {
	if f.MaxSize <= 0 {
		return defaultMaxFile
	}
	return f.MaxSize
}

// Validate checks the number of names; package records checks which are known and what was uploaded.
func (f *FileField) Validate(v Value, _ Operation) error {
	list := texts(v)
	if len(list) == 0 && f.Required {
		return validation.Required
	}
	if limit := max(f.MaxSelect, 1); len(list) > limit {
		return validation.New("validation_too_many_files", fmt.Sprintf("The maximum allowed files is %d.", limit)).
			With(map[string]any{"maxSelect": limit})
	}
	return nil
}

// thumbPattern is the form of a thumbnail size: width, height and how it is cut.
var thumbPattern = regexp.MustCompile(`^(\d+)x(\d+)(t|b|f)?$`)

// ValidateOptions checks the settings.
func (f *FileField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	errs.Set("maxSelect", within(int64(f.MaxSelect), 0, maxSafeInt))
	errs.Set("maxSize", within(f.MaxSize, 0, maxSafeInt))
	thumbs := validation.Errors{}
	for i, size := range f.Thumbs {
		switch {
		case size == "":
		case size == "0x0" || size == "0x0t" || size == "0x0b" || size == "0x0f":
			thumbs.Set(strconv.Itoa(i), errNotIn)
		case !thumbPattern.MatchString(size):
			thumbs.Set(strconv.Itoa(i), errMatch)
		}
	}
	errs.Set("thumbs", thumbs)
	return errs
}
