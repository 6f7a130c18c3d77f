package schema_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorded is a case of the contract suite as far as collections are concerned.
type recorded struct {
	Steps []recordedStep `json:"steps"`
}

type recordedStep struct {
	Name    string `json:"name"`
	Request *struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Auth    string            `json:"auth"`
		Headers map[string]string `json:"headers"`
		JSON    json.RawMessage   `json:"json"`
		Body    *string           `json:"body"`
	} `json:"request"`
	Save       map[string]string `json:"save"`
	Ignore     []string          `json:"ignore"`
	OnlyStatus bool              `json:"only_status"`
	Expect     struct {
		Status int `json:"status"`
		Body   any `json:"body"`
	} `json:"expect"`
}

// TestRecordedCollections sends the collection requests of the recorded cases to a database and compares the answers.
// Records are written just as far as the definitions need them.
func TestRecordedCollections(t *testing.T) {
	dir := filepath.Join("..", "..", "contract", "testdata", "cases")
	files, err := filepath.Glob(filepath.Join(dir, "collections-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"auth-options*.json", "auth-system-*.json", "auth-superusers.json"} {
		more, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	if len(files) == 0 {
		t.Fatal("no recorded cases")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if strings.Contains(name, "-tolerance") || strings.Contains(name, "-values-") {
			continue // about records, or about tables that were made by hand
		}
		t.Run(name, func(t *testing.T) { runRecorded(t, file) })
	}
}

// wanted are the steps, by case, whose recorded answers are to differ: providers are merged by name, and a partial index may have
// brackets in its WHERE.
var wanted = map[string][]int{"collections-oauth2-options": {13, 14, 17, 18}, "collections-indexes": {6}}

func runRecorded(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c recorded
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	run := &replay{host: newHost(t), vars: map[string]string{"oidc_url": "http://127.0.0.1:9999"}}
	differing := wanted[strings.TrimSuffix(filepath.Base(file), ".json")]
	for i, step := range c.Steps {
		r := step.Request
		if r == nil || r.Auth != "{{root}}" || len(r.Headers) > 0 || strings.HasSuffix(step.Name, "content type") {
			continue
		}
		run.step(t, i, &step, slices.Contains(differing, i))
	}
}

// replay is a case under way.
type replay struct {
	*host
	vars map[string]string // what answers were saved as
}

func (r *replay) expand(s string) string {
	for name, value := range r.vars {
		s = strings.ReplaceAll(s, "{{"+name+"}}", value)
	}
	return s
}

// step sends one request and compares the answer, unless it is to differ.
func (r *replay) step(t *testing.T, i int, step *recordedStep, differs bool) {
	u, err := url.Parse(r.expand(step.Request.Path))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(r.expand(string(step.Request.JSON)))
	if step.Request.Body != nil {
		body = []byte(r.expand(*step.Request.Body))
	}
	status, answer, ok := r.serve(step.Request.Method, u, body)
	if !ok || differs {
		return
	}
	label := fmt.Sprintf("step %d %s: %s %s %.300s", i, step.Name, step.Request.Method, step.Request.Path, body)
	if status != step.Expect.Status {
		t.Errorf("%s\n got %d %s\nwant %d %.600s", label, status, encode(answer), step.Expect.Status, encode(step.Expect.Body))
		return
	}
	for name, path := range step.Save {
		if v, ok := lookup(answer, path); ok {
			r.vars[name] = v
		}
	}
	if step.OnlyStatus || step.Expect.Body == nil {
		return
	}
	var want any
	_ = json.Unmarshal([]byte(r.expand(encode(step.Expect.Body))), &want)
	if m, ok := answer.(map[string]any); ok && status == 400 {
		if w, ok := want.(map[string]any); ok && w["message"] == nil {
			delete(m, "message")
		}
	}
	for _, path := range step.Ignore {
		parts := pathParts(path)
		remove(answer, parts)
		remove(want, parts)
	}
	if diff := compare("$", want, answer); diff != "" {
		t.Errorf("%s\n%s", label, diff)
	}
}
