package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// add creates a record with files, by field, as (name, content), and returns it.
func (g *rig) add(collection string, values map[string]string, files map[string][2]string) map[string]any {
	g.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range values {
		if err := form.WriteField(name, value); err != nil {
			g.t.Fatal(err)
		}
	}
	for field, file := range files {
		part, err := form.CreateFormFile(field, file[0])
		if err == nil {
			_, err = part.Write([]byte(file[1]))
		}
		if err != nil {
			g.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		g.t.Fatal(err)
	}
	status, made := g.sendTyped("", form.FormDataContentType(), "POST", "/api/collections/"+collection+"/records", body.String())
	if status != http.StatusOK {
		g.t.Fatalf("create: %d %v", status, made)
	}
	return made
}

// Whatever a client calls its file, it is stored and served, and the server keeps no note of it.
func TestUploadsNamedLikeWhatTheServerKeeps(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","fields":[{"name":"f","type":"file"}]}`)
	for _, name := range []string{"x.attrs", "x.png.attrs", ".attrs", "x.ATTRS", "thumbs_x.png", "_troupe_removed", "x.tmp", ".x.tmp", "..", "x.attrs."} {
		made := g.add("docs", nil, map[string][2]string{"f": {name, "content of " + name}})
		status, _, raw := g.raw("GET", fmt.Sprintf("/api/files/docs/%v/%v", made["id"], made["f"]), "", nil)
		if status != http.StatusOK || string(raw) != "content of "+name {
			t.Errorf("%s, stored as %v: %d %q", name, made["f"], status, raw)
		}
		if notes, err := filepath.Glob(filepath.Join(g.app.Dir(), "_troupe_files_pending", "*")); err != nil || len(notes) != 0 {
			t.Errorf("%s: notes are left: %v, %v", name, notes, err)
		}
	}
}

// Caches that serve several people do not keep what was given to one of them.
func TestProtectedFilesArePrivateForCaches(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","fields":[{"name":"open","type":"file"},{"name":"closed","type":"file","protected":true}]}`)
	made := g.add("docs", nil, map[string][2]string{"open": {"a.txt", "a"}, "closed": {"b.txt", "b"}})
	for field, want := range map[string]string{"open": "max-age=2592000, stale-while-revalidate=86400", "closed": "private, max-age=2592000, stale-while-revalidate=86400"} {
		path := fmt.Sprintf("/api/files/docs/%v/%v", made["id"], made[field])
		for _, method := range []string{"GET", "HEAD"} {
			if _, header, _ := g.raw(method, path, "", nil); header.Get("Cache-Control") != want {
				t.Errorf("%s %s: %q, want %q", method, field, header.Get("Cache-Control"), want)
			}
		}
	}
}

// A file that a browser would run by its name or by its content, but not by both, is sent as no type at all.
func TestNamesAndContentsThatDisagree(t *testing.T) {
	const (
		gif  = "GIF89a/*\x00\x00*/=1;alert(1)"
		svg  = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
		html = "<!doctype html><script>alert(1)</script>"
	)
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","fields":[{"name":"f","type":"file"}]}`)
	for _, c := range []struct{ name, content, want string }{
		{"x.svg", svg, "image/svg+xml"},
		{"x.svg", `<?xml version="1.0"?>` + strings.Repeat(" ", 4000) + svg, "image/svg+xml"},
		{"x.svg", "<!-- a drawing -->" + svg, "image/svg+xml"},
		{"x.svg", gif, "application/octet-stream"},
		{"x.svg", html, "application/octet-stream"},
		{"x.js", "alert(1)", "text/javascript"},
		{"x.js", gif, "application/octet-stream"},
		{"x.mjs", html, "application/octet-stream"},
		{"x.css", "a { color: red }", "text/css"},
		{"x.css", gif, "application/octet-stream"},
		{"x.gif", svg, "application/octet-stream"},
		{"x.PNG", html, "application/octet-stream"},
		{"x.gif", gif, "image/gif"},
		{"x.html", html, "text/html; charset=utf-8"},
		{"x.txt", "plain", "text/plain; charset=utf-8"},
		{"x.docx", gif, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	} {
		made := g.add("docs", nil, map[string][2]string{"f": {c.name, c.content}})
		_, header, _ := g.raw("GET", fmt.Sprintf("/api/files/docs/%v/%v", made["id"], made["f"]), "", nil)
		if got := header.Get("Content-Type"); got != c.want {
			t.Errorf("%s with %.20q: %q, want %q", c.name, c.content, got, c.want)
		}
	}
}

// The files that a view shows are those of the records below it, whatever ids it makes of them.
func TestFilesOfViews(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","fields":[{"name":"title","type":"text"},{"name":"f","type":"file"},{"name":"list","type":"file","maxSelect":3}]}`)
	g.add("docs", map[string]string{"title": "other"}, map[string][2]string{"f": {"a.txt", "other"}})
	made := g.add("docs", map[string]string{"title": "one"}, map[string][2]string{"f": {"a.txt", "single"}, "list": {"b.txt", "of several"}})
	for _, view := range []string{
		`{"name":"same","type":"view","viewQuery":"select id, title, f, list from docs"}`,
		`{"name":"numbered","type":"view","viewQuery":"select (row_number() over (order by title desc)) as id, title, f as g, list from docs"}`,
		`{"name":"over","type":"view","viewQuery":"select id, title, g as h, list from numbered"}`,
		`{"name":"alien","type":"view","viewQuery":"select id, title, f from docs where title = 'other'"}`,
	} {
		trimmed := `{"listRule":"","viewRule":"",` + strings.TrimPrefix(view, "{")
		err := g.app.Catalogue.ChangeFunc(t.Context(), func(ch *schema.Change) error {
			c, err := schema.DecodeNew([]byte(trimmed))
			if err != nil {
				return err
			}
			return ch.Create(c)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	list, _ := made["list"].([]any)
	for _, c := range []struct {
		view, id string
		name     any
		want     string
	}{
		{"same", made["id"].(string), made["f"], "single"},
		{"same", made["id"].(string), list[0], "of several"},
		{"numbered", "2", made["f"], "single"},
		{"numbered", "2", list[0], "of several"},
		{"over", "2", made["f"], "single"},
		{"over", "2", list[0], "of several"},
		{"over", "1", made["f"], ""},
		{"alien", made["id"].(string), made["f"], ""},
		{"same", made["id"].(string), "nope.txt", ""},
	} {
		status, _, raw := g.raw("GET", fmt.Sprintf("/api/files/%s/%s/%v", c.view, c.id, c.name), "", nil)
		if ok := status == http.StatusOK; ok != (c.want != "") || ok && string(raw) != c.want {
			t.Errorf("%s/%s/%v: %d %q, want %q", c.view, c.id, c.name, status, raw, c.want)
		}
	}
	// A field that is protected from now on is so in views that were made before.
	g.change("docs", `{"viewRule":null,"fields":`+fields(t, g, "docs", "protected")+`}`)
	g.change("same", `{"viewRule":"title = 'nobody'"}`)
	path := fmt.Sprintf("/api/files/same/%v/%v", made["id"], made["f"])
	if status, _, _ := g.raw("GET", path, "", nil); status != http.StatusNotFound {
		t.Errorf("a file that became protected: %d", status)
	}
}

// fields is the JSON of a collection's fields with an option set in those of files.
func fields(t *testing.T, g *rig, name, option string) string {
	t.Helper()
	var list []map[string]any
	for _, f := range g.app.Catalogue.Current().Find(name).Fields {
		var one map[string]any
		if err := json.Unmarshal(schema.EncodeField(f), &one); err != nil {
			t.Fatal(err)
		}
		if f.Type() == "file" {
			one[option] = true
		}
		list = append(list, one)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
