package records

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// AllTypes has a field of every type, the lists as one and as many. The tests in records_test have it, too.
const AllTypes = `{"type":"base","name":"everything","fields":[
	{"type":"text","name":"t"},{"type":"text","name":"gen","autogeneratePattern":"[a-z]{5}"},{"type":"editor","name":"ed"},
	{"type":"email","name":"em"},{"type":"url","name":"u"},{"type":"number","name":"n"},{"type":"bool","name":"b"},
	{"type":"date","name":"d"},{"type":"json","name":"j"},{"type":"geoPoint","name":"geo"},{"type":"password","name":"pw"},
	{"type":"select","name":"s","maxSelect":1,"values":["x","y","z"]},{"type":"select","name":"sm","maxSelect":3,"values":["x","y","z"]},
	{"type":"file","name":"f","maxSelect":1},{"type":"file","name":"fm","maxSelect":3},
	{"type":"relation","name":"r","maxSelect":1,"collectionId":"_pb_users_auth_"},{"type":"relation","name":"rm","maxSelect":3,"collectionId":"_pb_users_auth_"},
	{"type":"text","name":"expand2"},{"type":"text","name":"hid","hidden":true},
	{"type":"autodate","name":"made","onCreate":true},{"type":"autodate","name":"changed","onUpdate":true}]}`

func TestModifiers(t *testing.T) {
	c, err := schema.DecodeNew([]byte(AllTypes))
	if err != nil {
		t.Fatal(err)
	}
	base := NewRecord(c)
	base.Set("n", 5.0)
	base.Set("t", "old")
	base.Set("s", "x")
	base.Set("sm", []string{"x", "y"})
	for _, tt := range []struct {
		name  string
		body  map[string]any
		field string
		want  schema.Value
	}{
		{"add", map[string]any{"n+": 2.0}, "n", 7.0},
		{"add text", map[string]any{"n+": "2"}, "n", 7.0},
		{"subtract", map[string]any{"n-": 2.0}, "n", 3.0},
		{"plain comes first", map[string]any{"n+": 2.0, "n": 1.0}, "n", 3.0},
		{"append", map[string]any{"sm+": "z"}, "sm", []string{"x", "y", "z"}},
		{"append list", map[string]any{"sm+": []any{"z", "x"}}, "sm", []string{"x", "y", "z"}},
		{"append present", map[string]any{"sm+": "x"}, "sm", []string{"x", "y"}},
		{"prepend", map[string]any{"+sm": "z"}, "sm", []string{"z", "x", "y"}},
		{"prepend present", map[string]any{"+sm": "y"}, "sm", []string{"y", "x"}},
		{"remove", map[string]any{"sm-": "x"}, "sm", []string{"y"}},
		{"remove unknown", map[string]any{"sm-": "z"}, "sm", []string{"x", "y"}},
		{"append to one", map[string]any{"s+": "y"}, "s", "y"},
		{"prepend to one", map[string]any{"+s": "y"}, "s", "x"},
		{"remove the one", map[string]any{"s-": "x"}, "s", ""},
		{"not of texts", map[string]any{"t+": "new"}, "t", "old"},
		{"prepend is not of numbers", map[string]any{"+n": 2.0}, "n", 5.0},
		{"not of json", map[string]any{"j+": "new"}, "j", NewRecord(c).Get("j")},
		{"generate without pattern", map[string]any{"t:autogenerate": "just"}, "t", "just"},
		{"hidden", map[string]any{"hid": "new"}, "hid", ""},
		{"autodate", map[string]any{"made": "2020-01-01 00:00:00.000Z"}, "made", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := submit(base.Clone(), tt.body, nil, false).record.Get(tt.field)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
		})
	}
	got := submit(base.Clone(), map[string]any{"gen:autogenerate": "p"}, nil, false).record.Text("gen")
	if len(got) != 6 || got[0] != 'p' {
		t.Errorf("generated %q, want p and five letters", got)
	}
	sub := submit(base.Clone(), map[string]any{"n+": 2.0, "other+": 1.0}, nil, false)
	if want := map[string]any{"n": 7.0, "other+": 1.0}; !reflect.DeepEqual(sub.body, want) {
		t.Errorf("rules see %v, want %v", sub.body, want)
	}
}

func FuzzBody(f *testing.F) {
	f.Add(`{"n+":1,"+sm":["x"],"sm-":"y","t:autogenerate":"","geo":{"lon":1},"j":null,"id":""}`)
	f.Add(`{"+":1,"-":2,":autogenerate":3,"n+-":4,"f":["a"],"rm":[[],{}],"d":[]}`)
	c, err := schema.DecodeNew([]byte(AllTypes))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var raw map[string]any
		if json.Unmarshal([]byte(body), &raw) != nil {
			return
		}
		base := NewRecord(c)
		for _, superuser := range []bool{false, true} {
			sub := submit(base.Clone(), raw, nil, superuser)
			checkValues(sub.record, nil, nil)
			checkValues(sub.record, base, nil)
			out, _ := newEncoder(c, layout{hidden: superuser}).record(nil, sub.record, &audience{})
			if !json.Valid(out) {
				t.Errorf("no JSON: %s", out)
			}
		}
		if !reflect.DeepEqual(base, NewRecord(c)) {
			t.Error("the record below the body was changed")
		}
	})
}
