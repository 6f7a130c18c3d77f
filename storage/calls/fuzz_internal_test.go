package calls

import (
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzAsker: what was stored of somebody is read as it was, and whatever else stands there is read or refused, never more.
func FuzzAsker(f *testing.F) {
	f.Add([]byte(`{"method":"POST","path":"/x","superuser":true}`))
	f.Add([]byte(`{"method":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := parseAsker(text)
		if err != nil {
			return
		}
		stored, err := (&Call{Asker: a}).asker()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseAsker(stored.([]byte))
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Errorf("%+v became %+v, %v", a, again, err)
		}
	})
}

func TestCut(t *testing.T) {
	for n := range 10 {
		if s := cut("aéö…x", n); len(s) > n || !utf8.ValidString(s) {
			t.Errorf("%d: %q", n, s)
		}
	}
}
