package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records/expand"
)

// Too many paths are refused with an answer that names the limit, a write before anything is written, in a batch too.
func TestTooManyExpandPaths(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"notes","type":"base","fields":[{"name":"t","type":"text"}]}`)
	if status, out := g.sendAs(g.superuser(), "PATCH", "/api/settings", `{"batch":{"enabled":true,"maxRequests":50,"timeout":3}}`); status != http.StatusOK {
		t.Fatal(status, out)
	}
	status, made := g.send("POST", "/api/collections/notes/records", `{"t":"a"}`)
	if status != http.StatusOK {
		t.Fatal(status, made)
	}
	record := "/api/collections/notes/records/" + made["id"].(string)
	paths := strings.Repeat("a.b,", expand.MaxPaths) + "c"
	expand := "?expand=" + url.QueryEscape(paths)
	const message = "An expand may have at most 50 paths."
	for _, x := range []struct{ method, path, body string }{
		{"GET", "/api/collections/notes/records" + expand, ""},
		{"GET", record + expand, ""},
		{"POST", "/api/collections/notes/records" + expand, `{"t":"b"}`},
		{"PATCH", record + expand, `{"t":"b"}`},
	} {
		if status, out := g.send(x.method, x.path, x.body); status != http.StatusBadRequest || out["message"] != message {
			t.Errorf("%s: %d %v", x.method, status, out)
		}
	}
	status, _, raw := g.raw("POST", "/api/batch", `{"requests":[{"method":"POST","url":"/api/collections/notes/records?expand=`+paths+`","body":{"t":"b"}}]}`, http.Header{"Content-Type": {"application/json"}})
	if status != http.StatusBadRequest || !strings.Contains(string(raw), message) {
		t.Errorf("batch: %d %s", status, raw)
	}
	if _, out := g.send("GET", "/api/collections/notes/records?filter="+url.QueryEscape("t='b'"), ""); out["totalItems"] != 0.0 {
		t.Errorf("something was written: %v", out)
	}
}
