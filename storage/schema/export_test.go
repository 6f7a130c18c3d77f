package schema

// What tests of the public surface need of the inside.
var (
	DeriveView = deriveView
	FromRow    = fromRow
	// FieldMakers makes a field of each type as a definition would, before anything was set.
	FieldMakers = fieldTypes
	// ValidateCommon is the part of the checks that needs no collection around the field.
	ValidateCommon = validateCommon
	// EscapeTail and AppendJSONNumber are fed with values that no field can hold.
	EscapeTail       = escapeTail
	AppendJSONNumber = appendJSONNumber
)

// Settings that checks have where a definition says nothing.
const (
	DefaultIDPattern   = defaultIDPattern
	MaxRelationTargets = maxRelationTargets
)

// Row is the stored form of a collection.
type Row = row

// Row returns the stored form of c.
func (c *Collection) Row() Row { return c.row() }
