package schema

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"
)

var (
	sentList   = []any{"a", "b"}
	sentObject = map[string]any{"a": 1.0}
	oneSelect  = &SelectField{}
	manySelect = &SelectField{MaxSelect: 3}
)

// castCases are what a field makes of decoded JSON.
var castCases = []struct {
	field Field
	raw   any
	want  Value
}{
	{&TextField{}, nil, ""},
	{&TextField{}, " x ", " x "},
	{&TextField{}, -3.0, "-3"},
	{&TextField{}, 1.5, "1.5"},
	{&TextField{}, 1e21, "1000000000000000000000"},
	{&TextField{}, 123456789012345678.0, "123456789012345680"},
	{&TextField{}, true, "true"},
	{&TextField{}, sentList, ""},
	{&TextField{}, sentObject, ""},
	{&EditorField{}, 5.0, "5"},
	{&EmailField{}, []any{"a@b.co"}, ""},
	{&URLField{}, false, "false"},

	{&NumberField{}, nil, 0.0},
	{&NumberField{}, "12", 12.0},
	{&NumberField{}, "012", 12.0},
	{&NumberField{}, "1e3", 1000.0},
	{&NumberField{}, "1_000", 1000.0},
	{&NumberField{}, "-5.25", -5.25},
	{&NumberField{}, " 12 ", 0.0},
	{&NumberField{}, "0x1A", 0.0},
	{&NumberField{}, "1e400", 0.0},
	{&NumberField{}, "abc", 0.0},
	{&NumberField{}, true, 1.0},
	{&NumberField{}, sentList, 0.0},
	{&NumberField{}, sentObject, 0.0},
	{&NumberField{}, "Infinity", math.Inf(1)},

	{&BoolField{}, "t", true},
	{&BoolField{}, "True", true},
	{&BoolField{}, "1", true},
	{&BoolField{}, "yes", false},
	{&BoolField{}, "0.5", false},
	{&BoolField{}, 0.5, true},
	{&BoolField{}, -3.0, true},
	{&BoolField{}, 0.0, false},
	{&BoolField{}, []any{true}, false},
	{&BoolField{}, nil, false},

	{&DateField{}, "2024-01-02T03:04:05Z", "2024-01-02 03:04:05.000Z"},
	{&DateField{}, 1704164645.0, ""},
	{&DateField{}, true, ""},
	{&DateField{}, sentList, ""},
	{&AutodateField{}, time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), "2024-01-02 00:00:00.000Z"},

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

	{&JSONField{}, nil, JSON(nil)},
	{&JSONField{}, "", JSON(`""`)},
	{&JSONField{}, "null", JSON("null")},
	{&JSONField{}, "true", JSON("true")},
	{&JSONField{}, "True", JSON(`"True"`)},
	{&JSONField{}, `"q"`, JSON(`"q"`)},
	{&JSONField{}, "-1.50", JSON("-1.50")},
	{&JSONField{}, "012", JSON(`"012"`)},
	{&JSONField{}, "[1, 2]", JSON("[1, 2]")},
	{&JSONField{}, "[1,", JSON(`"[1,"`)},
	{&JSONField{}, " 12 ", JSON(`" 12 "`)},
	{&JSONField{}, "-", JSON(`"-"`)},
	{&JSONField{}, true, JSON("true")},
	{&JSONField{}, 1e21, JSON("1e+21")},
	{&JSONField{}, map[string]any{"z": []any{nil}, "a": "<"}, JSON(`{"a":"\u003c","z":[null]}`)},

	{&GeoPointField{}, nil, GeoPoint{}},
	{&GeoPointField{}, map[string]any{"lon": 10.0, "lat": 20.0}, GeoPoint{10, 20}},
	{&GeoPointField{}, map[string]any{"LON": 10.0, "Lat": 20.0, "x": 3.0}, GeoPoint{10, 20}},
	{&GeoPointField{}, map[string]any{"lon": 10.0, "LON": 20.0}, GeoPoint{10, 0}},
	{&GeoPointField{}, map[string]any{"lon": "1", "lat": 2.0}, GeoPoint{0, 2}},
	{&GeoPointField{}, `{"lon":1,"lat":2}`, GeoPoint{1, 2}},
	{&GeoPointField{}, "abc", GeoPoint{}},
	{&GeoPointField{}, []any{1.0, 2.0}, GeoPoint{}},

	{&PasswordField{}, "secret", Password{Plain: "secret"}},
	{&PasswordField{}, 5.0, Password{Plain: "5"}},
	{&PasswordField{}, nil, Password{}},
	{&PasswordField{}, Password{Hash: "h"}, Password{Hash: "h"}},
}

func TestCast(t *testing.T) {
	for _, test := range castCases {
		if got := test.field.Cast(test.raw); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: Cast(%#v) = %#v, want %#v", test.field.Type(), test.raw, got, test.want)
		}
	}
}

func TestModify(t *testing.T) {
	one, many := &SelectField{}, &RelationField{MaxSelect: 3}
	tests := []struct {
		field   Field
		current Value
		m       Modification
		raw     any
		want    Value // nil when the modifier is unknown
	}{
		{&NumberField{}, 4.0, Append, 2.5, 6.5},
		{&NumberField{}, 4.0, Append, "3", 7.0},
		{&NumberField{}, 4.0, Append, "abc", 4.0},
		{&NumberField{}, 4.0, Remove, 5.0, -1.0},
		{&NumberField{}, 4.0, Prepend, 5.0, nil},
		{&NumberField{}, 4.0, Autogenerate, 5.0, nil},
		{one, "x", Append, "y", "y"},
		{one, "x", Prepend, "y", "x"},
		{one, "", Prepend, "y", "y"},
		{one, "x", Remove, "x", ""},
		{one, "x", Remove, "y", "x"},
		{one, "x", Append, nil, "x"},
		{many, []string{"x"}, Append, []any{"y", "x"}, []string{"x", "y"}},
		{many, []string{"x", "y"}, Prepend, "y", []string{"y", "x"}},
		{many, []string{"x", "y"}, Remove, []any{"y", "nope"}, []string{"x"}},
		{many, []string{}, Remove, "x", []string{}},
		{many, []string{"x"}, Autogenerate, "x", nil},
		{&FileField{MaxSelect: 2}, []string{"a", "b"}, Remove, "a", []string{"b"}},
		{&TextField{}, "x", Append, "y", nil},
		{&TextField{}, "x", Autogenerate, "y", "y"},
		{&TextField{AutogeneratePattern: "k{2}"}, "x", Autogenerate, 5.0, "5kk"},
	}
	for _, test := range tests {
		before := string(test.field.AppendValue(nil, test.current))
		got, ok := test.field.(Modifier).Modify(test.current, test.m, test.raw)
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
	fields := append(everyField(), &SelectField{MaxSelect: 3}, &FileField{MaxSelect: 3}, &RelationField{MaxSelect: 3})
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
			_ = field.Validate(value, Create)
			encoded := field.AppendValue(nil, value)
			if !json.Valid(encoded) {
				t.Fatalf("%s: Cast(%s) is written as %s", field.Type(), in, encoded)
			}
			// The text of a single value may look like a list itself.
			if _, ok := field.(Modifier); ok && !field.Multiple() {
				continue
			}
			if got := field.AppendValue(nil, field.Cast(value)); string(got) != string(encoded) {
				t.Fatalf("%s: Cast(%s) cast again is %s, want %s", field.Type(), in, got, encoded)
			}
		}
	})
}
