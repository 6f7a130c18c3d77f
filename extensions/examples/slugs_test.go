package examples

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

func TestSlugs(t *testing.T) {
	for language := range languages {
		t.Run(language, func(t *testing.T) {
			x, log := load(t, committed(t, language, "slugs"), newStore())
			checkSlugs(t, language, x, log)
		})
	}
}

// checkSlugs holds an extension against what slugs does in every language.
func checkSlugs(t *testing.T, language string, x *wasmhost.Extension, log *journal) {
	checkDescription(t, language, x)
	checkTitles(t, x, log)
	checkHello(t, language, x)
}

func checkDescription(t *testing.T, language string, x *wasmhost.Extension) {
	hooks, routes := x.Hooks(), x.Routes()
	if x.Name() != "slugs-"+languages[language] || x.Version() != "1.0.0" || len(hooks) != 2 || len(routes) != 1 {
		t.Fatalf("%s %s with hooks %v, routes %v", x.Name(), x.Version(), hooks, routes)
	}
	for i, event := range []string{"record.create", "record.update"} {
		if h := hooks[i]; h.Event != event || !slices.Equal(h.Collections, []string{"posts"}) || !h.Before || h.After || h.Priority != 0 {
			t.Errorf("hook %d: %+v", i, h)
		}
	}
	if r := routes[0]; r.Method != "GET" || r.Path != "/hello/{name}" || r.Auth != "" {
		t.Errorf("route: %+v", r)
	}
}

func checkTitles(t *testing.T, x *wasmhost.Extension, log *journal) {
	ctx := context.Background()
	for _, c := range []struct{ title, slug string }{
		{"Hello, World!", "hello-world"},
		{"  --A  b\tC9__d-- ", "a-b-c9-d"},
		{"Crème brûlée für 2", "cr-me-br-l-e-f-r-2"},
		{"unforbidden forbiddenly", "unforbidden-forbiddenly"},
		{"日本語 😀", ""},
		{"", ""},
		{strings.Repeat("Long Title ", 5000), strings.TrimSuffix(strings.Repeat("long-title-", 5000), "-")},
	} {
		for hook := range x.Hooks() {
			r := note("title", c.title)
			if _, err := x.Before(ctx, hook, &wasmhost.Call{Record: r}); err != nil || r.text("slug") != c.slug {
				t.Errorf("%.40q: slug %.60q, want %.60q; %v", c.title, r.text("slug"), c.slug, err)
			}
		}
	}
	for _, title := range []string{"forbidden", "A FORBIDDEN thing", "so:Forbidden!"} {
		r := note("title", title)
		_, err := x.Before(ctx, 0, &wasmhost.Call{Record: r})
		want := wasmhost.FieldFailure{Code: "validation_forbidden_word", Message: `The word "forbidden" is not allowed.`}
		if no := refused(t, err); no == nil || no.Status != 400 || no.Fields["title"] != want {
			t.Errorf("%q: %+v", title, no)
		}
		if _, set := r.fields["slug"]; set {
			t.Errorf("%q: has a slug", title)
		}
	}
	log.take()
	_, err := x.Before(ctx, 0, &wasmhost.Call{Record: note()})
	if no, lines := refused(t, err), log.take(); no == nil || no.Status != 500 || !strings.Contains(lines, "title does not exist") {
		t.Errorf("a missing field: %+v, logged %s", no, lines)
	}
}

func checkHello(t *testing.T, language string, x *wasmhost.Extension) {
	for _, name := range []string{"Ann", `"q\`, "a\x00\n\t\x1f\x7f", "é日本😀\u2028", "", strings.Repeat("ß", 10000)} {
		answer, err := x.Serve(context.Background(), 0, &wasmhost.Call{Request: &request{parts: map[string]string{"param name": name}}})
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal(answer.Body, &got); err != nil || got["hello"] != name || got["lang"] != language || len(got) != 2 {
			t.Errorf("%.20q: answer %.80q, %v", name, answer.Body, err)
		}
		if answer.Status != 200 || answer.ContentType != "application/json" {
			t.Errorf("%.20q: %d %s", name, answer.Status, answer.ContentType)
		}
	}
}

// An instance lives long: what a call allocates must not stay. (AssemblyScript's runtimes "stub" and "minimal" never free.)
func TestMemoryStaysBounded(t *testing.T) {
	for language := range languages {
		t.Run(language, func(t *testing.T) {
			x, _ := load(t, committed(t, language, "slugs"), newStore())
			r := note("title", strings.Repeat("Long Title ", 10_000))
			for range 150 { // 100 MB and more, of which an instance has 64 MiB
				if _, err := x.Before(context.Background(), 0, &wasmhost.Call{Record: r}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
