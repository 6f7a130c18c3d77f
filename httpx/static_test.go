package httpx

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func staticSite(t *testing.T, fallback bool) *site {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"public/index.html": "root", "public/app.js": "0123456789", "public/sub/index.html": "sub", "public/empty/x.txt": "x",
		"public/.hidden": "h", "public/.git/config": "g", "public/sub/.env": "e", "public/.well-known/x/security.txt": "w", "public/.well-known/.y": "y",
		"public/noext": "n", "public/a b%2F.txt": "odd", "secret": "secret",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"out": "../secret", "outdir": "..", "loop": "loop", "in": "app.js"} {
		if err := os.Symlink(target, filepath.Join(dir, "public", name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "public"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return start(t, []*Route{{Method: "GET", Path: "/api/health", Handler: echo}}, func(o *Options) {
		o.Static = Static(root.FS(), StaticOptions{IndexFallback: fallback})
	})
}

func TestStaticFiles(t *testing.T) {
	for fallback, missing := range map[bool]string{true: "200 root", false: "404 "} {
		w := staticSite(t, fallback)
		for target, want := range map[string]string{
			"/": "200 root", "/app.js": "200 0123456789", "/sub/": "200 sub", "/noext": "200 n",
			"/a%20b%252F.txt": "200 odd",
			"/sub":            "301 /sub/", "/sub?x=1": "301 /sub/?x=1", "/index.html": "301 /", "/sub/index.html": "301 /sub/", "/app.js/": "301 /app.js",
			"/.well-known/x/security.txt": "200 w", "/in": "200 0123456789",
			"/.hidden": "404 ", "/.git/config": "404 ", "/.git/": "404 ", "/sub/.env": "404 ", "/%2ehidden": "404 ", "/.well-known/.y": "404 ", "/.nothing": "404 ",
			"/out": "404 ", "/outdir/secret": "404 ", "/outdir/": "404 ", "/loop": missing,
			"/nope": missing, "/api/nope": missing, "/empty/": missing, "/empty": missing, "/%2e%2e/secret": missing,
			"/..%2fsecret": missing, "/%2e%2e%5csecret": missing, "/sub%2f": "200 sub", "/app.js%2f": missing, "/%00": missing, "/app.js%2f..": missing,
		} {
			got := w.get("GET", target)
			text := got.Header.Get("Location") + got.body
			if got.StatusCode == 404 {
				if !strings.Contains(got.body, "File not found.") {
					t.Errorf("%s: %s", target, got.body)
				}
				text = ""
			}
			if s := got.Status[:3] + " " + text; s != want {
				t.Errorf("fallback %v, %s: %q, want %q", fallback, target, s, want)
			}
		}
		if got := w.get("POST", "/app.js"); got.StatusCode != 404 || strings.Contains(got.body, "File") {
			t.Errorf("POST: %d %s", got.StatusCode, got.body)
		}
	}
}

// A file whose extension says nothing is shown for what it is, not offered for saving.
func TestStaticTypesByContent(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"page": "<!doctype html><title>x</title>", "manifest.unknownextension": `{"name":"x"}`, "text": "hello", "picture": "\x89PNG\r\n\x1a\n0000",
		"none": "", "binary": "\x00\x01\x02", "known.css": "<html>",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := start(t, nil, func(o *Options) { o.Static = Static(os.DirFS(dir), StaticOptions{}) })
	for name, want := range map[string]string{
		"page": "text/html; charset=utf-8", "manifest.unknownextension": "application/json", "text": "text/plain; charset=utf-8", "picture": "image/png",
		"none": "text/plain", "binary": "application/octet-stream", "known.css": "text/css; charset=utf-8",
	} {
		got := w.get("GET", "/"+name)
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != want {
			t.Errorf("%s: %d %q, want %q", name, got.StatusCode, got.Header.Get("Content-Type"), want)
		}
		if part := w.get("GET", "/"+name, "Range: bytes=0-1"); got.body != "" && part.body != got.body[:2] {
			t.Errorf("%s: the first bytes are %q", name, part.body)
		}
	}
}

func TestStaticHeadersAndRanges(t *testing.T) {
	w := staticSite(t, true)
	modified := time.Unix(1e9, 0).UTC().Format(http.TimeFormat)
	got := w.get("GET", "/app.js")
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Last-Modified": modified, "Accept-Ranges": "bytes", "X-Frame-Options": "SAMEORIGIN",
		"Cache-Control": "", "Content-Length": "10", "X-Content-Type-Options": "nosniff", "Content-Encoding": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if head := w.get("HEAD", "/app.js"); head.StatusCode != 200 || head.ContentLength != 10 || head.body != "" {
		t.Errorf("HEAD: %d, %d bytes", head.StatusCode, head.ContentLength)
	}
	if head := w.get("HEAD", "/app.js", "Range: bytes=2-4"); head.StatusCode != 206 || head.ContentLength != 3 {
		t.Errorf("HEAD of a range: %d, %d bytes", head.StatusCode, head.ContentLength)
	}
	several := w.get("GET", "/app.js", "Range: bytes=0-1,4-5")
	if several.StatusCode != 206 || !strings.HasPrefix(several.Header.Get("Content-Type"), "multipart/byteranges; boundary=") ||
		strings.Count(several.body, "Content-Range: bytes ") != 2 || !strings.HasSuffix(several.body, "--\r\n") {
		t.Errorf("several ranges: %d %v %q", several.StatusCode, several.Header, several.body)
	}
	if bad := w.get("GET", "/app.js", "Range: bytes=10-"); bad.Header.Get("Last-Modified") != "" || bad.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("unsatisfiable: %v", bad.Header)
	}
	for _, c := range []struct {
		header string
		status int
		body   string
		rng    string
	}{
		{"Range: bytes=2-4", 206, "234", "bytes 2-4/10"},
		{"Range: bytes=8-", 206, "89", "bytes 8-9/10"},
		{"Range: bytes=8-99", 206, "89", "bytes 8-9/10"},
		{"Range: bytes=-3", 206, "789", "bytes 7-9/10"},
		{"Range: bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"Range: bytes=10-", 416, "invalid range: failed to overlap\n", "bytes */10"},
		{"Range: bytes=4-2", 416, "invalid range\n", ""},
		{"Range: lines=1-2", 416, "invalid range\n", ""},
		{"Range: bytes=0-1\r\nIf-Range: " + modified, 206, "01", "bytes 0-1/10"},
		{"Range: bytes=0-1\r\nIf-Range: \"tag\"", 200, "0123456789", ""},
		{"If-Modified-Since: " + modified, 304, "", ""},
		{"If-Modified-Since: " + time.Unix(1e9-1, 0).UTC().Format(http.TimeFormat), 200, "0123456789", ""},
	} {
		got := w.get("GET", "/app.js", c.header)
		if got.StatusCode != c.status || got.body != c.body || got.Header.Get("Content-Range") != c.rng {
			t.Errorf("%s: %d %q %q", c.header, got.StatusCode, got.body, got.Header.Get("Content-Range"))
		}
	}
}
