package schema

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// Value is what a field holds, in one Go form per field type:
//
//	text, editor, email, url, date, autodate   string (dates in the stored form, see [FormatDate])
//	select, relation, file with maxSelect <= 1 string
//	the same with maxSelect > 1                []string, never nil
//	number                                     float64
//	bool                                       bool
//	json                                       JSON
//	geoPoint                                   GeoPoint
//	password                                   Password
//
// A Value is not changed once it is in a record; a change makes a new one.
type Value = any

// JSON is the text of a json field as it is stored; nil is null.
type JSON []byte

// GeoPoint is a position in degrees. The zero value is the zero value of a geoPoint field.
type GeoPoint struct {
	Lon float64 `json:"lon"`
	Lat float64 `json:"lat"`
}

// Password is the value of a password field: the stored bcrypt hash, and, between the request and the write, the plain
// text it is to be made from. The zero value is "no password".
type Password struct {
	Hash  string
	Plain string
}

// Common holds the settings that every field type has.
type Common struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Help is a note for those who fill in the field. An autodate field has none.
	Help        string `json:"help"`
	System      bool   `json:"system"`
	Hidden      bool   `json:"hidden"`
	Presentable bool   `json:"presentable"`
}

// Base returns c itself; embedding Common gives a field type this method of [Field].
func (c *Common) Base() *Common { return c }

// Field is one field of a collection: its settings and all that its type decides. A field type is one file in this
// package. Fields are immutable once their collection is in a [Catalogue]; all methods but UnmarshalJSON are then safe
// for concurrent use.
type Field interface {
	// Base returns the common settings; the caller may change them only before the collection is in use.
	Base() *Common
	// Type returns the name of the type as clients write it, for example "geoPoint".
	Type() string
	// Clone returns a deep copy, which the caller may change.
	Clone() Field
	// Kind returns the form of the values.
	Kind() Kind
	// Role returns what the values mean.
	Role() Role
	// CanBeMultiple tells whether the settings of the type decide if a field holds one value or a list; expressions may then
	// ask for the elements of either.
	CanBeMultiple() bool
	// BodyBytes returns how many bytes a value may add to a body, 0 for one that fits into what every body may have.
	BodyBytes() int64
	// Text returns a value as it stands in the text of a mail; "" where it has no such form.
	Text(v Value) string
	// Column returns the column definition after the name, for example "TEXT DEFAULT '' NOT NULL".
	Column() string
	// Multiple tells whether the field holds a list ([]string).
	Multiple() bool
	// Zero returns the value of a field that was never set.
	Zero() Value
	// Cast turns decoded JSON (nil, bool, float64, string, []any, map[string]any) or one of the forms of [Value] into
	// this field's form. It never fails: what cannot be read becomes the zero value or, where the type says so, a value
	// that Validate refuses.
	Cast(raw any) Value
	// Validate checks a value about to be stored and returns a *validation.Error or nil. It looks at nothing but the
	// value and the settings; what needs the database (relations, unique ids) is checked by package records.
	Validate(v Value, op Operation) error
	// ValidateOptions checks the settings themselves and returns the failures keyed by setting ("min", "values", …).
	ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors
	// Scan reads column col of the current row. It fails only where data-dir.md 5.3 speaks of a scan error.
	Scan(stmt *sqlite.Stmt, col int) (Value, error)
	// Bind sets parameter param of stmt to the stored form of v.
	Bind(stmt *sqlite.Stmt, param int, v Value)
	// AppendColumn appends column col of the current row as JSON to dst, without an intermediate Value. Its result is
	// the same as AppendValue of what Scan returns, and it fails where Scan fails, then returning dst as it was.
	AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error)
	// AppendValue appends v as JSON to dst.
	AppendValue(dst []byte, v Value) []byte
}

// Operation is what a value is validated for.
type Operation int

// The two kinds of writes.
const (
	Create Operation = iota
	Update
)

// OptionsInput is what the check of a field's settings may look at.
type OptionsInput struct {
	// Collection is the collection as it is to be stored.
	Collection *Collection
	// Stored is the collection as it is now, nil for a new one.
	Stored *Collection
	// StoredField is the field with the same id in Stored, nil for a new one.
	StoredField Field
	// Find returns the collection with that id, or nil. It sees collections that are saved in the same import.
	Find func(id string) *Collection
}

// Modifier is implemented by fields that understand keys with a "+" or "-" around their name.
type Modifier interface {
	// Modify applies a modifier to the current value and returns the new one. ok is false when the type does not know
	// the modifier, the key is then an unknown key.
	Modify(current Value, m Modification, raw any) (v Value, ok bool)
}

// Modification names a field modifier of a request body.
type Modification int

// The modifiers of request bodies.
const (
	Append       Modification = iota // name+
	Prepend                          // +name
	Remove                           // name-
	Autogenerate                     // name:autogenerate
)

// Generator is implemented by fields that fill in an empty value by themselves when a record is created.
type Generator interface {
	// Generate returns a value for a new record, ok false when the field generates none.
	Generate() (v Value, ok bool)
}
