package schema_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

var escapeSeeds = []string{
	"", "abc", "<a href=\"x\">&amp;</a>", "\x00\x01\b\f\n\r\t\x1f\x7f", "é日本\U0001F600", "\u2028\u2029\u2027\u202a",
	"a\xffb", "\xe2\x80", "\xe2", "\xed\xa0\x80", "\\", "\ufffd", "ends\xf0\x9f\x98",
}

// checkEscape compares the escaper with encoding/json on the same text, also where the text is in the buffer already.
func checkEscape(t *testing.T, s string) {
	t.Helper()
	want, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := schema.AppendJSONString([]byte("x"), s); string(got) != "x"+string(want) {
		t.Errorf("%q: got %s, want x%s", s, got, want)
	}
	if got := schema.AppendJSONString(nil, []byte(s)); string(got) != string(want) {
		t.Errorf("%q as bytes: got %s, want %s", s, got, want)
	}
	if got := schema.EscapeTail([]byte("x"+s), 1); string(got) != "x"+string(want) {
		t.Errorf("%q in place: got %s, want x%s", s, got, want)
	}
}

func TestAppendJSONString(t *testing.T) {
	for _, s := range escapeSeeds {
		checkEscape(t, s)
	}
}

func FuzzAppendJSONString(f *testing.F) {
	for _, s := range escapeSeeds {
		f.Add(s)
	}
	f.Fuzz(checkEscape)
}

func checkNumber(t *testing.T, n float64) {
	t.Helper()
	want := "null"
	if text, err := json.Marshal(n); err == nil {
		want = string(text)
	}
	if got := string(schema.AppendJSONNumber([]byte("x"), n)); got != "x"+want {
		t.Errorf("%v: got %s, want x%s", n, got, want)
	}
}

func TestAppendJSONNumber(t *testing.T) {
	for _, n := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.5, 1e5, 1e15, 1 << 53, 1<<53 + 2, 1e20, 1e21, -1e21, 1e-6, 1e-7, 1.5e-9, 1e-10, 1e-100,
		1e100, math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxInt64, math.Inf(1), math.Inf(-1), math.NaN(), 123456.789,
	} {
		checkNumber(t, n)
	}
}

func FuzzAppendJSONNumber(f *testing.F) {
	f.Add(1.5e-9)
	f.Add(1e21)
	f.Fuzz(checkNumber)
}
