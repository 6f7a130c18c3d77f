package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
)

// Whoever opens the server's address finds the dashboard, and whoever opens the API's what it is; /api without its slash is
// unknown, as everything else.
func TestTheServersAddress(t *testing.T) {
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for name, static := range map[string]httpx.Handler{
		"no public directory": nil,
		"public directory":    func(c *httpx.Context) error { return c.String(http.StatusOK, "public "+c.Path()) },
	} {
		g := newRigWith(t, nil, api.Options{Static: static, Version: "v1.2.3"})
		get := func(path string) (*http.Response, map[string]any) {
			t.Helper()
			res, err := stay.Get(g.base + path)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var out map[string]any
			if res.Header.Get("Content-Type") == "application/json" {
				if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
					t.Error(err)
				}
			}
			return res, out
		}
		res, _ := get("/")
		if static == nil && (res.StatusCode != http.StatusTemporaryRedirect || res.Header.Get("Location") != "/_/") {
			t.Errorf("%s: / is %d to %q", name, res.StatusCode, res.Header.Get("Location"))
		}
		if static != nil && res.StatusCode != http.StatusOK {
			t.Errorf("%s: / is %d", name, res.StatusCode)
		}
		res, about := get("/api/")
		if res.StatusCode != http.StatusOK || about["name"] != "Troupe" || about["version"] != "v1.2.3" || about["documentation"] == nil {
			t.Errorf("%s: /api/ is %d %v", name, res.StatusCode, about)
		}
		for _, path := range []string{"/api", "/api/nope"} {
			if res, _ := get(path); static == nil && res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s is %d", name, path, res.StatusCode)
			}
		}
		if res, _ := get("/_/"); res.StatusCode != http.StatusOK {
			t.Errorf("%s: /_/ is %d", name, res.StatusCode)
		}
	}
}
