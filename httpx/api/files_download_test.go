package api_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/troupebase/troupe/httpx"
)

// fileToken returns a token for protected files, as the API issues it.
func (g *rig) fileToken(token string) string {
	g.t.Helper()
	status, out := g.sendAs(token, "POST", "/api/files/token", "")
	text, _ := out["token"].(string)
	if status != http.StatusOK || text == "" {
		g.t.Fatalf("file token: %d %v", status, out)
	}
	return text
}

func TestDownloads(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","fields":[{"name":"f","type":"file"}]}`)
	made := g.add("docs", nil, map[string][2]string{"f": {"a b.txt", "the content"}})
	html := g.add("docs", nil, map[string][2]string{"f": {"page.html", "<!doctype html><p>x"}})
	png := g.add("docs", nil, map[string][2]string{"f": {"a.png", "\x89PNG\r\n\x1a\n0000"}})
	at := func(made map[string]any, query string) string {
		return fmt.Sprintf("/api/files/docs/%v/%v%s", made["id"], made["f"], query)
	}
	name := made["f"].(string)
	for _, c := range []struct {
		path, asked, header, want string
		status                    int
		body                      string
	}{
		{at(made, ""), "", "Content-Disposition", "attachment; filename=" + name, 200, "the content"},
		{at(html, ""), "", "Content-Disposition", "attachment; filename=" + html["f"].(string), 200, "<!doctype html><p>x"},
		{at(png, ""), "", "Content-Disposition", "inline; filename=" + png["f"].(string), 200, "\x89PNG\r\n\x1a\n0000"},
		{at(png, "?download=1"), "", "Content-Disposition", "attachment; filename=" + png["f"].(string), 200, "\x89PNG\r\n\x1a\n0000"},
		{at(png, "?download=nonsense"), "", "Content-Disposition", "inline; filename=" + png["f"].(string), 200, "\x89PNG\r\n\x1a\n0000"},
		{at(html, ""), "", "Content-Security-Policy", "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox", 200, "<!doctype html><p>x"},
		{at(made, ""), "", "X-Frame-Options", "", 200, "the content"},
		{at(made, ""), "bytes=4-6", "Content-Range", "bytes 4-6/11", 206, "con"},
		{at(made, ""), "bytes=99-", "Cache-Control", "", 416, ""},
	} {
		status, header, raw := g.raw("GET", c.path, "", http.Header{"Range": {c.asked}})
		if status != c.status || header.Get(c.header) != c.want || c.body != "" && string(raw) != c.body {
			t.Errorf("%s %s: %d, %s: %q, %q", c.path, c.asked, status, c.header, header.Get(c.header), raw)
		}
	}
	for _, path := range []string{
		"/api/files/nobody/x/" + name, "/api/files/docs/nobody000000000/" + name, "/api/files/docs/" + made["id"].(string) + "/other.txt",
		"/api/files/docs/" + html["id"].(string) + "/" + name, "/api/files/docs/" + made["id"].(string) + "/..%2f" + name,
	} {
		if status, out := g.send("GET", path, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	// What the disk lost is not there either.
	stored, err := g.app.Store.StoredFile(t.Context(), g.app.Catalogue.Current().Find("docs").ID, made["id"].(string), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(g.app.Dir() + "/storage/" + stored.Key); err != nil {
		t.Fatal(err)
	}
	if status, header, _ := g.raw("GET", at(made, ""), "", nil); status != http.StatusNotFound || strings.Contains(header.Get("Cache-Control"), "max-age") {
		t.Errorf("a file that is gone: %d %v", status, header)
	}
}

// TestProtectedFiles asks as everybody, with tokens of each kind.
func TestProtectedFiles(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","viewRule":"owner = @request.auth.id && @request.context = 'protectedFile'","fields":[
		{"name":"owner","type":"text"},{"name":"f","type":"file","protected":true}]}`)
	owner, other, super := g.token("users", "owner@x.test"), g.token("users", "other@x.test"), g.superuser()
	r, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "owner@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	made := g.add("docs", map[string]string{"owner": r.ID()}, map[string][2]string{"f": {"a.txt", "secret"}})
	path := fmt.Sprintf("/api/files/docs/%v/%v", made["id"], made["f"])
	for _, c := range []struct {
		who, token, header string
		status             int
	}{
		{"a guest", "", "", 404},
		{"who shows no token of files", "", owner, 404},
		{"who shows a token of sign-ins in its place", owner, "", 404},
		{"a token that is none", "nonsense", "", 404},
		{"the owner", g.fileToken(owner), "", 200},
		{"the owner's token, sent by another", g.fileToken(owner), other, 200},
		{"another", g.fileToken(other), "", 404},
		{"another, signed in as the owner", g.fileToken(other), owner, 404},
		{"a superuser", g.fileToken(super), "", 200},
	} {
		status, _, raw := g.raw("GET", path+"?token="+c.token, "", http.Header{"Authorization": {c.header}})
		if status != c.status || (string(raw) == "secret") != (c.status == 200) {
			t.Errorf("%s: %d %s", c.who, status, raw)
		}
	}
	token := g.fileToken(super)
	g.api.HTTP().SetPolicy(httpx.PolicyOptions{SuperuserIPs: []string{"9.9.9.9"}})
	if status, _, _ := g.raw("GET", path+"?token="+token, "", nil); status != 404 {
		t.Errorf("a superuser from another address: %d", status)
	}
	g.api.HTTP().SetPolicy(httpx.PolicyOptions{})
	g.change("docs", `{"viewRule":null}`)
	if status, _, _ := g.raw("GET", path+"?token="+g.fileToken(owner), "", nil); status != 404 {
		t.Errorf("where only superusers may see records: %d", status)
	}
}
