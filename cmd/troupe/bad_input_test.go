package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBadInput sends what no decent client sends. Each answer is the documented one, none is a 500, and the server
// still works afterwards.
func TestBadInput(t *testing.T) {
	p := servePosts(t)
	const records = "/api/collections/posts/records"
	filter := func(s string) string { return records + "?filter=" + url.QueryEscape(s) }
	cases := []struct {
		name, method, path, contentType string
		body                            string
		headers                         map[string]string
		want                            int
		wantBody                        string
	}{
		{name: "body is no JSON", method: "POST", path: records, contentType: "application/json", body: "{title", want: 400, wantBody: "Something went wrong while processing your request."},
		{name: "body is a list", method: "POST", path: records, contentType: "application/json", body: "[1]", want: 400, wantBody: "Something went wrong while processing your request."},
		{name: "deep JSON", method: "POST", path: records, contentType: "application/json", body: strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), want: 400, wantBody: "Something went wrong"},
		{name: "wrong content type", method: "POST", path: records, contentType: "text/plain", body: "x", want: 400, wantBody: "Unsupported Content-Type."},
		{name: "40 MB", method: "POST", path: records, contentType: "application/json", body: `{"title":"` + strings.Repeat("x", 40<<20) + `"}`, want: 413, wantBody: "Request entity too large."},
		{name: "unknown fields", method: "POST", path: records, contentType: "application/json", body: `{"nope":1,"title":"t"}`, want: 200},
		{name: "filter of 10,000 characters", method: "GET", path: filter("title='" + strings.Repeat("x", 10_000) + "'"), want: 400, wantBody: "Something went wrong"},
		{name: "filter nested 1,000 deep", method: "GET", path: filter(strings.Repeat("(", 1000) + "n=1" + strings.Repeat(")", 1000)), want: 200},
		{name: "filter with an open group 1,000 deep", method: "GET", path: filter(strings.Repeat("(", 1000) + "n=1"), want: 400},
		{name: "invalid UTF-8 in a filter", method: "GET", path: records + "?filter=title%3D%27%FF%FE%27", want: 200},
		{name: "invalid UTF-8 in a body", method: "POST", path: records, contentType: "application/json", body: "{\"title\":\"\xff\xfe\"}", want: 200},
		{name: "NUL in a filter", method: "GET", path: records + "?filter=title%3D%27a%00b%27", want: 200},
		{name: "garbage token", method: "GET", path: records, headers: map[string]string{"Authorization": "Bearer x.y.z"}, want: 200},
		{name: "garbage token where one is needed", method: "GET", path: "/api/collections", headers: map[string]string{"Authorization": "\x80\x81"}, want: 401},
		{name: "page is no number", method: "GET", path: records + "?page=x", want: 400},
		{name: "form without boundary", method: "POST", path: records, contentType: "multipart/form-data", body: "x", want: 400},
		{name: "encoded slash", method: "GET", path: "/api/collections%2Fposts/records", want: 404},
		{name: "encoded slash in an id", method: "GET", path: records + "/a%2Fb", want: 404},
		{name: "encoded dots", method: "GET", path: records + "/%2e%2e", want: 404},
		{name: "broken escape", method: "GET", path: records + "?filter=%zz", want: 200},
		{name: "unknown method", method: "FROB", path: records, want: 404},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, body := p.raw(t, c.method, c.path, c.contentType, c.body, c.headers)
			if status != c.want {
				t.Errorf("status %d, want %d: %.200s", status, c.want, body)
			}
			if !strings.Contains(body, c.wantBody) {
				t.Errorf("answer %.300q lacks %q", body, c.wantBody)
			}
		})
	}
	p.call("GET", records, "", nil, 200)
}

// TestBadPaths: a path that is not clean is answered with where the clean one is.
func TestBadPaths(t *testing.T) {
	p := servePosts(t)
	for path, want := range map[string]string{
		"/api//health":                    "307 /api/health",
		"/api/../api/health":              "307 /api/health",
		"/api/./health":                   "307 /api/health",
		"/api/collections/../../../etc/x": "307 /etc/x",
	} {
		t.Run(path, func(t *testing.T) {
			if got := p.redirect(t, path); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// servePosts starts a server with a collection that anybody may list and create in.
func servePosts(t *testing.T) *process {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	p := serve(t, dir)
	p.call("POST", "/api/collections", p.signIn(), map[string]any{"name": "posts", "type": "base", "listRule": "", "viewRule": "", "createRule": "",
		"fields": []map[string]any{{"name": "title", "type": "text"}, {"name": "n", "type": "number"}}}, 200)
	return p
}

// raw sends a request byte by byte, since net/http's client would refuse or mend some of them.
func (p *process) raw(t *testing.T, method, path, contentType, body string, headers map[string]string) (int, string) {
	t.Helper()
	res := p.exchange(t, method, path, contentType, body, headers)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(got)
}

func (p *process) redirect(t *testing.T, path string) string {
	t.Helper()
	res := p.exchange(t, "GET", path, "", "", nil)
	defer res.Body.Close()
	return fmt.Sprint(res.StatusCode, " ", res.Header.Get("Location"))
}

func (p *process) exchange(t *testing.T, method, path, contentType, body string, headers map[string]string) *http.Response {
	t.Helper()
	host := strings.TrimPrefix(p.base, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(startDeadline)); err != nil {
		t.Fatal(err)
	}
	var req bytes.Buffer
	fmt.Fprintf(&req, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	if contentType != "" {
		fmt.Fprintf(&req, "Content-Type: %s\r\n", contentType)
	}
	for k, v := range headers {
		fmt.Fprintf(&req, "%s: %s\r\n", k, v)
	}
	fmt.Fprintf(&req, "Content-Length: %d\r\n\r\n%s", len(body), body)
	go conn.Write(req.Bytes()) // the server may answer, and close, before it read everything
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %.100s: %v", method, path, err)
	}
	return res
}
