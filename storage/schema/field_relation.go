package schema

// RelationField holds the ids of one or several records of another collection.
type RelationField struct {
	Common
	CollectionID string `json:"collectionId"`
	// CascadeDelete deletes the record with the last record that it points at.
	CascadeDelete bool `json:"cascadeDelete"`
	MinSelect     int  `json:"minSelect"`
	// MaxSelect above 1 makes the field hold a list.
	MaxSelect int  `json:"maxSelect"`
	Required  bool `json:"required"`
}

// Type returns "relation".
func (f *RelationField) Type() string { return "relation" }

// Column returns the definition of the column, see [Field].
func (f *RelationField) Column() string { return listColumn(f.Multiple()) }

// Multiple tells whether the field holds a list.
func (f *RelationField) Multiple() bool { return f.MaxSelect > 1 }

// Zero returns "" or, for a list, the empty list.
func (f *RelationField) Zero() Value { return listZero(f.Multiple()) }

// IsRequired implements [RequiredField].
func (f *RelationField) IsRequired() bool { return f.Required }
