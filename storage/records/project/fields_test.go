package project

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
	sampleRecord = `{"active":true,"collectionId":"pbc_1","collectionName":"posts","expand":{` +
		`"author":{"home":{"lon":23.32,"lat":42.69},"id":"ann1","name":"ann"},` +
		`"tags":[{"id":"t1","name":"go","rank":1},{"id":"t2","name":"db","rank":2}]},` +
		`"id":"posta","labels":["x","y"],"meta":{"s":"str","a":1,"b":{"c":"deep"},"list":[1,2,3],"n":null},"t":"A","views":10}`
	sampleHTML = `{"collectionId":"pbc_2","h":"\u003cp\u003eHello \u003cb\u003ebig\u003c/b\u003e world\u003c/p\u003e","id":"excerptrec",` +
		`"j":{"a":{"b":"\u003cp\u003edeep text\u003c/p\u003e","c":2},"l":[{"x":1,"y":2},{"x":3}],"p":[1,2],"q":[[{"x":1,"y":2}]],"r":[1,{"y":3,"x":2}]},"n":12345}`
	samplePage = `{"items":[{"id":"a","t":"A"},{"id":"b","t":"B"}],"page":1,"perPage":30,"totalItems":2,"totalPages":1}`
)

var fieldsTests = []struct{ name, doc, fields, want string }{
	{"a key", sampleRecord, "t", `{"t":"A"}`},
	{"several", sampleRecord, "views, t ,id", `{"id":"posta","t":"A","views":10}`},
	{"empty entries", sampleRecord, "t,,id,", `{"id":"posta","t":"A"}`},
	{"unknown", sampleRecord, "missing", `{}`},
	{"known and unknown", sampleRecord, "missing,t", `{"t":"A"}`},
	{"case", sampleRecord, "T", `{}`},
	{"path", sampleRecord, "meta.b.c,meta.list", `{"meta":{"b":{"c":"deep"},"list":[1,2,3]}}`},
	{"path to an object", sampleRecord, "meta.b", `{"meta":{"b":{"c":"deep"}}}`},
	{"path with an unknown end", sampleRecord, "meta.x", `{"meta":{}}`},
	{"path below a text", sampleRecord, "t.x", `{"t":"A"}`},
	{"path below a nested text", sampleRecord, "meta.b.c.d", `{"meta":{"b":{"c":"deep"}}}`},
	{"path below null", sampleRecord, "meta.n.x", `{"meta":{"n":null}}`},
	{"path below texts", sampleRecord, "labels.x", `{"labels":["x","y"]}`},
	{"path through objects in a list", sampleHTML, "j.l.x", `{"j":{"l":[{"x":1},{"x":3}]}}`},
	{"path through lists in a list", sampleHTML, "j.q.x", `{"j":{"q":[[{"x":1,"y":2}]]}}`},
	{"path through a mixed list", sampleHTML, "j.r.x", `{"j":{"r":[1,{"x":2}]}}`},
	{"list of numbers", sampleHTML, "j.p", `{"j":{"p":[1,2]}}`},
	{"path and list", sampleHTML, "j.a.c,j.l", `{"j":{"a":{"c":2},"l":[{"x":1,"y":2},{"x":3}]}}`},
	{"key and path below it", sampleRecord, "meta.b,meta", `{"meta":{"a":1,"b":{"c":"deep"},"list":[1,2,3],"n":null,"s":"str"}}`},
	{"star", `{"b":1,"a":{"d":1,"c":2}}`, "*", `{"a":{"c":2,"d":1},"b":1}`},
	{"star and a path", `{"b":1,"a":{"d":1,"c":2}}`, "*,a.c", `{"a":{"c":2},"b":1}`},
	{"star and an unknown key", `{"b":1,"a":2}`, "x,*", `{"a":2,"b":1}`},
	{"star below", sampleRecord, "t,expand.tags.*", `{"expand":{"tags":[{"id":"t1","name":"go","rank":1},{"id":"t2","name":"db","rank":2}]},"t":"A"}`},
	{"star beside a path", sampleRecord, "expand.author.*,expand.author.home.lat,expand.tags.rank",
		`{"expand":{"author":{"home":{"lat":42.69},"id":"ann1","name":"ann"},"tags":[{"rank":1},{"rank":2}]}}`},
	{"star in the middle", sampleRecord, "t,expand.*.name", `{"expand":{},"t":"A"}`},
	{"star on a text", sampleRecord, "t.*", `{"t":"A"}`},
	{"kept whole, sorted", sampleRecord, "expand.author", `{"expand":{"author":{"home":{"lat":42.69,"lon":23.32},"id":"ann1","name":"ann"}}}`},
	{"nothing asked for", `{"b":1,"a":[ {"d":1} , 2 ] }`, " , ", `{"a":[{"d":1},2],"b":1}`},

	{"page", samplePage, "t", `{"items":[{"t":"A"},{"t":"B"}],"page":1,"perPage":30,"totalItems":2,"totalPages":1}`},
	{"page in any order", `{"page":1,"totalPages":-1,"totalItems":-1,"perPage":2,"items":[{"a":1,"b":2}]}`, "a",
		`{"items":[{"a":1}],"page":1,"perPage":2,"totalItems":-1,"totalPages":-1}`},
	{"page keys are no fields", samplePage, "items,page", `{"items":[{},{}],"page":1,"perPage":30,"totalItems":2,"totalPages":1}`},
	{"empty page", `{"items":[],"page":1,"perPage":30,"totalItems":0,"totalPages":0}`, "a", `{"items":[],"page":1,"perPage":30,"totalItems":0,"totalPages":0}`},
	{"a record with such fields", `{"id":"x","items":[{"a":1,"b":2}],"page":1,"perPage":2,"totalItems":3,"totalPages":4}`, "items.a,page", `{"items":[{"a":1}],"page":1}`},
	{"a list of ids is no page", `{"items":1,"page":1,"perPage":2,"totalItems":3,"totalPages":4}`, "items", `{"items":1}`},
	{"list", `[{"body":{"title":"x","id":"1"},"status":200},{"body":null,"status":204}]`, "status,body.title",
		`[{"body":{"title":"x"},"status":200},{"body":null,"status":204}]`},
	{"list in a list", `[[{"a":1,"b":2}],3]`, "a", `[[{"a":1,"b":2}],3]`},
	{"scalar", ` 5 `, "a", `5`},

	{"excerpt", sampleHTML, "h:excerpt(5)", `{"h":"Hello"}`},
	{"excerpt with ellipsis", sampleHTML, "h:excerpt(5,true)", `{"h":"Hello..."}`},
	{"excerpt with 1", sampleHTML, "h:excerpt(11,1),n", `{"h":"Hello big w...","n":12345}`},
	{"excerpt with blanks", sampleHTML, "h:excerpt( 8 , true )", `{"h":"Hello bi..."}`},
	{"excerpt with another word", sampleHTML, "h:excerpt(8,maybe)", `{"h":"Hello bi"}`},
	{"excerpt and a rest", sampleHTML, "h:excerpt(5)x", `{"h":"Hello"}`},
	{"excerpt of a number", sampleHTML, "n:excerpt(2)", `{"n":12345}`},
	{"excerpt of a path", sampleHTML, "j.a.b:excerpt(4)", `{"j":{"a":{"b":"deep"}}}`},
	{"excerpt of an object", sampleHTML, "j.a:excerpt(2)", `{"j":{"a":{"b":"\u003cp\u003edeep text\u003c/p\u003e","c":2}}}`},
	{"excerpt of all", `{"a":"abcdef","b":{"c":"abcdef"},"d":"abcdef"}`, "*:excerpt(3),d", `{"a":"abc","b":{"c":"abcdef"},"d":"abcdef"}`},
	{"excerpt is escaped", `{"a":"&lt;b&gt;\u00262"}`, "a:excerpt(9)", `{"a":"\u003cb\u003e\u00262"}`},

	{"escaped key", `{"a\u003cb":1,"c":2}`, "a<b", `{"a\u003cb":1}`},
	{"order of escaped keys", `{"b":1,"\u0061":2}`, "*", `{"\u0061":2,"b":1}`},
	{"repeated key", `{"b":1,"a":1,"a":2}`, "a,b", `{"a":2,"b":1}`},
	{"numbers stay as they are", `{"a":12345678901234567890.10,"b":1E3}`, "a,b", `{"a":12345678901234567890.10,"b":1E3}`},
	{"brackets in texts", `{"a":"}]\"{[","b":2}`, "a", `{"a":"}]\"{["}`},
}

func TestFields(t *testing.T) {
	for _, tt := range fieldsTests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Fields([]byte("head"), []byte(tt.doc), tt.fields)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != "head"+tt.want {
				t.Errorf("Fields(%s, %q)\n got %s\nwant head%s", tt.doc, tt.fields, got, tt.want)
			}
		})
	}
}

func TestFieldsInvalidFields(t *testing.T) {
	for _, fields := range []string{
		"h:", "h:excerpt", "h:excerpt()", "h:excerpt(0)", "h:excerpt(-1)", "h:excerpt(abc)", "h:excerpt(1.5)", "h:excerpt(,true)",
		"h:excerpt(5,true,1)", "h:excerpt(5", "h:excerpt(5,n", "h:excerpt5)", "h:bogus(1)", "h:Excerpt(1)", "n,h:,j", "missing:bogus(1)",
		"h:excerpt(99999999999999999999)",
	} {
		got, err := Fields([]byte("head"), []byte(sampleHTML), fields)
		if !errors.Is(err, ErrFields) {
			t.Errorf("Fields with %q: error %v, want ErrFields", fields, err)
		}
		if string(got) != "head" {
			t.Errorf("Fields with %q: dst became %q", fields, got)
		}
	}
}

func TestFieldsInvalidDocument(t *testing.T) {
	docs := []string{"", " ", "{", "[", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `[1,]`, `[1 2]`, `[1}`, `"a`, `"a\"`, `{}{}`, `1 2`, `x`,
		strings.Repeat("[", 2*maxJSONDepth) + strings.Repeat("]", 2*maxJSONDepth)}
	for _, doc := range docs {
		got, err := Fields([]byte("head"), []byte(doc), "a")
		if err == nil || errors.Is(err, ErrFields) {
			t.Errorf("Fields of %.40q: error %v, want one about the document", doc, err)
		}
		if string(got) != "head" {
			t.Errorf("Fields of %.40q: dst became %q", doc, got)
		}
	}
}

func TestFieldsDeepDocument(t *testing.T) {
	const levels = 10_000
	doc := `{"b":1,"a":` + strings.Repeat(`{"b":1,"a":`, levels) + "2" + strings.Repeat("}", levels+1)
	want := strings.Repeat(`{"a":`, levels+1) + "2" + strings.Repeat(`,"b":1}`, levels+1)
	got, err := Fields(nil, []byte(doc), "*")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("a document of %d levels came back different", levels)
	}
}

// naiveFields does on decoded values what Fields does on bytes.
func naiveFields(v any, s *selection) any {
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
		case !inner.whole:
			out[key] = naiveFields(v, inner)
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

// FuzzFields compares with the same choice on decoded values.
func FuzzFields(f *testing.F) {
	for _, fields := range []string{"t", "*", "*,meta.a", "expand.*.name", "h:excerpt(5,true)", "*:excerpt(3)", "a..b,.,(", "j.l.x,j.a", "h:excerpt(5"} {
		f.Add([]byte(sampleRecord), fields)
		f.Add([]byte(sampleHTML), fields)
		f.Add([]byte(samplePage), fields)
	}
	f.Add([]byte(`[{"a":[[1,{"b":"\ud83d\ude00"}]],"a":null}]`), "a.b")
	f.Fuzz(func(t *testing.T, doc []byte, fields string) {
		got, err := Fields(nil, doc, fields)
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
			page["items"] = naiveFields(page["items"], sel)
			want = page
		} else {
			want = naiveFields(v, sel)
		}
		if !reflect.DeepEqual(decodeExact(t, got), want) {
			t.Fatalf("Fields(%s, %q) = %s, want the value %v", doc, fields, got, want)
		}
	})
}

func BenchmarkFields(b *testing.B) {
	doc := []byte(`{"items":[` + strings.Repeat(sampleRecord+",", 29) + sampleRecord + `],"page":1,"perPage":30,"totalItems":30,"totalPages":1}`)
	var dst []byte
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = Fields(dst[:0], doc, "id,t,expand.author.name"); err != nil {
			b.Fatal(err)
		}
	}
}
