package filter

import "testing"

func FuzzIsHeaderName(f *testing.F) {
	for _, s := range []string{"X-Foo-Bar", "--a--B--", "", "a\xffb", "Ärger-9", "x_y"} {
		f.Add(s, HeaderName(s))
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, sent, name string) {
		if got, want := isHeaderName([]byte(sent), name), HeaderName(sent) == name; got != want {
			t.Errorf("%q as %q: %v", sent, name, got)
		}
		if !isHeaderName([]byte(sent), HeaderName(sent)) {
			t.Errorf("%q is not its own name", sent)
		}
	})
}
