package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	pickRecord = `{"active":true,"collectionId":"pbc_1","collectionName":"posts","expand":{` +
		`"author":{"home":{"lon":23.32,"lat":42.69},"id":"ann1","name":"ann"},` +
		`"tags":[{"id":"t1","name":"go","rank":1},{"id":"t2","name":"db","rank":2}]},` +
		`"id":"posta","labels":["x","y"],"meta":{"s":"str","a":1,"b":{"c":"deep"},"list":[1,2,3],"n":null},"t":"A","views":10}`
	pickHTML = `{"collectionId":"pbc_2","h":"\u003cp\u003eHello \u003cb\u003ebig\u003c/b\u003e world\u003c/p\u003e","id":"excerptrec",` +
		`"j":{"a":{"b":"\u003cp\u003edeep text\u003c/p\u003e","c":2},"l":[{"x":1,"y":2},{"x":3}],"p":[1,2],"q":[[{"x":1,"y":2}]],"r":[1,{"y":3,"x":2}]},"n":12345}`
	pickPage = `{"items":[{"id":"a","t":"A"},{"id":"b","t":"B"}],"page":1,"perPage":30,"totalItems":2,"totalPages":1}`
)

func TestPick(t *testing.T) {
	tests := []struct{ name, doc, fields, want string }{
		{"a key", pickRecord, "t", `{"t":"A"}`},
		{"several", pickRecord, "views, t ,id", `{"id":"posta","t":"A","views":10}`},
		{"empty entries", pickRecord, "t,,id,", `{"id":"posta","t":"A"}`},
		{"unknown", pickRecord, "missing", `{}`},
		{"known and unknown", pickRecord, "missing,t", `{"t":"A"}`},
		{"case", pickRecord, "T", `{}`},
		{"path", pickRecord, "meta.b.c,meta.list", `{"meta":{"b":{"c":"deep"},"list":[1,2,3]}}`},
		{"path to an object", pickRecord, "meta.b", `{"meta":{"b":{"c":"deep"}}}`},
		{"path with an unknown end", pickRecord, "meta.x", `{"meta":{}}`},
		{"path below a text", pickRecord, "t.x", `{"t":"A"}`},
		{"path below a nested text", pickRecord, "meta.b.c.d", `{"meta":{"b":{"c":"deep"}}}`},
		{"path below null", pickRecord, "meta.n.x", `{"meta":{"n":null}}`},
		{"path below texts", pickRecord, "labels.x", `{"labels":["x","y"]}`},
		{"path through objects in a list", pickHTML, "j.l.x", `{"j":{"l":[{"x":1},{"x":3}]}}`},
		{"path through lists in a list", pickHTML, "j.q.x", `{"j":{"q":[[{"x":1,"y":2}]]}}`},
		{"path through a mixed list", pickHTML, "j.r.x", `{"j":{"r":[1,{"x":2}]}}`},
		{"list of numbers", pickHTML, "j.p", `{"j":{"p":[1,2]}}`},
		{"path and list", pickHTML, "j.a.c,j.l", `{"j":{"a":{"c":2},"l":[{"x":1,"y":2},{"x":3}]}}`},
		{"key and path below it", pickRecord, "meta.b,meta", `{"meta":{"a":1,"b":{"c":"deep"},"list":[1,2,3],"n":null,"s":"str"}}`},
		{"star", `{"b":1,"a":{"d":1,"c":2}}`, "*", `{"a":{"c":2,"d":1},"b":1}`},
		{"star and a path", `{"b":1,"a":{"d":1,"c":2}}`, "*,a.c", `{"a":{"c":2},"b":1}`},
		{"star and an unknown key", `{"b":1,"a":2}`, "x,*", `{"a":2,"b":1}`},
		{"star below", pickRecord, "t,expand.tags.*", `{"expand":{"tags":[{"id":"t1","name":"go","rank":1},{"id":"t2","name":"db","rank":2}]},"t":"A"}`},
		{"star beside a path", pickRecord, "expand.author.*,expand.author.home.lat,expand.tags.rank",
			`{"expand":{"author":{"home":{"lat":42.69},"id":"ann1","name":"ann"},"tags":[{"rank":1},{"rank":2}]}}`},
		{"star in the middle", pickRecord, "t,expand.*.name", `{"expand":{},"t":"A"}`},
		{"star on a text", pickRecord, "t.*", `{"t":"A"}`},
		{"kept whole, sorted", pickRecord, "expand.author", `{"expand":{"author":{"home":{"lat":42.69,"lon":23.32},"id":"ann1","name":"ann"}}}`},
		{"nothing asked for", `{"b":1,"a":[ {"d":1} , 2 ] }`, " , ", `{"a":[{"d":1},2],"b":1}`},

		{"page", pickPage, "t", `{"items":[{"t":"A"},{"t":"B"}],"page":1,"perPage":30,"totalItems":2,"totalPages":1}`},
		{"page in any order", `{"page":1,"totalPages":-1,"totalItems":-1,"perPage":2,"items":[{"a":1,"b":2}]}`, "a",
			`{"items":[{"a":1}],"page":1,"perPage":2,"totalItems":-1,"totalPages":-1}`},
		{"page keys are no fields", pickPage, "items,page", `{"items":[{},{}],"page":1,"perPage":30,"totalItems":2,"totalPages":1}`},
		{"empty page", `{"items":[],"page":1,"perPage":30,"totalItems":0,"totalPages":0}`, "a", `{"items":[],"page":1,"perPage":30,"totalItems":0,"totalPages":0}`},
		{"a record with such fields", `{"id":"x","items":[{"a":1,"b":2}],"page":1,"perPage":2,"totalItems":3,"totalPages":4}`, "items.a,page", `{"items":[{"a":1}],"page":1}`},
		{"a list of ids is no page", `{"items":1,"page":1,"perPage":2,"totalItems":3,"totalPages":4}`, "items", `{"items":1}`},
		{"list", `[{"body":{"title":"x","id":"1"},"status":200},{"body":null,"status":204}]`, "status,body.title",
			`[{"body":{"title":"x"},"status":200},{"body":null,"status":204}]`},
		{"list in a list", `[[{"a":1,"b":2}],3]`, "a", `[[{"a":1,"b":2}],3]`},
		{"scalar", ` 5 `, "a", `5`},

		{"excerpt", pickHTML, "h:excerpt(5)", `{"h":"Hello"}`},
		{"excerpt with ellipsis", pickHTML, "h:excerpt(5,true)", `{"h":"Hello..."}`},
		{"excerpt with 1", pickHTML, "h:excerpt(11,1),n", `{"h":"Hello big w...","n":12345}`},
		{"excerpt with blanks", pickHTML, "h:excerpt( 8 , true )", `{"h":"Hello bi..."}`},
		{"excerpt with another word", pickHTML, "h:excerpt(8,maybe)", `{"h":"Hello bi"}`},
		{"excerpt and a rest", pickHTML, "h:excerpt(5)x", `{"h":"Hello"}`},
		{"excerpt of a number", pickHTML, "n:excerpt(2)", `{"n":12345}`},
		{"excerpt of a path", pickHTML, "j.a.b:excerpt(4)", `{"j":{"a":{"b":"deep"}}}`},
		{"excerpt of an object", pickHTML, "j.a:excerpt(2)", `{"j":{"a":{"b":"\u003cp\u003edeep text\u003c/p\u003e","c":2}}}`},
		{"excerpt of all", `{"a":"abcdef","b":{"c":"abcdef"},"d":"abcdef"}`, "*:excerpt(3),d", `{"a":"abc","b":{"c":"abcdef"},"d":"abcdef"}`},
		{"excerpt is escaped", `{"a":"&lt;b&gt;\u00262"}`, "a:excerpt(9)", `{"a":"\u003cb\u003e\u00262"}`},

		{"escaped key", `{"a\u003cb":1,"c":2}`, "a<b", `{"a\u003cb":1}`},
		{"order of escaped keys", `{"b":1,"\u0061":2}`, "*", `{"\u0061":2,"b":1}`},
		{"repeated key", `{"b":1,"a":1,"a":2}`, "a,b", `{"a":2,"b":1}`},
		{"numbers stay as they are", `{"a":12345678901234567890.10,"b":1E3}`, "a,b", `{"a":12345678901234567890.10,"b":1E3}`},
		{"brackets in texts", `{"a":"}]\"{[","b":2}`, "a", `{"a":"}]\"{["}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Pick([]byte("head"), []byte(tt.doc), tt.fields)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "head"+tt.want {
				t.Errorf("Pick(%s, %q)\n got %s\nwant head%s", tt.doc, tt.fields, got, tt.want)
			}
		})
	}
}

func TestPickInvalidFields(t *testing.T) {
	for _, fields := range []string{
		"h:", "h:excerpt", "h:excerpt()", "h:excerpt(0)", "h:excerpt(-1)", "h:excerpt(abc)", "h:excerpt(1.5)", "h:excerpt(,true)",
		"h:excerpt(5,true,1)", "h:excerpt(5", "h:excerpt(5,n", "h:excerpt5)", "h:bogus(1)", "h:Excerpt(1)", "n,h:,j", "missing:bogus(1)",
		"h:excerpt(99999999999999999999)",
	} {
		got, err := Pick([]byte("head"), []byte(pickHTML), fields)
		if !errors.Is(err, ErrFields) {
			t.Errorf("Pick with %q: error %v, want ErrFields", fields, err)
		}
		if string(got) != "head" {
			t.Errorf("Pick with %q: dst became %q", fields, got)
		}
	}
}

func TestPickInvalidDocument(t *testing.T) {
	docs := []string{"", " ", "{", "[", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `[1,]`, `[1 2]`, `[1}`, `"a`, `"a\"`, `{}{}`, `1 2`, `x`,
		strings.Repeat("[", 2*maxJSONDepth) + strings.Repeat("]", 2*maxJSONDepth)}
	for _, doc := range docs {
		got, err := Pick([]byte("head"), []byte(doc), "a")
		if err == nil || errors.Is(err, ErrFields) {
			t.Errorf("Pick of %.40q: error %v, want one about the document", doc, err)
		}
		if string(got) != "head" {
			t.Errorf("Pick of %.40q: dst became %q", doc, got)
		}
	}
}

func TestPickDeepDocument(t *testing.T) {
	const levels = 10_000
	doc := `{"b":1,"a":` + strings.Repeat(`{"b":1,"a":`, levels) + "2" + strings.Repeat("}", levels+1)
	want := strings.Repeat(`{"a":`, levels+1) + "2" + strings.Repeat(`,"b":1}`, levels+1)
	got, err := Pick(nil, []byte(doc), "*")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("a document of %d levels came back different", levels)
	}
}

// naivePick does on decoded values what Pick does on bytes.
func naivePick(v any, s *selection) any {
	if s == nil {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return naiveObject(v, s)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			if m, ok := e.(map[string]any); ok {
				e = naiveObject(m, s)
			}
			out[i] = e
		}
		return out
	}
	return v
}

func naiveObject(m map[string]any, s *selection) any {
	out := map[string]any{}
	for key, v := range m {
		inner := s.of([]byte(key))
		text, isText := v.(string)
		switch {
		case inner == nil:
		case !inner.leaf:
			out[key] = naivePick(v, inner)
		case isText && inner.excerpt != nil:
			out[key] = inner.excerpt.of(text)
		default:
			out[key] = v
		}
	}
	return out
}

func isPageValue(v any) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	_, isList := m["items"].([]any)
	return isList && slices.Equal(slices.Sorted(maps.Keys(m)), pageKeys[:])
}

func decodeExact(t *testing.T, doc []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", doc, err)
	}
	return v
}

// FuzzPick compares with the same choice on decoded values.
func FuzzPick(f *testing.F) {
	for _, fields := range []string{"t", "*", "*,meta.a", "expand.*.name", "h:excerpt(5,true)", "*:excerpt(3)", "a..b,.,(", "j.l.x,j.a", "h:excerpt(5"} {
		f.Add([]byte(pickRecord), fields)
		f.Add([]byte(pickHTML), fields)
		f.Add([]byte(pickPage), fields)
	}
	f.Add([]byte(`[{"a":[[1,{"b":"\ud83d\ude00"}]],"a":null}]`), "a.b")
	f.Fuzz(func(t *testing.T, doc []byte, fields string) {
		got, err := Pick(nil, doc, fields)
		sel, fieldsErr := parseFields(fields)
		if fieldsErr != nil {
			if !errors.Is(err, ErrFields) {
				t.Fatalf("error %v, want ErrFields", err)
			}
			return
		}
		if !json.Valid(doc) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		v := decodeExact(t, doc)
		var want any
		if isPageValue(v) {
			page := v.(map[string]any)
			page["items"] = naivePick(page["items"], sel)
			want = page
		} else {
			want = naivePick(v, sel)
		}
		if !reflect.DeepEqual(decodeExact(t, got), want) {
			t.Fatalf("Pick(%s, %q) = %s, want the value %v", doc, fields, got, want)
		}
	})
}

func BenchmarkPick(b *testing.B) {
	doc := []byte(`{"items":[` + strings.Repeat(pickRecord+",", 29) + pickRecord + `],"page":1,"perPage":30,"totalItems":30,"totalPages":1}`)
	var dst []byte
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = Pick(dst[:0], doc, "id,t,expand.author.name"); err != nil {
			b.Fatal(err)
		}
	}
}
