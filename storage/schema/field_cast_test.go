package schema_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

var (
	sentList   = []any{"a", "b"}
	sentObject = map[string]any{"a": 1.0}
	oneSelect  = &schema.SelectField{}
	manySelect = &schema.SelectField{MaxSelect: 3}
)

// castCases are what a field makes of decoded JSON.
var castCases = []struct {
	field schema.Field
	raw   any
	want  schema.Value
}{
	{&schema.TextField{}, nil, ""},
	{&schema.TextField{}, " x ", " x "},
	{&schema.TextField{}, -3.0, "-3"},
	{&schema.TextField{}, 1.5, "1.5"},
	{&schema.TextField{}, 1e21, "1000000000000000000000"},
	{&schema.TextField{}, 123456789012345678.0, "123456789012345680"},
	{&schema.TextField{}, true, "true"},
	{&schema.TextField{}, sentList, ""},
	{&schema.TextField{}, sentObject, ""},
	{&schema.EditorField{}, 5.0, "5"},
	{&schema.EmailField{}, []any{"a@b.co"}, ""},
	{&schema.URLField{}, false, "false"},

	{&schema.NumberField{}, nil, 0.0},
	{&schema.NumberField{}, "12", 12.0},
	{&schema.NumberField{}, "012", 12.0},
	{&schema.NumberField{}, "1e3", 1000.0},
	{&schema.NumberField{}, "1_000", 1000.0},
	{&schema.NumberField{}, "-5.25", -5.25},
	{&schema.NumberField{}, " 12 ", 0.0},
	{&schema.NumberField{}, "0x1A", 0.0},
	{&schema.NumberField{}, "1e400", 0.0},
	{&schema.NumberField{}, "abc", 0.0},
	{&schema.NumberField{}, true, 1.0},
	{&schema.NumberField{}, sentList, 0.0},
	{&schema.NumberField{}, sentObject, 0.0},
	{&schema.NumberField{}, "Infinity", math.Inf(1)},

	{&schema.BoolField{}, "t", true},
	{&schema.BoolField{}, "True", true},
	{&schema.BoolField{}, "1", true},
	{&schema.BoolField{}, "yes", false},
	{&schema.BoolField{}, "0.5", false},
	{&schema.BoolField{}, 0.5, true},
	{&schema.BoolField{}, -3.0, true},
	{&schema.BoolField{}, 0.0, false},
	{&schema.BoolField{}, []any{true}, false},
	{&schema.BoolField{}, nil, false},

	{&schema.DateField{}, "2024-01-02T03:04:05Z", "2024-01-02 03:04:05.000Z"},
	{&schema.DateField{}, 1704164645.0, ""},
	{&schema.DateField{}, true, ""},
	{&schema.DateField{}, sentList, ""},
	{&schema.AutodateField{}, time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), "2024-01-02 00:00:00.000Z"},

	{oneSelect, sentList, "b"},
	{oneSelect, []any{"b", "a", ""}, "a"},
	{oneSelect, `["a","c"]`, "c"},
	{oneSelect, "[1]", "[1]"},
	{oneSelect, "a,b", "a,b"},
	{oneSelect, true, "true"},
	{oneSelect, sentObject, ""},
	{manySelect, nil, []string{}},
	{manySelect, "", []string{}},
	{manySelect, "a", []string{"a"}},
	{manySelect, []any{"a", "", nil, "b", "a"}, []string{"a", "b"}},
	{manySelect, []any{"a", 1.5, true}, []string{"a", "1.5", "true"}},
	{manySelect, []any{"a", []any{"b"}}, []string{}},
	{manySelect, []any{"a", sentObject}, []string{}},
	{manySelect, `["c","a"]`, []string{"c", "a"}},
	{manySelect, `["a",1]`, []string{"a", `["a",1]`}},
	{manySelect, "[]", []string{}},
	{manySelect, "x[", []string{"x["}},
	{manySelect, 1.0, []string{"1"}},
	{manySelect, sentObject, []string{}},

	{&schema.JSONField{}, nil, schema.JSON(nil)},
	{&schema.JSONField{}, "", schema.JSON(`""`)},
	{&schema.JSONField{}, "null", schema.JSON("null")},
	{&schema.JSONField{}, "true", schema.JSON("true")},
	{&schema.JSONField{}, "True", schema.JSON(`"True"`)},
	{&schema.JSONField{}, `"q"`, schema.JSON(`"q"`)},
	{&schema.JSONField{}, "-1.50", schema.JSON("-1.50")},
	{&schema.JSONField{}, "012", schema.JSON(`"012"`)},
	{&schema.JSONField{}, "[1, 2]", schema.JSON("[1, 2]")},
	{&schema.JSONField{}, "[1,", schema.JSON(`"[1,"`)},
	{&schema.JSONField{}, " 12 ", schema.JSON(`" 12 "`)},
	{&schema.JSONField{}, "-", schema.JSON(`"-"`)},
	{&schema.JSONField{}, true, schema.JSON("true")},
	{&schema.JSONField{}, 1e21, schema.JSON("1e+21")},
	{&schema.JSONField{}, map[string]any{"z": []any{nil}, "a": "<"}, schema.JSON(`{"a":"\u003c","z":[null]}`)},

	{&schema.GeoPointField{}, nil, schema.GeoPoint{}},
	{&schema.GeoPointField{}, map[string]any{"lon": 10.0, "lat": 20.0}, schema.GeoPoint{10, 20}},
	{&schema.GeoPointField{}, map[string]any{"LON": 10.0, "Lat": 20.0, "x": 3.0}, schema.GeoPoint{10, 20}},
	{&schema.GeoPointField{}, map[string]any{"lon": 10.0, "LON": 20.0}, schema.GeoPoint{10, 0}},
	{&schema.GeoPointField{}, map[string]any{"lon": "1", "lat": 2.0}, schema.GeoPoint{0, 2}},
	{&schema.GeoPointField{}, `{"lon":1,"lat":2}`, schema.GeoPoint{1, 2}},
	{&schema.GeoPointField{}, "abc", schema.GeoPoint{}},
	{&schema.GeoPointField{}, []any{1.0, 2.0}, schema.GeoPoint{}},

	{&schema.PasswordField{}, "secret", schema.Password{Plain: "secret"}},
	{&schema.PasswordField{}, 5.0, schema.Password{Plain: "5"}},
	{&schema.PasswordField{}, nil, schema.Password{}},
	{&schema.PasswordField{}, schema.Password{Hash: "h"}, schema.Password{Hash: "h"}},
}

func TestCast(t *testing.T) {
	for _, test := range castCases {
		if got := test.field.Cast(test.raw); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: Cast(%#v) = %#v, want %#v", test.field.Type(), test.raw, got, test.want)
		}
	}
}

func TestModify(t *testing.T) {
	one, many := &schema.SelectField{}, &schema.RelationField{MaxSelect: 3}
	tests := []struct {
		field   schema.Field
		current schema.Value
		m       schema.Modification
		raw     any
		want    schema.Value // nil when the modifier is unknown
	}{
		{&schema.NumberField{}, 4.0, schema.Append, 2.5, 6.5},
		{&schema.NumberField{}, 4.0, schema.Append, "3", 7.0},
		{&schema.NumberField{}, 4.0, schema.Append, "abc", 4.0},
		{&schema.NumberField{}, 4.0, schema.Remove, 5.0, -1.0},
		{&schema.NumberField{}, 4.0, schema.Prepend, 5.0, nil},
		{&schema.NumberField{}, 4.0, schema.Autogenerate, 5.0, nil},
		{one, "x", schema.Append, "y", "y"},
		{one, "x", schema.Prepend, "y", "x"},
		{one, "", schema.Prepend, "y", "y"},
		{one, "x", schema.Remove, "x", ""},
		{one, "x", schema.Remove, "y", "x"},
		{one, "x", schema.Append, nil, "x"},
		{many, []string{"x"}, schema.Append, []any{"y", "x"}, []string{"x", "y"}},
		{many, []string{"x", "y"}, schema.Prepend, "y", []string{"y", "x"}},
		{many, []string{"x", "y"}, schema.Remove, []any{"y", "nope"}, []string{"x"}},
		{many, []string{}, schema.Remove, "x", []string{}},
		{many, []string{"x"}, schema.Autogenerate, "x", nil},
		{&schema.FileField{MaxSelect: 2}, []string{"a", "b"}, schema.Remove, "a", []string{"b"}},
		{&schema.TextField{}, "x", schema.Append, "y", nil},
		{&schema.TextField{}, "x", schema.Autogenerate, "y", "y"},
		{&schema.TextField{AutogeneratePattern: "k{2}"}, "x", schema.Autogenerate, 5.0, "5kk"},
	}
	for _, test := range tests {
		before := string(test.field.AppendValue(nil, test.current))
		got, ok := test.field.(schema.Modifier).Modify(test.current, test.m, test.raw)
		if ok != (test.want != nil) || ok && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: modifier %d of %v with %v gave %#v (%v), want %#v", test.field.Type(), test.m, test.current, test.raw, got, ok, test.want)
		}
		if after := string(test.field.AppendValue(nil, test.current)); after != before {
			t.Errorf("%s: the current value %s was changed to %s", test.field.Type(), before, after)
		}
	}
}

// FuzzCast feeds every type with any JSON: the result has the form of the type, casting it again changes nothing, and it
// is written as JSON.
func FuzzCast(f *testing.F) {
	for _, s := range []string{
		`null`, `"a"`, `"[\"a\",1]"`, `[["a"]]`, `{"lon":1}`, `1e300`, `-0`, `"NaN"`, `"2024-01-02"`, `["a","",null,"a"]`,
		`"{\"LAT\":5}"`, `"\ud800"`,
	} {
		f.Add(s)
	}
	fields := append(everyField(), &schema.SelectField{MaxSelect: 3}, &schema.FileField{MaxSelect: 3}, &schema.RelationField{MaxSelect: 3})
	f.Fuzz(func(t *testing.T, in string) {
		var raw any
		if json.Unmarshal([]byte(in), &raw) != nil {
			return
		}
		for _, field := range fields {
			value := field.Cast(raw)
			if got, want := reflect.TypeOf(value), reflect.TypeOf(field.Zero()); got != want {
				t.Fatalf("%s: Cast(%s) is a %v, want %v", field.Type(), in, got, want)
			}
			_ = field.Validate(value, schema.Create)
			encoded := field.AppendValue(nil, value)
			if !json.Valid(encoded) {
				t.Fatalf("%s: Cast(%s) is written as %s", field.Type(), in, encoded)
			}
			// The text of a single value may look like a list itself.
			if _, ok := field.(schema.Modifier); ok && !field.Multiple() {
				continue
			}
			if got := field.AppendValue(nil, field.Cast(value)); string(got) != string(encoded) {
				t.Fatalf("%s: Cast(%s) cast again is %s, want %s", field.Type(), in, got, encoded)
			}
		}
	})
}
