package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
)

// RequiredField is implemented by all field types that can be required, which are all but autodate.
type RequiredField interface {
	Field
	// IsRequired tells whether a value other than the zero value is required.
	IsRequired() bool
}

// errFieldType is part of an answer to clients.
var errFieldType = errors.New("missing or unknown field type")

// NewField returns a field of the type with that exact name, with the default settings of the type.
func NewField(typ string) (Field, error) {
	switch typ {
	case "text":
		return &TextField{}, nil
	case "number":
		return &NumberField{}, nil
	case "bool":
		return &BoolField{}, nil
	case "email":
		return &EmailField{}, nil
	case "url":
		return &URLField{}, nil
	case "editor":
		return &EditorField{}, nil
	case "date":
		return &DateField{}, nil
	case "autodate":
		return &AutodateField{}, nil
	case "select":
		return &SelectField{}, nil
	case "json":
		return &JSONField{}, nil
	case "file":
		return &FileField{}, nil
	case "relation":
		return &RelationField{}, nil
	case "password":
		return &PasswordField{}, nil
	case "geoPoint":
		return &GeoPointField{}, nil
	}
	return nil, fmt.Errorf("%w %q", errFieldType, typ)
}

// DecodeField reads the JSON object of one field as clients send it and as _collections stores it: keys in any case,
// unknown keys are dropped, settings that are missing or null keep the default of the type. It fails for an unknown
// type and for a setting of a wrong JSON type.
func DecodeField(raw []byte) (Field, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("decode field: %w", err)
	}
	f, err := NewField(head.Type)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", errFieldType, raw)
	}
	if err := json.Unmarshal(raw, f); err != nil {
		return nil, fmt.Errorf("decode %s field: %w", head.Type, err)
	}
	if n, ok := f.(interface{ normalise() }); ok {
		n.normalise()
	}
	return f, nil
}

// EncodeField returns f as a JSON object with all keys of its type in alphabetical order, compact, with <, > and &
// escaped: the form in _collections and in answers.
func EncodeField(f Field) []byte {
	// A field is a struct of texts, numbers, booleans and lists of texts, so that none of the steps can fail; a number
	// that is no JSON (an infinite bound set from Go) is the one exception and leaves an object without settings.
	settings := map[string]json.RawMessage{}
	if raw, err := json.Marshal(f); err == nil {
		_ = json.Unmarshal(raw, &settings)
	}
	settings["type"], _ = json.Marshal(f.Type())
	if _, ok := f.(*AutodateField); ok {
		delete(settings, "help")
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	_ = enc.Encode(settings)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// CloneField returns a deep copy of f, which the caller may change.
func CloneField(f Field) Field {
	switch f := f.(type) {
	case *TextField:
		return &TextField{Common: f.Common, Min: f.Min, Max: f.Max, Pattern: f.Pattern,
			AutogeneratePattern: f.AutogeneratePattern, Required: f.Required, PrimaryKey: f.PrimaryKey}
	case *NumberField:
		c := *f
		c.Min, c.Max = cloneNumber(f.Min), cloneNumber(f.Max)
		return &c
	case *BoolField:
		c := *f
		return &c
	case *EmailField:
		c := *f
		c.ExceptDomains, c.OnlyDomains = slices.Clone(f.ExceptDomains), slices.Clone(f.OnlyDomains)
		return &c
	case *URLField:
		c := *f
		c.ExceptDomains, c.OnlyDomains = slices.Clone(f.ExceptDomains), slices.Clone(f.OnlyDomains)
		return &c
	case *EditorField:
		c := *f
		return &c
	case *DateField:
		c := *f
		return &c
	case *AutodateField:
		c := *f
		return &c
	case *SelectField:
		c := *f
		c.Values = slices.Clone(f.Values)
		return &c
	case *JSONField:
		c := *f
		return &c
	case *FileField:
		c := *f
		c.MimeTypes, c.Thumbs = slices.Clone(f.MimeTypes), slices.Clone(f.Thumbs)
		return &c
	case *RelationField:
		c := *f
		c.CollectionIDs = slices.Clone(f.CollectionIDs)
		return &c
	case *PasswordField:
		return &PasswordField{Common: f.Common, Min: f.Min, Max: f.Max, Cost: f.Cost, Pattern: f.Pattern,
			Required: f.Required}
	case *GeoPointField:
		c := *f
		return &c
	}
	return f
}

func cloneNumber(n *float64) *float64 {
	if n == nil {
		return nil
	}
	c := *n
	return &c
}

// GenerateFieldID returns the id that a field of that type and name gets when it was sent without one, before a number
// is appended to tell it from another field.
func GenerateFieldID(typ, name string) string {
	return typ + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(name))), 10)
}
