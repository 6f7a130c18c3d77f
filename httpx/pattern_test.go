package httpx

import (
	"fmt"
	"strings"
	"testing"
)

func TestPatternsThatCannotBe(t *testing.T) {
	for _, path := range []string{
		"", "a", "/{$}/a", "/{a", "/a}", "/a{b}", "/{a}b", "/{a}{b}", "/{}", "/{a-b}", "/{1}", "/{a...}/", "/{a}/{a}", "/{a}/{a...}",
		"//", "/a//b", "/a/./b", "/..", "/{$...}", "/{....}", "/{{a}}", "/" + strings.Repeat("a", maxPattern),
	} {
		if got, err := parsePattern(path); err == nil {
			t.Errorf("%q: %v", path, got)
		}
	}
	if _, err := NewRouter([]*Route{{Method: "get", Path: "/", Handler: echo}}); err == nil {
		t.Error("a method in lower case")
	}
}

func TestExactSlash(t *testing.T) {
	w := start(t, []*Route{
		{Method: "GET", Path: "/{$}", Handler: echo},
		{Method: "GET", Path: "/a/{$}", Handler: echo},
		{Method: "GET", Path: "/b/{$}", Handler: echo},
		{Method: "GET", Path: "/b/{rest...}", Handler: echo},
		{Method: "GET", Path: "/c/{x}/{$}", Handler: echo},
		{Method: "GET", Path: "/d", Handler: echo},
		{Method: "GET", Path: "/d/{$}", Handler: echo},
		{Method: "GET", Path: "/e/{...}", Handler: echo},
		{Method: "GET", Path: "/%41%2F", Handler: echo},
	}, nil)
	for target, want := range map[string]string{
		"/": "/{$}", "/a/": "/a/{$}", "/a/x": "", "/x": "", "/b/": "/b/{$}", "/b/x/y": "/b/{rest...}", "/c/1/": "/c/{x}/{$}",
		"/c/1": "", "/d": "/d", "/d/": "/d/{$}", "/e/": "/e/{...}", "/e/x/y": "/e/{...}", "/A%2f": "/%41%2F",
		"/a": "-> /a/", "/e": "-> /e/",
	} {
		got := w.get("GET", target)
		switch to, moved := strings.CutPrefix(want, "-> "); {
		case moved:
			if got.StatusCode != 307 || got.Header.Get("Location") != to {
				t.Errorf("%s: %d to %q", target, got.StatusCode, got.Header.Get("Location"))
			}
		case want == "":
			if got.StatusCode != 404 {
				t.Errorf("%s: %d %s", target, got.StatusCode, got.body)
			}
		case !strings.Contains(got.body, `"route":"`+want+`"`):
			t.Errorf("%s: %d %s", target, got.StatusCode, got.body)
		}
	}
}

func TestSplitPattern(t *testing.T) {
	for pattern, want := range map[string][2]string{
		"/a": {"", "/a"}, "GET /a": {"GET", "/a"}, "SEARCH \t /a b": {"SEARCH", "/a b"}, "": {"", ""}, "GET": {"", "GET"}, " /a": {"", "/a"},
	} {
		if method, path := splitPattern(pattern); method != want[0] || path != want[1] {
			t.Errorf("%q: %q %q", pattern, method, path)
		}
	}
}

// FuzzPattern makes of every pattern that is accepted a path, which must find its route; a second route of that pattern
// must be refused.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{
		"/", "GET /a/{id}", "/{rest...}", "/a/{$}", "POST /a/{b}/c/{d...}", "/%41", "/a%2Fb/", "/{", "/{a}{b}", "/é/{ü}", "/%zz", "/...", "/{...}",
		"/%2e%2E/{$}", "GET  /\x00/?#",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		method, path := splitPattern(pattern)
		route := &Route{Method: method, Path: path, Handler: echo}
		r, err := NewRouter([]*Route{route})
		if err != nil {
			return
		}
		segments, err := parsePattern(path)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		target := pathOf(segments)
		if raw, _ := splitURI(target); string(raw) != string(target) || !clean(target) || !wellFormed(target) {
			t.Fatalf("%q: the path %q could not be sent", pattern, target)
		}
		if method == "" {
			method = "GET"
		}
		var m match
		if !r.find(method, target, &m) || m.route != route {
			t.Fatalf("%q does not match %q", pattern, target)
		}
		if _, err := NewRouter([]*Route{route, {Method: route.Method, Path: path, Handler: echo}}); err == nil {
			t.Fatalf("%q twice", pattern)
		}
	})
}

// pathOf makes a path that a pattern must match, with every byte of its literals encoded.
func pathOf(segments []segment) []byte {
	var out []byte
	for _, s := range segments {
		out = append(out, '/')
		switch s.kind {
		case literalSegment:
			for i := range len(s.text) {
				out = fmt.Appendf(out, "%%%02x", s.text[i])
			}
		case paramSegment:
			out = append(out, 'x')
		case restSegment:
			out = append(out, "y/z"...)
		}
	}
	return out
}
