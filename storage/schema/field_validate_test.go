package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

func number(n float64) *float64 { return &n }

// asJSON returns what a client sees of an error.
func asJSON(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	tree, ok := err.(validation.Errors)
	if !ok {
		tree = validation.Errors{"v": err}
	}
	out, failed := json.Marshal(tree)
	if failed != nil {
		t.Fatal(failed)
	}
	if ok {
		return string(out)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(out), `{"v":`), `}`)
}

const (
	wantRequired = `{"code":"validation_required","message":"Cannot be blank."}`
	wantFormat   = `{"code":"validation_invalid_format","message":"Invalid value format."}`
)

var freeID = &schema.TextField{PrimaryKey: true, Required: true, Pattern: "^.+$"}

// validateCases are values and the failures that they are.
var validateCases = []struct {
	name  string
	field schema.Field
	raw   any
	want  string
}{
	{"text required", &schema.TextField{Required: true}, "", wantRequired},
	{"text of blanks", &schema.TextField{Required: true}, " ", ""},
	{"text empty", &schema.TextField{Min: 3, Pattern: "a"}, "", ""},
	{"text short", &schema.TextField{Min: 3}, "éé", `{"code":"validation_min_text_constraint","message":"Must be at least 3 character(s).","params":{"min":3}}`},
	{"text long enough", &schema.TextField{Min: 3, Max: 3}, "ééé", ""},
	{"text long", &schema.TextField{Max: 3}, "éééé", `{"code":"validation_max_text_constraint","message":"Must be no more than 3 character(s).","params":{"max":3}}`},
	{"text default max", &schema.TextField{}, strings.Repeat("é", 5000), ""},
	{"text over default max", &schema.TextField{}, strings.Repeat("a", 5001), `{"code":"validation_max_text_constraint","message":"Must be no more than 5000 character(s).","params":{"max":5000}}`},
	{"text pattern", &schema.TextField{Pattern: "^a"}, "ab", ""},
	{"text other than pattern", &schema.TextField{Pattern: "^a"}, "ba", wantFormat},
	{"id", freeID, "ü-_@#", ""},
	{"id empty", freeID, nil, wantRequired},
	{"id with dot", freeID, "a%.b", `{"code":"validation_forbidden_pk_character","message":"'.' is not a valid primary key character.","params":{"ch":"."}}`},
	{"id with backslash", freeID, `a\b`, `{"code":"validation_forbidden_pk_character","message":"'\\' is not a valid primary key character.","params":{"ch":"\\"}}`},
	{"id with NUL", freeID, "a\x00b", `{"code":"validation_forbidden_pk_character","message":"'\u0000' is not a valid primary key character.","params":{"ch":"\u0000"}}`},
	{"id with line feed", freeID, "a\nb", wantFormat},
	{"id of a device", freeID, "con", `{"code":"validation_reserved_pk","message":"The primary key 'CON' is reserved and cannot be used.","params":{"reserved":"CON"}}`},
	{"id of a port", freeID, "Lpt9", `{"code":"validation_reserved_pk","message":"The primary key 'LPT9' is reserved and cannot be used.","params":{"reserved":"LPT9"}}`},
	{"id of no port", freeID, "com0", ""},
	{"default id", &schema.TextField{PrimaryKey: true, Pattern: schema.DefaultIDPattern}, "con", ""},

	{"number required", &schema.NumberField{Required: true}, 0.0, wantRequired},
	{"number zero", &schema.NumberField{Min: number(3), Max: number(-3)}, 0.0, ""},
	{"number min", &schema.NumberField{Min: number(3)}, 2.5, `{"code":"validation_min_number_constraint","message":"Must be greater or equal than 3.","params":{"min":3}}`},
	{"number max", &schema.NumberField{Max: number(1.5)}, 2.0, `{"code":"validation_max_number_constraint","message":"Must be less or equal than 1.5.","params":{"max":1.5}}`},
	{"number within", &schema.NumberField{Min: number(2), Max: number(2)}, 2.0, ""},
	{"number int", &schema.NumberField{OnlyInt: true, Min: number(5)}, 1.5, `{"code":"validation_only_int_constraint","message":"Decimal numbers are not allowed."}`},
	{"number big int", &schema.NumberField{OnlyInt: true}, 1e19, `{"code":"validation_only_int_constraint","message":"Decimal numbers are not allowed."}`},
	{"number NaN", &schema.NumberField{Required: true}, "NaN", `{"code":"validation_not_a_number","message":"The submitted number is not properly formatted."}`},
	{"number infinite", &schema.NumberField{}, "-Inf", `{"code":"validation_not_a_number","message":"The submitted number is not properly formatted."}`},

	{"bool required", &schema.BoolField{Required: true}, false, wantRequired},
	{"bool", &schema.BoolField{Required: true}, true, ""},

	{"email required", &schema.EmailField{Required: true}, "", wantRequired},
	{"email", &schema.EmailField{}, `"x"@b.co`, ""},
	{"email bad", &schema.EmailField{}, "a@b", `{"code":"validation_is_email","message":"Must be a valid email address."}`},
	{"email only", &schema.EmailField{OnlyDomains: []string{"b.co"}}, "a@b.co", ""},
	{"email only, case", &schema.EmailField{OnlyDomains: []string{"b.co"}}, "a@B.co", `{"code":"validation_email_domain_not_allowed","message":"Email domain is not allowed."}`},
	{"email except", &schema.EmailField{ExceptDomains: []string{"b.co"}}, "a@b.co", `{"code":"validation_email_domain_not_allowed","message":"Email domain is not allowed."}`},
	{"email except others", &schema.EmailField{ExceptDomains: []string{"b.co"}}, "a@sub.b.co", ""},

	{"url required", &schema.URLField{Required: true}, "", wantRequired},
	{"url", &schema.URLField{}, "a.co/path", ""},
	{"url bad", &schema.URLField{}, "/rel", `{"code":"validation_invalid_url","message":"Must be a valid url."}`},
	{"url only, port", &schema.URLField{OnlyDomains: []string{"a.co"}}, "http://a.co:8080", `{"code":"validation_url_domain_not_allowed","message":"Url domain is not allowed."}`},
	{"url only, no scheme", &schema.URLField{OnlyDomains: []string{"a.co"}}, "a.co", `{"code":"validation_url_domain_not_allowed","message":"Url domain is not allowed."}`},
	{"url only", &schema.URLField{OnlyDomains: []string{"a.co"}}, "http://a.co/x", ""},
	{"url except", &schema.URLField{ExceptDomains: []string{"a.co"}}, "http://a.co", `{"code":"validation_url_domain_not_allowed","message":"Url domain is not allowed."}`},

	{"editor required", &schema.EditorField{Required: true}, "", wantRequired},
	{"editor size", &schema.EditorField{MaxSize: 4}, "éé", ""},
	{"editor too big", &schema.EditorField{MaxSize: 4}, "ééé", `{"code":"validation_content_size_limit","message":"The maximum allowed content size is 4 bytes.","params":{"maxSize":4}}`},

	{"date required", &schema.DateField{Required: true}, "bad", wantRequired},
	{"date empty", &schema.DateField{Min: "2020-01-01 00:00:00.000Z"}, "", ""},
	{"date min", &schema.DateField{Min: "2020-01-01 00:00:00.000Z"}, "2019-12-31 23:59:59.999Z", `{"code":"validation_min_greater_equal_than_required","message":"Must be no less than 2020-01-01 00:00:00 +0000 UTC.","params":{"threshold":"2020-01-01T00:00:00Z"}}`},
	{"date max", &schema.DateField{Max: "2020-01-01 00:00:00.500Z"}, "2020-01-01 00:00:00.501Z", `{"code":"validation_max_less_equal_than_required","message":"Must be no greater than 2020-01-01 00:00:00.5 +0000 UTC.","params":{"threshold":"2020-01-01T00:00:00.5Z"}}`},
	{"date within", &schema.DateField{Min: "2020-01-01 00:00:00.000Z", Max: "2020-01-01 00:00:00.000Z"}, "2020-01-01", ""},

	{"select required", &schema.SelectField{Required: true}, "", wantRequired},
	{"select none", &schema.SelectField{}, "", ""},
	{"select unknown", &schema.SelectField{Values: []string{"a"}}, " a ", `{"code":"validation_invalid_value","message":"Invalid value  a.","params":{"value":" a "}}`},
	{"select many first", &schema.SelectField{Values: []string{"a"}, MaxSelect: 2}, []any{"a", "y", "x"}, `{"code":"validation_too_many_values","message":"Select no more than 2.","params":{"maxSelect":2}}`},
	{"select one of", &schema.SelectField{Values: []string{"a", "b"}, MaxSelect: 2}, []any{"b", "a"}, ""},

	{"relation required", &schema.RelationField{Required: true, MaxSelect: 2}, []any{}, wantRequired},
	{"relation none", &schema.RelationField{MinSelect: 2, MaxSelect: 3}, []any{}, ""},
	{"relation few", &schema.RelationField{MinSelect: 2, MaxSelect: 3}, "a", `{"code":"validation_not_enough_values","message":"Select at least 2.","params":{"minSelect":2}}`},
	{"relation many", &schema.RelationField{MaxSelect: 2}, []any{"a", "b", "c"}, `{"code":"validation_too_many_values","message":"Select no more than 2.","params":{"maxSelect":2}}`},
	{"relation last", &schema.RelationField{}, []any{"a", "b", "c"}, ""},

	{"file required", &schema.FileField{Required: true}, nil, wantRequired},
	{"file many", &schema.FileField{MaxSelect: 2}, []any{"a", "b", "c"}, `{"code":"validation_too_many_files","message":"The maximum allowed files is 2.","params":{"maxSelect":2}}`},

	{"json null", &schema.JSONField{Required: true}, nil, wantRequired},
	{"json typed null", &schema.JSONField{Required: true}, "null", wantRequired},
	{"json empty text", &schema.JSONField{Required: true}, "", wantRequired},
	{"json empty list", &schema.JSONField{Required: true}, []any{}, wantRequired},
	{"json empty object", &schema.JSONField{Required: true}, map[string]any{}, wantRequired},
	{"json zero", &schema.JSONField{Required: true}, 0.0, ""},
	{"json false", &schema.JSONField{Required: true}, false, ""},
	{"json blank list", &schema.JSONField{Required: true}, "[ ]", ""},
	// Found by FuzzRecordBody: SQLite made infinity of it, which was read as null.
	{"json number beyond all bounds", &schema.JSONField{}, "1e999", `{"code":"validation_invalid_json","message":"Must be a valid json value."}`},
	{"json negative number beyond all bounds", &schema.JSONField{}, "-1e400", `{"code":"validation_invalid_json","message":"Must be a valid json value."}`},
	{"json large number", &schema.JSONField{}, "-1e308", ""},
	{"json size", &schema.JSONField{MaxSize: 5}, "abc", ""},
	{"json too big", &schema.JSONField{MaxSize: 5}, "abcd", `{"code":"validation_json_size_limit","message":"The maximum allowed JSON size is 5 bytes.","params":{"maxSize":5}}`},
	{"json broken", &schema.JSONField{}, schema.JSON("{"), `{"code":"validation_invalid_json","message":"Must be a valid json value."}`},

	{"point required", &schema.GeoPointField{Required: true}, nil, wantRequired},
	{"point at the edge", &schema.GeoPointField{}, schema.GeoPoint{-180, 90}, ""},
	{"point north", &schema.GeoPointField{}, schema.GeoPoint{181, 90.5}, `{"code":"validation_invalid_latitude","message":"Latitude must be between -90 and 90 degrees."}`},
	{"point east", &schema.GeoPointField{}, schema.GeoPoint{180.5, 0}, `{"code":"validation_invalid_longitude","message":"Longitude must be between -180 and 180 degrees."}`},

	{"password required", &schema.PasswordField{Required: true}, "", wantRequired},
	{"password stored", &schema.PasswordField{Required: true, Min: 90}, schema.Password{Hash: "h"}, ""},
	{"password short", &schema.PasswordField{Min: 8}, "1234567", `{"code":"validation_min_text_constraint","message":"Must be at least 8 character(s)."}`},
	{"password long", &schema.PasswordField{Max: 3}, "1234", `{"code":"validation_max_text_constraint","message":"Must be less than 3 character(s)."}`},
	{"password default max", &schema.PasswordField{}, strings.Repeat("a", 72), `{"code":"validation_max_text_constraint","message":"Must be less than 71 character(s)."}`},
	{"password bytes", &schema.PasswordField{}, strings.Repeat("é", 37), `{"code":"validation_invalid_value","message":"Invalid value."}`},
	{"password pattern", &schema.PasswordField{Pattern: `^\d+$`}, "abc", wantFormat},
}

func TestValidate(t *testing.T) {
	for _, test := range validateCases {
		t.Run(test.name, func(t *testing.T) {
			got := asJSON(t, test.field.Validate(test.field.Cast(test.raw), schema.Create))
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if err := freeID.Validate("a.b", schema.Update); err != nil {
		t.Errorf("the id of an existing record: %v", err)
	}
}

// Failures of settings.
const (
	wantMin0  = `{"code":"validation_min_greater_equal_than_required","message":"Must be no less than 0.","params":{"threshold":0}}`
	wantMatch = `{"code":"validation_match_invalid","message":"Must be in a valid format."}`
	wantNotIn = `{"code":"validation_not_in_invalid","message":"Must not be in list."}`
	wantEmpty = `{"code":"validation_empty","message":"Must be blank."}`
	wantDom   = `{"code":"validation_is_domain","message":"Must be a valid domain."}`
	wantSafe  = `{"code":"validation_max_less_equal_than_required","message":"Must be no greater than 9007199254740991.","params":{"threshold":9007199254740991}}`
	wantRegex = `{"code":"validation_invalid_regex","message":"Error parsing regexp: missing closing ]: ` + "`[`" + `."}`
)

// optionCases are definitions of fields and the failures of their settings.
var optionCases = []struct{ field, want string }{
	{`{"type":"text"}`, `{}`},
	{`{"type":"text","name":"null"}`, `{"name":` + wantNotIn + `}`},
	{`{"type":"text","name":"Null"}`, `{}`},
	{`{"type":"text","name":"a b"}`, `{"name":` + wantMatch + `}`},
	{`{"type":"text","name":"é"}`, `{"name":` + wantMatch + `}`},
	{`{"type":"text","name":"X_VIA_"}`, `{"name":{"code":"validation_found_via","message":"The value cannot contain \"_via_\"."}}`},
	{`{"type":"text","name":"` + strings.Repeat("a", 101) + `"}`, `{"name":{"code":"validation_length_out_of_range","message":"The length must be between 1 and 100.","params":{"max":100,"min":1}}}`},
	{`{"type":"text","id":"` + strings.Repeat("a", 101) + `"}`, `{"id":{"code":"validation_length_out_of_range","message":"The length must be between 1 and 100.","params":{"max":100,"min":1}}}`},
	{`{"type":"text","help":"` + strings.Repeat("a", 301) + `"}`, `{"help":{"code":"validation_length_out_of_range","message":"The length must be between 1 and 300.","params":{"max":300,"min":1}}}`},
	{`{"type":"text","min":-1,"max":-1}`, `{"min":` + wantMin0 + `}`},
	{`{"type":"text","max":-1}`, `{"max":` + wantMin0 + `}`},
	{`{"type":"text","min":5,"max":4}`, `{"max":{"code":"validation_min_greater_equal_than_required","message":"Must be no less than 5.","params":{"threshold":5}}}`},
	{`{"type":"text","min":9007199254740992}`, `{"min":` + wantSafe + `}`},
	{`{"type":"text","pattern":"["}`, `{"pattern":` + wantRegex + `}`},
	{`{"type":"text","autogeneratePattern":"["}`, `{"autogeneratePattern":` + wantRegex + `}`},
	{`{"type":"text","autogeneratePattern":"a$"}`, `{"autogeneratePattern":{"code":"validation_invalid_autogenerate_pattern","message":"Unsupported pattern operator 10."}}`},
	{`{"type":"text","autogeneratePattern":"k{5}","min":6}`, `{"autogeneratePattern":{"code":"validation_invalid_autogenerate_pattern_value","message":"The provided autogenerate pattern could produce invalid field values, ex.: \"kkkkk\"."}}`},
	{`{"type":"text","autogeneratePattern":"k{5}","pattern":"["}`, `{"pattern":` + wantRegex + `}`},
	{`{"type":"text","primaryKey":true}`, `{"name":{"code":"validation_in_invalid","message":"The primary key must be named \"id\"."},"pattern":` + wantRequired + `,"primaryKey":{"code":"validation_unsupported_composite_pk","message":"Composite PKs are not supported and the collection must have only 1 PK."},"required":` + wantRequired + `}`},
	{`{"type":"number","min":1.5,"max":2.5,"onlyInt":true}`, `{"max":{"code":"validation_only_int_constraint","message":"Decimal numbers are not allowed."},"min":{"code":"validation_only_int_constraint","message":"Decimal numbers are not allowed."}}`},
	{`{"type":"number","min":0,"max":-1}`, `{"max":{"code":"validation_min_number_constraint","message":"Must be greater or equal than 0.","params":{"min":0}}}`},
	{`{"type":"bool"}`, `{}`},
	{`{"type":"email","exceptDomains":["a.co"],"onlyDomains":["x"]}`, `{"exceptDomains":` + wantEmpty + `,"onlyDomains":` + wantEmpty + `}`},
	{`{"type":"email","onlyDomains":["a.co","","x","a.com:80","-a.com"]}`, `{"onlyDomains":{"2":` + wantDom + `,"3":` + wantDom + `,"4":` + wantDom + `}}`},
	{`{"type":"url","exceptDomains":["localhost"]}`, `{"exceptDomains":{"0":` + wantDom + `}}`},
	{`{"type":"editor","maxSize":-1}`, `{"maxSize":` + wantMin0 + `}`},
	{`{"type":"json","maxSize":9007199254740992}`, `{"maxSize":` + wantSafe + `}`},
	{`{"type":"date","min":"2021-01-01","max":"2020-01-01"}`, `{}`},
	{`{"type":"autodate"}`, `{"onCreate":{"code":"validation_required","message":"Either onCreate or onUpdate must be enabled."},"onUpdate":{"code":"validation_required","message":"Either onCreate or onUpdate must be enabled."}}`},
	{`{"type":"autodate","onUpdate":true}`, `{}`},
	{`{"type":"select"}`, `{"values":` + wantRequired + `}`},
	{`{"type":"select","values":["a","a",""],"maxSelect":4}`, `{"maxSelect":{"code":"validation_max_less_equal_than_required","message":"Must be no greater than 3.","params":{"threshold":3}}}`},
	{`{"type":"file","maxSelect":-1,"maxSize":-1}`, `{"maxSelect":` + wantMin0 + `,"maxSize":` + wantMin0 + `}`},
	{`{"type":"file","thumbs":["10x10","","0x0t","10x10c","0x10f"]}`, `{"thumbs":{"2":` + wantNotIn + `,"3":` + wantMatch + `}}`},
	{`{"type":"relation"}`, `{"collectionId":` + wantRequired + `}`},
	{`{"type":"relation","collectionId":"nope"}`, `{"collectionId":{"code":"validation_field_relation_missing_collection","message":"The relation collection doesn't exist."}}`},
	{`{"type":"relation","collectionId":"view"}`, `{"collectionId":{"code":"validation_relation_field_non_view_base_collection","message":"Only view collections are allowed to have relations to other views."}}`},
	{`{"type":"relation","collectionId":"target","minSelect":1}`, `{"maxSelect":` + wantRequired + `}`},
	{`{"type":"relation","collectionId":"target","minSelect":-1}`, `{"minSelect":` + wantMin0 + `}`},
	{`{"type":"relation","collectionId":"target","minSelect":2,"maxSelect":1}`, `{"maxSelect":{"code":"validation_min_greater_equal_than_required","message":"Must be no less than 2.","params":{"threshold":2}}}`},
	{`{"type":"password","min":-1,"max":72,"cost":3,"pattern":"["}`, `{"cost":{"code":"validation_min_greater_equal_than_required","message":"Must be no less than 4.","params":{"threshold":4}},"max":{"code":"validation_max_less_equal_than_required","message":"Must be no greater than 71.","params":{"threshold":71}},"min":{"code":"validation_min_greater_equal_than_required","message":"Must be no less than 1.","params":{"threshold":1}},"pattern":` + wantRegex + `}`},
	{`{"type":"password","min":5,"max":0,"cost":31}`, `{}`},
	{`{"type":"geoPoint"}`, `{}`},
}

func TestValidateOptions(t *testing.T) {
	target := &schema.Collection{ID: "target", Type: schema.Base}
	view := &schema.Collection{ID: "view", Type: schema.View}
	for _, test := range optionCases {
		f, err := schema.DecodeField([]byte(test.field))
		if err != nil {
			t.Fatal(err)
		}
		if f.Base().Name == "" {
			f.Base().Name = "f"
		}
		if f.Base().ID == "" {
			f.Base().ID = "fid"
		}
		id := &schema.TextField{Common: schema.Common{ID: "idid", Name: "id"}, PrimaryKey: true, Required: true, Pattern: schema.DefaultIDPattern}
		in := &schema.OptionsInput{
			Collection: &schema.Collection{Type: schema.Base, Fields: []schema.Field{id, f}},
			Find: func(id string) *schema.Collection {
				return map[string]*schema.Collection{"target": target, "view": view}[id]
			},
		}
		if got := asJSON(t, f.ValidateOptions(t.Context(), in)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.field, got, test.want)
		}
	}
}

// TestValidateOptionsOfStoredFields checks the settings that may not change.
func TestValidateOptionsOfStoredFields(t *testing.T) {
	common := schema.Common{ID: "f", Name: "f", System: true}
	in := &schema.OptionsInput{
		Collection:  &schema.Collection{Type: schema.Base},
		StoredField: &schema.RelationField{Common: common, CollectionID: "a"},
		Find:        func(id string) *schema.Collection { return &schema.Collection{ID: id, Type: schema.Base} },
	}
	f := &schema.RelationField{Common: common, CollectionID: "b"}
	want := `{"collectionId":{"code":"validation_field_relation_change","message":"The relation collection cannot be changed."}}`
	if got := asJSON(t, f.ValidateOptions(t.Context(), in)); got != want {
		t.Errorf("relation: got %s, want %s", got, want)
	}

	in.StoredField = &schema.AutodateField{Common: common, OnCreate: true}
	date := &schema.AutodateField{Common: common, OnCreate: true, OnUpdate: true}
	want = `{"onUpdate":{"code":"validation_values_mismatch","message":"Values don't match."}}`
	if got := asJSON(t, date.ValidateOptions(t.Context(), in)); got != want {
		t.Errorf("system autodate: got %s, want %s", got, want)
	}
	date.System = false
	if got := asJSON(t, date.ValidateOptions(t.Context(), in)); got != "{}" {
		t.Errorf("autodate: got %s, want no errors", got)
	}
}
