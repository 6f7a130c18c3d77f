package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// maxRelationTargets is how many collections a polymorphic field may point at: an expand may have to ask each of them.
const maxRelationTargets = 100

// RelationField holds the ids of one or several records of another collection, or, when it is polymorphic, of several
// collections.
type RelationField struct {
	Common
	// CollectionID is the collection that the field points at; a polymorphic field has it for filters only, or not at all.
	CollectionID string `json:"collectionId"`
	// CollectionIDs, when there are any, make the field polymorphic: its values are "collectionId:recordId" with one of
	// them.
	CollectionIDs []string `json:"collectionIds,omitempty"`
	// CascadeDelete deletes the record with the last record that it points at.
	CascadeDelete bool `json:"cascadeDelete"`
	MinSelect     int  `json:"minSelect"`
	// MaxSelect above 1 makes the field hold a list.
	MaxSelect int  `json:"maxSelect"`
	Required  bool `json:"required"`
}

// Type returns "relation".
func (f *RelationField) Type() string { return "relation" }

// Clone returns a deep copy.
func (f *RelationField) Clone() Field {
	c := *f
	c.CollectionIDs = slices.Clone(f.CollectionIDs)
	return &c
}

// Kind returns KindText or, for a list, KindList.
func (f *RelationField) Kind() Kind { return listKind(f.Multiple()) }

// Role returns RoleRelation.
func (f *RelationField) Role() Role { return RoleRelation }

// CanBeMultiple returns true.
func (f *RelationField) CanBeMultiple() bool { return true }

// BodyBytes returns 0: values are small.
func (f *RelationField) BodyBytes() int64 { return 0 }

// Text returns the text, "" for a list.
func (f *RelationField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *RelationField) Column() string { return listColumn(f.Multiple()) }

// Multiple tells whether the field holds a list.
func (f *RelationField) Multiple() bool { return f.MaxSelect > 1 }

// Polymorphic tells whether the values of the field name their collections.
func (f *RelationField) Polymorphic() bool { return len(f.CollectionIDs) > 0 }

// Target returns the ids of the collection and the record that a value of the field names. ok is false for one that a
// polymorphic field keeps but does not follow: it names no collection, or none of CollectionIDs.
func (f *RelationField) Target(value string) (collectionID, id string, ok bool) {
	if !f.Polymorphic() {
		return f.CollectionID, value, true
	}
	collectionID, id, ok = strings.Cut(value, ":")
	return collectionID, id, ok && slices.Contains(f.CollectionIDs, collectionID)
}

func (f *RelationField) normalise() {
	if f.CollectionIDs = uniqueTexts(f.CollectionIDs); len(f.CollectionIDs) == 0 {
		f.CollectionIDs = nil
	}
}

// Zero returns "" or, for a list, the empty list.
func (f *RelationField) Zero() Value { return listZero(f.Multiple()) }

// Cast returns the texts in raw, or the last of them for a field that holds one.
func (f *RelationField) Cast(raw any) Value { return listValue(castList(raw), f.Multiple()) }

// Scan reads the column, whichever of the two forms it is in.
func (f *RelationField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return scanList(stmt, col, f.Multiple()), nil
}

// One returns the id in the column of a field for a single relation, "" when there is none.
func (f *RelationField) One(stmt *sqlite.Stmt, col int) string {
	return oneFromText(columnText(stmt, col))
}

// Bind binds the text, or the list as a JSON array.
func (f *RelationField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	bindList(stmt, param, v, f.Multiple())
}

// AppendColumn appends the column as a JSON string, or as an array of them.
func (f *RelationField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendListColumn(dst, stmt, col, f.Multiple()), nil
}

// AppendValue appends v as a JSON string, or as an array of them.
func (f *RelationField) AppendValue(dst []byte, v Value) []byte {
	return appendListValue(dst, v, f.Multiple())
}

// Modify implements [Modifier] with append, prepend and remove.
func (f *RelationField) Modify(current Value, m Modification, raw any) (Value, bool) {
	return modifyList(current, m, raw, f.Multiple())
}

// Validate checks the number of ids; package records checks that the records exist.
func (f *RelationField) Validate(v Value, _ Operation) error {
	list := texts(v)
	if len(list) == 0 {
		if f.Required {
			return validation.Required
		}
		return nil
	}
	if len(list) < f.MinSelect {
		return validation.New("validation_not_enough_values", fmt.Sprintf("Select at least %d.", f.MinSelect)).
			With(map[string]any{"minSelect": f.MinSelect})
	}
	if limit := max(f.MaxSelect, 1); len(list) > limit {
		return errTooManyValues(limit)
	}
	return nil
}

// ValidateOptions checks the settings and, with in.Find, the collections that the field points at.
func (f *RelationField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	f.checkTargets(in, errs)
	if f.MinSelect < 0 {
		errs.Set("minSelect", errMin(0, 0))
	}
	switch {
	case f.MaxSelect == 0 && f.MinSelect > 0:
		errs.Set("maxSelect", validation.Required)
	case f.MaxSelect != 0 && f.MaxSelect < f.MinSelect:
		errs.Set("maxSelect", errMin(f.MinSelect, f.MinSelect))
	case f.MaxSelect < 0:
		errs.Set("maxSelect", errMin(0, 0))
	}
	return errs
}

var errTargetChange = validation.New("validation_field_relation_change", "The relation collection cannot be changed.")

func (f *RelationField) checkTargets(in *OptionsInput, errs validation.Errors) {
	stored, _ := in.StoredField.(*RelationField)
	if stored != nil && stored.Polymorphic() != f.Polymorphic() {
		// The values have another form.
		errs.Set("collectionIds", errTargetChange)
		return
	}
	if !f.Polymorphic() {
		switch {
		case f.CollectionID == "":
			errs.Set("collectionId", validation.Required)
		case stored != nil && stored.CollectionID != f.CollectionID:
			errs.Set("collectionId", errTargetChange)
		default:
			errs.Set("collectionId", checkTarget(in, f.CollectionID))
		}
		return
	}
	if f.CollectionID != "" {
		errs.Set("collectionId", checkTarget(in, f.CollectionID))
	}
	if len(f.CollectionIDs) > maxRelationTargets {
		errs.Set("collectionIds", validation.New("validation_length_too_long",
			fmt.Sprintf("The length must be no more than %d.", maxRelationTargets)).With(map[string]any{"min": 0, "max": maxRelationTargets}))
		return
	}
	for _, id := range f.CollectionIDs {
		if err := checkTarget(in, id); err != nil {
			errs.Set("collectionIds", err)
			return
		}
	}
}

// checkTarget tells what is wrong with the collection of that id as one that in.Collection points at.
func checkTarget(in *OptionsInput, id string) error {
	target := in.Find(id)
	if target == nil {
		return validation.New("validation_field_relation_missing_collection", "The relation collection doesn't exist.")
	}
	if target.IsView() && !in.Collection.IsView() {
		return validation.New("validation_relation_field_non_view_base_collection",
			"Only view collections are allowed to have relations to other views.")
	}
	return nil
}
