package schema

import (
	"encoding/json"
	"testing"
)

// FuzzWrittenForms proves that the short cut for lists says yes only to what decoding and encoding leaves as it is, and
// the one for points likewise.
func FuzzWrittenForms(f *testing.F) {
	for _, s := range []string{
		`[]`, `["a"]`, `["a","b"]`, `["a","a"]`, `["a",]`, `["a"`, `["`, `["]`, `["a"]"]`, `["a""b"]`, `[,"a"]`, `[""]`,
		`{"lon":1,"lat":2}`, `{"lon":0.0000005,"lat":-0}`, `{"lon":1.50,"lat":01}`, `{"lon":0.000001,"lat":-0.5}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if isPlainList([]byte(s)) {
			if got := string(appendList(nil, listFromText(s))); got != s {
				t.Errorf("list %s is written %s", s, got)
			}
		}
		if isWrittenPoint([]byte(s)) {
			var p GeoPoint
			if err := json.Unmarshal([]byte(s), &p); err != nil {
				t.Fatalf("point %s: %v", s, err)
			}
			if got := string((&GeoPointField{}).AppendValue(nil, p)); got != s {
				t.Errorf("point %s is written %s", s, got)
			}
		}
		if isStoredDate(s) {
			when, ok := ParseDate(s)
			if !ok || FormatDate(when) != s {
				t.Errorf("date %s is written %s", s, FormatDate(when))
			}
		}
	})
}
