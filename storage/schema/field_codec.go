package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
)

// errFieldType is part of an answer to clients.
var errFieldType = errors.New("missing or unknown field type")

// fieldTypes makes a field of each type, with the default settings of the type.
var fieldTypes = map[string]func() Field{
	"text":     func() Field { return new(TextField) },
	"number":   func() Field { return new(NumberField) },
	"bool":     func() Field { return new(BoolField) },
	"email":    func() Field { return new(EmailField) },
	"url":      func() Field { return new(URLField) },
	"editor":   func() Field { return new(EditorField) },
	"date":     func() Field { return new(DateField) },
	"autodate": func() Field { return new(AutodateField) },
	"select":   func() Field { return new(SelectField) },
	"json":     func() Field { return new(JSONField) },
	"file":     func() Field { return new(FileField) },
	"relation": func() Field { return new(RelationField) },
	"password": func() Field { return new(PasswordField) },
	"geoPoint": func() Field { return new(GeoPointField) },
}

// FieldTypes returns the names of all types, sorted.
func FieldTypes() []string { return slices.Sorted(maps.Keys(fieldTypes)) }

// newField returns a field of the type with that exact name, with the default settings of the type.
func newField(typ string) (Field, error) {
	if f, ok := fieldTypes[typ]; ok {
		return f(), nil
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
	f, err := newField(head.Type)
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
	if f, ok := f.(interface{ without() []string }); ok {
		for _, key := range f.without() {
			delete(settings, key)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	_ = enc.Encode(settings)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// generateFieldID returns the id that a field of that type and name gets when it was sent without one, before a number
// is appended to tell it from another field.
func generateFieldID(typ, name string) string {
	return typ + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(name))), 10)
}
