package schema_test

import (
	"fmt"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

func TestOptionsOfPolymorphicRelations(t *testing.T) {
	const (
		changed = `{"code":"validation_field_relation_change","message":"The relation collection cannot be changed."}`
		missing = `{"code":"validation_field_relation_missing_collection","message":"The relation collection doesn't exist."}`
		isView  = `{"code":"validation_relation_field_non_view_base_collection","message":"Only view collections are allowed to have relations to other views."}`
		many    = `{"code":"validation_length_too_long","message":"The length must be no more than 100.","params":{"max":100,"min":0}}`
	)
	var lots []string
	for i := range schema.MaxRelationTargets + 1 {
		lots = append(lots, fmt.Sprint("c", i))
	}
	ordinary, mixed := &schema.RelationField{CollectionID: "a"}, &schema.RelationField{CollectionIDs: []string{"a", "b"}}
	for _, test := range []struct {
		name   string
		stored *schema.RelationField
		base   schema.Type
		to     string
		toAny  []string
		want   string
	}{
		{"several", nil, schema.Base, "", []string{"a", "b"}, `{}`},
		{"one", nil, schema.Base, "", []string{"a"}, `{}`},
		{"and one for filters", nil, schema.Base, "c", []string{"a", "b"}, `{}`},
		{"missing", nil, schema.Base, "", []string{"a", "nope"}, `{"collectionIds":` + missing + `}`},
		{"missing for filters", nil, schema.Base, "nope", []string{"a"}, `{"collectionId":` + missing + `}`},
		{"a view", nil, schema.Base, "", []string{"a", "view"}, `{"collectionIds":` + isView + `}`},
		{"a view of a view", nil, schema.View, "", []string{"a", "view"}, `{}`},
		{"as many as are allowed", nil, schema.Base, "", lots[1:], `{}`},
		{"too many", nil, schema.Base, "", lots, `{"collectionIds":` + many + `}`},
		{"more", mixed, schema.Base, "", []string{"a", "b", "c"}, `{}`},
		{"fewer", mixed, schema.Base, "", []string{"b"}, `{}`},
		{"others for filters", mixed, schema.Base, "c", []string{"a", "b"}, `{}`},
		{"no longer", mixed, schema.Base, "a", nil, `{"collectionIds":` + changed + `}`},
		{"from now on", ordinary, schema.Base, "a", []string{"a", "b"}, `{"collectionIds":` + changed + `}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &schema.RelationField{Common: schema.Common{ID: "f", Name: "f"}, CollectionID: test.to, CollectionIDs: test.toAny}
			in := &schema.OptionsInput{
				Collection: &schema.Collection{Type: test.base},
				Find: func(id string) *schema.Collection {
					switch id {
					case "nope":
						return nil
					case "view":
						return &schema.Collection{ID: id, Type: schema.View}
					}
					return &schema.Collection{ID: id, Type: schema.Base}
				},
			}
			if test.stored != nil {
				in.StoredField = test.stored
			}
			if got := asJSON(t, f.ValidateOptions(t.Context(), in)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestRelationTarget(t *testing.T) {
	ordinary, mixed := &schema.RelationField{CollectionID: "a"}, &schema.RelationField{CollectionID: "a", CollectionIDs: []string{"a", "b"}}
	for _, test := range []struct {
		field                 *schema.RelationField
		value, collection, id string
		ok                    bool
	}{
		{ordinary, "x", "a", "x", true},
		{ordinary, "b:x", "a", "b:x", true},
		{mixed, "b:x", "b", "x", true},
		{mixed, "b:x:y", "b", "x:y", true},
		{mixed, "c:x", "c", "x", false},
		{mixed, "x", "x", "", false},
		{mixed, ":x", "", "x", false},
	} {
		collection, id, ok := test.field.Target(test.value)
		if collection != test.collection || id != test.id || ok != test.ok {
			t.Errorf("%q of %v: %q, %q, %v", test.value, test.field.CollectionIDs, collection, id, ok)
		}
	}
}

// Records of a collection are no matter of the polymorphic relations that may name them.
func TestReferencesLeavePolymorphicRelationsOut(t *testing.T) {
	cat := schema.NewCatalogue(1, []*schema.Collection{{ID: "a", Name: "a"}, {ID: "b", Name: "b", Fields: []schema.Field{
		&schema.RelationField{Common: schema.Common{Name: "one"}, CollectionID: "a"},
		&schema.RelationField{Common: schema.Common{Name: "mixed"}, CollectionID: "a", CollectionIDs: []string{"a", "b"}},
	}}})
	if refs := cat.References("a"); len(refs) != 1 || refs[0].Field.Name != "one" {
		t.Errorf("references %v", refs)
	}
}
