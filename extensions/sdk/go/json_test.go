package troupe

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"unicode/utf8"
)

func TestWriterWritesWhatEncodingJSONReads(t *testing.T) {
	text := "a\"b\\c\n\r\t\x00\x1f\x7fé😀\u2028"
	got := Object().Text("text", text).Int("int", math.MinInt64).Number("number", -1.5e-9).Number("nan", math.NaN()).Bool("bool", true).Null("null").
		Put("list", Array().Text(text).Int(7).Number(1e21).Bool(false).Null().Put(Object()).Put(Array())).JSON()
	want := map[string]any{"text": text, "int": json.Number("-9223372036854775808"), "number": json.Number("-1.5e-09"), "nan": nil, "bool": true, "null": nil,
		"list": []any{text, json.Number("7"), json.Number("1e+21"), false, nil, map[string]any{}, []any{}}}
	var read any
	decode(t, got, &read)
	if !reflect.DeepEqual(read, any(want)) {
		t.Errorf("%s\nread as %v\nwant    %v", got, read, want)
	}
}

func TestWriterGoesOnAfterJSON(t *testing.T) {
	o := Object().Int("a", 1)
	if s := string(o.JSON()); s != `{"a":1}` {
		t.Fatal(s)
	}
	if s := string(o.Int("b", 2).JSON()); s != `{"a":1,"b":2}` {
		t.Fatal(s)
	}
}

func TestWriterReplacesBytesThatAreNoText(t *testing.T) {
	if s := string(Array().Text("a\xff\xc3").JSON()); s != "[\"a\uFFFD\uFFFD\"]" {
		t.Fatalf("%q", s)
	}
}

func TestWritersOfACallDoNotShareBuffers(t *testing.T) {
	reuseBuffers()
	var all []*JSONArray
	for i := range 2 * maxBuffers {
		all = append(all, Array().Int(int64(i)))
	}
	for i, a := range all {
		if v, err := ParseJSON(a.JSON()); err != nil || v.Index(0).Int() != int64(i) {
			t.Fatalf("writer %d holds %s", i, a.JSON())
		}
	}
}

func TestReader(t *testing.T) {
	v, err := ParseJSON([]byte(` { "a" : {"b": [1, -2.5, "x\u00e9\ud83d\ude00\n\ud800", true, null, {}]}, "n": 1e3, "a\u0062": 1, "twice": 1, "twice": 2, "big": 1e999} `))
	if err != nil {
		t.Fatal(err)
	}
	list := v.Get("a", "b")
	for name, c := range map[string]struct{ got, want any }{
		"int":             {list.Index(0).Int(), int64(1)},
		"number":          {list.Index(1).Number(), -2.5},
		"int of fraction": {list.Index(1).Int(), int64(-2)},
		"text":            {list.Index(2).Text(), "xé😀\n\uFFFD"},
		"bool":            {list.Index(3).Bool(), true},
		"null":            {list.Index(4).IsNull(), true},
		"null exists":     {list.Index(4).Exists(), true},
		"object":          {list.Index(5).IsObject(), true},
		"beyond":          {list.Index(6).Exists(), false},
		"missing":         {v.Get("a", "x", "y").Exists(), false},
		"missing as JSON": {string(v.Get("x").JSON()), "null"},
		"exponent":        {v.Get("n").Int(), int64(1000)},
		"escaped key":     {v.Get("ab").Int(), int64(1)},
		"last of two":     {v.Get("twice").Int(), int64(2)},
		"out of range":    {v.Get("big").Number(), math.Inf(1)},
		"int of infinity": {v.Get("big").Int(), int64(0)},
		"text of number":  {v.Get("n").Text(), ""},
		"number of text":  {list.Index(2).Number(), 0.0},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", name, c.got, c.want)
		}
	}
}

func TestReaderLimitsDepth(t *testing.T) {
	nested := func(n int) []byte {
		b := make([]byte, 2*n)
		for i := range n {
			b[i], b[len(b)-1-i] = '[', ']'
		}
		return b
	}
	if _, err := ParseJSON(nested(maxJSONDepth)); err != nil {
		t.Error("refused the allowed depth")
	}
	if _, err := ParseJSON(nested(1 << 20)); err != ErrJSON {
		t.Error("took a million brackets")
	}
}

// FuzzReader holds the reader against encoding/json: the same texts are taken, and what they stand for is the same.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x",null,{"b":true}]}`, `"\ud83d\ude00\ud800\u0041"`, `-0.1e+5`, `01`, `[1,]`, `{"a" 1}`, "\"\x01\"", ` `, `{}x`, `nul`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := ParseJSON(text)
		if want := json.Valid(text) && utf8.Valid(text); (err == nil) != want && len(text) < maxJSONDepth {
			t.Fatalf("%q: %v, encoding/json says %v", text, err, want)
		}
		if err != nil {
			return
		}
		var want, got any
		decode(t, text, &want)
		decode(t, rewrite(v), &got)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: read %v, want %v", text, got, want)
		}
	})
}

// rewrite writes a value again from what the reader says about it.
func rewrite(v Value) []byte {
	switch {
	case v.IsText():
		a := string(Array().Text(v.Text()).JSON())
		return []byte(a[1 : len(a)-1])
	case v.IsArray():
		a := Array()
		for _, x := range v.Items() {
			a.Put(Value{rewrite(x)})
		}
		return a.JSON()
	case v.IsObject():
		o := Object()
		for k, x := range v.Fields() {
			o.Put(k, Value{rewrite(x)})
		}
		return o.JSON()
	}
	return v.JSON()
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
