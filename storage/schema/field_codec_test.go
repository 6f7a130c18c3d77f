package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

func everyField() []schema.Field {
	var fields []schema.Field
	for _, typ := range schema.FieldTypes() {
		fields = append(fields, schema.FieldMakers[typ]())
	}
	return fields
}

// storedFields are rows of a data directory, byte for byte.
var storedFields = []string{
	`{"autogeneratePattern":"","help":"","hidden":false,"id":"text2238339752","max":0,"min":0,"name":"t","pattern":"","presentable":false,"primaryKey":false,"required":false,"system":false,"type":"text"}`,
	`{"autogeneratePattern":"[a-z0-9]{15}","help":"","hidden":false,"id":"text3208210256","max":15,"min":15,"name":"id","pattern":"^[a-z0-9]+$","presentable":false,"primaryKey":true,"required":true,"system":true,"type":"text"}`,
	`{"help":"","hidden":false,"id":"number2013832146","max":null,"min":null,"name":"n","onlyInt":false,"presentable":false,"required":false,"system":false,"type":"number"}`,
	`{"help":"","hidden":false,"id":"number2013832146","max":2.5,"min":-1,"name":"n","onlyInt":true,"presentable":false,"required":false,"system":false,"type":"number"}`,
	`{"help":"","hidden":false,"id":"bool1908338681","name":"b","presentable":false,"required":false,"system":false,"type":"bool"}`,
	`{"exceptDomains":null,"help":"","hidden":false,"id":"email4024072794","name":"e","onlyDomains":[],"presentable":false,"required":false,"system":false,"type":"email"}`,
	`{"exceptDomains":["a.co"],"help":"","hidden":false,"id":"url4067256894","name":"u","onlyDomains":null,"presentable":false,"required":false,"system":false,"type":"url"}`,
	`{"convertURLs":false,"help":"\u003cb\u003e","hidden":false,"id":"editor327952476","maxSize":0,"name":"ed","presentable":false,"required":false,"system":false,"type":"editor"}`,
	`{"help":"","hidden":false,"id":"date2564639436","max":"2024-01-02 03:04:05.678Z","min":"","name":"d","presentable":false,"required":false,"system":false,"type":"date"}`,
	`{"hidden":false,"id":"autodate2011229528","name":"ad","onCreate":true,"onUpdate":false,"presentable":false,"system":false,"type":"autodate"}`,
	`{"help":"","hidden":false,"id":"select336935152","maxSelect":0,"name":"s1","presentable":false,"required":false,"system":false,"type":"select","values":["a","b"]}`,
	`{"help":"","hidden":false,"id":"json2137352139","maxSize":0,"name":"j","presentable":false,"required":false,"system":false,"type":"json"}`,
	`{"help":"","hidden":false,"id":"file597745380","maxSelect":0,"maxSize":0,"mimeTypes":null,"name":"f1","presentable":false,"protected":false,"required":false,"system":false,"thumbs":["10x10"],"type":"file"}`,
	`{"cascadeDelete":false,"collectionId":"_pb_users_auth_","help":"","hidden":false,"id":"relation219023793","maxSelect":0,"minSelect":0,"name":"r1","presentable":false,"required":false,"system":false,"type":"relation"}`,
	`{"cascadeDelete":false,"collectionId":"","collectionIds":["pbc_1","pbc_2"],"help":"","hidden":false,"id":"relation219023793","maxSelect":0,"minSelect":0,"name":"r1","presentable":false,"required":false,"system":false,"type":"relation"}`,
	`{"cost":0,"help":"","hidden":true,"id":"password2693238678","max":0,"min":8,"name":"pw","pattern":"","presentable":false,"required":true,"system":true,"type":"password"}`,
	`{"help":"","hidden":false,"id":"geoPoint30677878","name":"g","presentable":true,"required":false,"system":false,"type":"geoPoint"}`,
}

func TestFieldTypes(t *testing.T) {
	stored := strings.Join(storedFields, "\n")
	for name, make := range schema.FieldMakers {
		if got := make().Type(); got != name {
			t.Errorf("%q makes a field of type %q", name, got)
		}
		if !strings.Contains(stored, `"type":"`+name+`"`) {
			t.Errorf("no stored field of type %q is tested", name)
		}
	}
}

func TestFieldCodecKeepsStoredBytes(t *testing.T) {
	for _, want := range storedFields {
		f, err := schema.DecodeField([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(schema.EncodeField(f)); got != want {
			t.Errorf("encoded\n%s, want\n%s", got, want)
		}
		if got := string(schema.EncodeField(f.Clone())); got != want {
			t.Errorf("the clone is\n%s, want\n%s", got, want)
		}
	}
}

func TestDecodeField(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"keys in any case", `{"TYPE":"number","Name":"a","ONLYINT":true}`, `"onlyInt":true`},
		{"the last of repeated keys", `{"type":"text","min":1,"min":2}`, `"min":2`},
		{"null is not sent", `{"type":"text","min":null,"hidden":null,"id":null,"pattern":null}`, `"min":0`},
		{"unknown keys", `{"type":"text","nope":{"a":1}}`, `"max":0`},
		{"dates are normalised", `{"type":"date","min":"2020-01-01","max":"nope"}`, `"max":"","min":"2020-01-01 00:00:00.000Z"`},
		{"a relation to several collections names each once", `{"type":"relation","collectionIds":["a","","b","a"]}`, `"collectionId":"","collectionIds":["a","b"],`},
		{"a relation to one collection", `{"type":"relation","collectionIds":[]}`, `"collectionId":"","help":`},
		{"autodate has no help", `{"type":"autodate","help":"x"}`, `{"hidden":false,"id":"","name":""`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := schema.DecodeField([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(schema.EncodeField(f)); !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s in it", got, test.want)
			}
		})
	}
}

func TestDecodeFieldRefuses(t *testing.T) {
	for _, in := range []string{
		``, `null`, `[]`, `"text"`, `{}`, `{"type":null}`, `{"type":"TEXT"}`, `{"type":"nope"}`, `{"type":5}`,
		`{"type":"text","min":"a"}`, `{"type":"text","min":1.5}`, `{"type":"text","hidden":"x"}`,
		`{"type":"text","help":5}`, `{"type":"number","min":"1"}`, `{"type":"email","onlyDomains":"a.co"}`,
		`{"type":"select","values":"a"}`, `{"type":"select","values":[1]}`, `{"type":"date","min":5}`, `{"type":"relation","collectionIds":"a"}`, `{"type":"relation","collectionIds":[1]}`, `{"type":"text"`,
	} {
		if f, err := schema.DecodeField([]byte(in)); err == nil {
			t.Errorf("%s was decoded as %s", in, schema.EncodeField(f))
		}
	}
	if _, err := schema.DecodeField([]byte(`{"type":"x"}`)); err == nil || !strings.HasPrefix(err.Error(), "missing or unknown field type in ") {
		t.Errorf("unknown type: %v", err)
	}
}

// TestCloneIsDeep fills in every setting of every type, and holds that a clone has them all and shares none.
func TestCloneIsDeep(t *testing.T) {
	for _, f := range everyField() {
		fill(t, reflect.ValueOf(f).Elem())
		c := f.Clone()
		if got, want := string(schema.EncodeField(c)), string(schema.EncodeField(f)); got != want {
			t.Errorf("the clone is\n%s, want\n%s", got, want)
		}
		mine, its := reflect.ValueOf(f).Elem(), reflect.ValueOf(c).Elem()
		for i := range mine.NumField() {
			if kind := mine.Field(i).Kind(); (kind == reflect.Slice || kind == reflect.Pointer || kind == reflect.Map) && mine.Field(i).CanSet() &&
				mine.Field(i).Pointer() == its.Field(i).Pointer() {
				t.Errorf("a clone of %s shares %s", f.Type(), mine.Type().Field(i).Name)
			}
		}
	}
}

// fill sets all fields of a struct to something.
func fill(t *testing.T, v reflect.Value) {
	for i := range v.NumField() {
		switch field := v.Field(i); {
		case !field.CanSet():
		case field.Kind() == reflect.Struct:
			fill(t, field)
		case field.Kind() == reflect.Slice:
			field.Set(reflect.ValueOf([]string{"x"}))
		case field.Kind() == reflect.Pointer:
			n := 5.0
			field.Set(reflect.ValueOf(&n))
		case field.Kind() == reflect.String:
			field.SetString("x")
		case field.Kind() == reflect.Bool:
			field.SetBool(true)
		case field.CanInt():
			field.SetInt(5)
		default:
			t.Fatalf("a setting of kind %s", field.Kind())
		}
	}
}

func FuzzDecodeField(f *testing.F) {
	for _, stored := range storedFields {
		f.Add([]byte(stored))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		field, err := schema.DecodeField(in)
		if err != nil {
			return
		}
		encoded := schema.EncodeField(field)
		if !json.Valid(encoded) {
			t.Fatalf("encoded as %s", encoded)
		}
		again, err := schema.DecodeField(encoded)
		if err != nil {
			t.Fatalf("%s cannot be decoded: %v", encoded, err)
		}
		if got := schema.EncodeField(again); string(got) != string(encoded) {
			t.Fatalf("%s became %s", encoded, got)
		}
		schema.ValidateCommon(field)
	})
}
