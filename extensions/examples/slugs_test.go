package examples

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// languages are those that have examples, with the suffix of their names.
var languages = map[string]string{"go": "go", "c": "c", "assemblyscript": "as"}

func committed(t testing.TB, language, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(language + "/" + name + "/" + name + "-" + languages[language] + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func TestSlugs(t *testing.T) {
	for language := range languages {
		t.Run(language, func(t *testing.T) { checkSlugs(t, language, load(t, committed(t, language, "slugs"))) })
	}
}

// checkSlugs holds an extension against what slugs does in every language.
func checkSlugs(t *testing.T, language string, g *guest) {
	d := g.description
	if d.Name != "slugs-"+languages[language] || d.Version != "1.0.0" || len(d.Hooks) != 2 || len(d.Routes) != 1 {
		t.Fatalf("description: %+v", d)
	}
	for i, event := range []string{"record.create", "record.update"} {
		if h := d.Hooks[i]; h.Event != event || strings.Join(h.Collections, ",") != "posts" || strings.Join(h.Phases, ",") != "before" {
			t.Errorf("hook %d: %+v", i, h)
		}
	}
	for _, c := range []struct{ title, slug string }{
		{"Hello, World!", "hello-world"},
		{"  --A  b\tC9__d-- ", "a-b-c9-d"},
		{"Crème brûlée für 2", "cr-me-br-l-e-f-r-2"},
		{"unforbidden forbiddenly", "unforbidden-forbiddenly"},
		{"日本語 😀", ""},
		{"", ""},
		{strings.Repeat("Long Title ", 5000), strings.TrimSuffix(strings.Repeat("long-title-", 5000), "-")},
	} {
		for i := range d.Hooks {
			g.call = call{fields: map[string]string{"title": c.title}}
			g.do(1, i, nil)
			if g.call.failure != nil || g.call.refused != 0 || g.call.fields["slug"] != c.slug {
				t.Errorf("%.40q: slug %.60q, want %.60q; failure %v", c.title, g.call.fields["slug"], c.slug, g.call.failure)
			}
		}
	}
	for _, title := range []string{"forbidden", "A FORBIDDEN thing", "so:Forbidden!"} {
		g.call = call{fields: map[string]string{"title": title}}
		g.do(1, 0, nil)
		if f := g.call.failure["title"]; f != `validation_forbidden_word: The word "forbidden" is not allowed.` {
			t.Errorf("%q: failure %q", title, f)
		}
		if _, set := g.call.fields["slug"]; set {
			t.Errorf("%q: has a slug", title)
		}
	}
	for _, name := range []string{"Ann", `"q\`, "a\x00\n\t\x1f\x7f", "é日本😀\u2028", "", strings.Repeat("ß", 10000)} {
		g.call = call{params: map[string]string{"name": name}}
		var got map[string]string
		body := g.do(3, 0, nil)
		if err := json.Unmarshal(body, &got); err != nil || got["hello"] != name || got["lang"] != language || len(got) != 2 {
			t.Errorf("%.20q: answer %.80q, %v", name, body, err)
		}
		if g.call.status != 200 || g.call.kind != "application/json" {
			t.Errorf("%.20q: %d %s", name, g.call.status, g.call.kind)
		}
	}
	g.call = call{fields: map[string]string{}}
	g.do(1, 0, nil)
	if g.call.refused != 500 || len(g.call.lines) != 1 || !strings.Contains(g.call.lines[0], "no such field") {
		t.Errorf("a missing field: refused with %d, logged %q", g.call.refused, g.call.lines)
	}
}
