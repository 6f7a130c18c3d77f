package schema

// Kind is the form of a field's values in comparisons and in the database. Several types share one; code that deals with
// values asks for it and not for the type, so that a new type is understood by what it says about itself.
type Kind int

// The kinds of values.
const (
	// KindText is a text in a column of text affinity.
	KindText Kind = iota
	// KindNumber is a number in a numeric column.
	KindNumber
	// KindBool is 0 or 1 in a numeric column.
	KindBool
	// KindJSON is the text of any JSON value; comparisons look at what it holds.
	KindJSON
	// KindObject is the text of a JSON object of which paths name the parts.
	KindObject
	// KindList is a JSON array of texts.
	KindList
)

// HoldsJSON tells whether a path can go on into the values.
func (k Kind) HoldsJSON() bool { return k == KindJSON || k == KindObject }

// listKind is the kind of the types that hold one text or a list.
func listKind(multiple bool) Kind {
	if multiple {
		return KindList
	}
	return KindText
}

// Role is what values mean beside themselves, and so who writes and who reads them.
type Role int

// The roles of fields.
const (
	// RolePlain is a value and nothing else.
	RolePlain Role = iota
	// RoleFiles are names of stored files, which come and go with the value.
	RoleFiles
	// RoleRelation are ids of records.
	RoleRelation
	// RoleSecret is what nobody may read, or learn by comparing it.
	RoleSecret
	// RoleComputed is what the server alone writes.
	RoleComputed
)

// stringText is the text form of a value that is one text; a list has none.
func stringText(v Value) string {
	s, _ := v.(string)
	return s
}
