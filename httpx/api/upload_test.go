package api_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

// upload sends a form with one file, and JSON beside it, and returns the status.
func (g *rig) upload(method, path, key, payload string) int {
	g.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(key, "a.txt")
	if err == nil {
		_, err = part.Write([]byte("hello"))
	}
	if err != nil {
		g.t.Fatal(err)
	}
	if payload != "" {
		if err := form.WriteField("@jsonPayload", payload); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.base+path, &body)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		g.t.Fatal(err)
	}
	return res.StatusCode
}

// touched tells whether anything was ever stored: what is removed again leaves directories.
func (g *rig) touched() bool {
	for _, dir := range []string{"storage", "_troupe_files_pending"} {
		if _, err := os.Stat(filepath.Join(g.app.Dir(), dir)); err == nil {
			return true
		}
	}
	return false
}

// change changes the definition of a collection.
func (g *rig) change(name, definition string) {
	g.t.Helper()
	found := g.app.Catalogue.Current().Find(name)
	err := g.app.Catalogue.ChangeFunc(g.t.Context(), func(ch *schema.Change) error {
		c := found.Clone()
		if err := c.Decode([]byte(definition)); err != nil {
			return err
		}
		return ch.Update(found.ID, c)
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// A guest whom the rule refuses cannot make the disk work: nothing is stored before the rule was judged.
func TestUploadsAreStoredOnlyForThoseWhomTheRuleLetsIn(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"guarded","type":"base","fields":[{"name":"ok","type":"bool"},{"name":"doc","type":"file"}]}`)
	g.collection(`{"name":"closed","type":"base","fields":[{"name":"doc","type":"file"}]}`)
	status, made := g.send("POST", "/api/collections/guarded/records", `{"ok":false}`)
	if status != http.StatusOK {
		t.Fatal(status, made)
	}
	g.change("guarded", `{"createRule":"ok = true","updateRule":"ok = true"}`)
	g.change("closed", `{"createRule":null,"updateRule":null}`)
	_, err := g.app.Settings.Save(t.Context(), func(s *settings.Settings) error {
		s.Batch.Enabled, s.Batch.MaxRequests = true, 10
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	put := func(id any) string {
		return fmt.Sprintf(`{"requests":[{"method":"PUT","url":"/api/collections/guarded/records","body":{"id":"%s"}}]}`, id)
	}
	for _, c := range []struct {
		method, path, key, payload string
		want                       int
	}{
		{"POST", "/api/collections/guarded/records", "doc", "", 400},
		{"PATCH", fmt.Sprintf("/api/collections/guarded/records/%s", made["id"]), "doc", "", 404},
		{"PATCH", "/api/collections/guarded/records/missing00000000", "doc", "", 404},
		{"POST", "/api/collections/closed/records", "doc", "", 403},
		{"PATCH", "/api/collections/closed/records/missing00000000", "doc", "", 403},
		{"POST", "/api/batch", "requests.0.doc", put(made["id"]), 400},
		{"POST", "/api/batch", "requests.0.doc", put("missing00000000"), 400},
	} {
		if got := g.upload(c.method, c.path, c.key, c.payload); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, got, c.want)
		}
		if g.touched() {
			t.Fatalf("%s %s: something was stored", c.method, c.path)
		}
	}
	if got := g.upload("POST", "/api/collections/guarded/records", "doc", `{"ok":true}`); got != http.StatusOK || !g.touched() {
		t.Errorf("whom the rule lets in: %d", got)
	}
}
