package httpx

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestReadyMadeGuards(t *testing.T) {
	b := NewBuilder(nil)
	b.GET("/auth", echo).Bind(AuthOnly())
	b.GET("/some", echo).Bind(AuthOnly("users", "id_clients"))
	b.GET("/super", echo).Bind(SuperuserOnly())
	b.GET("/same/{collection}", echo).Bind(SameCollectionOnly(""))
	b.GET("/same2/{c}", echo).Bind(SameCollectionOnly("c"))
	b.GET("/owner/{id}", echo).Bind(SuperuserOrOwnerOnly(""))
	b.GET("/owner2/{o}", echo).Bind(SuperuserOrOwnerOnly("o"))
	b.GET("/guest", echo).Bind(GuestOnly())
	closed := b.Group("/closed").Bind(AuthOnly())
	closed.GET("/open", echo).Unbind(AuthOnlyID)
	closed.GET("/users", echo).Bind(AuthOnly("users"))
	w := built(t, b, auths)
	const unauthorized = "The request requires valid record authorization token."
	for _, c := range []struct {
		target, token string
		status        int
		message       string
	}{
		{"/auth", "", 401, unauthorized}, {"/auth", "u@users", 200, ""},
		{"/some", "", 401, unauthorized}, {"/some", "u@users", 200, ""}, {"/some", "u@clients", 200, ""},
		{"/some", "u@others", 403, "The authorized record is not allowed to perform this action."},
		{"/some", "r@_superusers", 403, "The authorized record is not allowed to perform this action."},
		{"/super", "u@users", 403, "The authorized record is not allowed to perform this action."}, {"/super", "r@_superusers", 200, ""},
		{"/same/users", "u@users", 200, ""}, {"/same2/id_users", "u@users", 200, ""}, {"/same/users", "", 401, unauthorized},
		{"/same2/clients", "u@users", 403, "The request requires auth record from users collection."},
		{"/owner/u", "u@users", 200, ""}, {"/owner2/u", "u@users", 200, ""}, {"/owner/v", "u@users", 403, "You are not allowed to perform this request."},
		{"/owner/u", "", 401, "The request requires superuser or record authorization token."},
		{"/guest", "", 200, ""}, {"/guest", "u@users", 400, "The request can be accessed only by guests."},
		{"/closed/open", "", 200, ""}, {"/closed/users", "u@clients", 403, ""}, {"/closed/users", "u@users", 200, ""},
	} {
		got := w.get("GET", c.target, "Authorization: "+c.token)
		if got.StatusCode != c.status || !strings.Contains(got.body, c.message) {
			t.Errorf("%s as %q: %d %s", c.target, c.token, got.StatusCode, got.body)
		}
	}
}

func TestBodyLimitMiddleware(t *testing.T) {
	size := func(c *Context) error {
		b, err := c.Bytes()
		if err != nil {
			return err
		}
		return c.SendJSON(200, len(b))
	}
	b := NewBuilder(nil)
	b.POST("/default", size)
	b.POST("/small", size).Bind(BodyLimit(3))
	b.POST("/none", size).Bind(BodyLimit(0))
	b.POST("/unbound", size).Unbind(BodyLimitID)
	// A route's own limit is inside of that of the table.
	b.Add(&Route{Method: "POST", Path: "/own", Handler: size, BodyLimit: func(*Context) (int64, error) { return 5, nil }})
	b.Bind(BodyLimit(4))
	w := built(t, b, nil)
	large := strings.Repeat("x", DefaultBodyLimit+1)
	for _, c := range []struct {
		target, body string
		status       int
	}{
		{"/default", "1234", 200}, {"/default", "12345", 413}, {"/small", "123", 200}, {"/small", "1234", 413},
		{"/own", "12345", 200}, {"/own", "123456", 413}, {"/nope", "12345", 413}, {"/nope", "1", 404},
		{"/none", large, 200}, {"/unbound", large, 200},
	} {
		if got := w.post(c.target, "text/plain", c.body); got.StatusCode != c.status {
			t.Errorf("%d bytes to %s: %d %s", len(c.body), c.target, got.StatusCode, got.body)
		}
		if len(c.body) > 100 {
			continue
		}
		chunked := w.raw("POST", "POST "+c.target+" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"+
			string('0'+rune(len(c.body)))+"\r\n"+c.body+"\r\n0\r\n\r\n")
		if chunked.StatusCode != c.status && c.target != "/nope" {
			t.Errorf("%d chunked bytes to %s: %d", len(c.body), c.target, chunked.StatusCode)
		}
	}
}

// TestExpectationsKnowTheMiddlewaresLimit covers clients that wait before they send more, or less, than the default.
func TestExpectationsKnowTheMiddlewaresLimit(t *testing.T) {
	b := NewBuilder(nil)
	b.POST("/small", arrived).Bind(BodyLimit(3))
	b.POST("/none", arrived).Bind(BodyLimit(0))
	b.POST("/unbound", arrived).Unbind(BodyLimitID)
	b.POST("/takes", func(c *Context) error {
		_, err := c.Bytes()
		return err
	}).Bind(BodyLimit(0))
	b.POST("/mine", arrived).Bind(Middleware{ID: BodyLimitID, Func: (*Context).Next})
	b.POST("/reads", arrived).Bind(BodyLimit(3), Middleware{Priority: -2000, Func: func(c *Context) error {
		if _, err := c.Bytes(); err != nil {
			return NewError(499, "nothing came")
		}
		return c.Next()
	}})
	w := built(t, b, nil)
	for target, want := range map[string]string{
		"/small": "413", "/none": "200", "/unbound": "200", "/mine": "200", "/reads": "499", "/takes": "100",
	} {
		c := w.dial()
		go io.WriteString(c, "POST "+target+" HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 40000000\r\n\r\n")
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+want) {
			t.Errorf("%s: %q, %v", target, line, err)
		}
		c.Close()
	}
}

func TestSkipSuccessLog(t *testing.T) {
	observed := make(chan int, 10)
	b := NewBuilder(nil)
	b.GET("/x", func(c *Context) error {
		if c.Query("fail") != "" {
			return NewError(400, "")
		}
		return echo(c)
	}).Bind(SkipSuccessLog())
	b.GET("/loud", echo)
	w := built(t, b, func(o *Options) {
		o.Observe = func(_ *Context, status int, _ time.Duration, _ *Error) { observed <- status }
	})
	for _, target := range []string{"/x", "/x?fail=1", "/x", "/loud"} {
		w.get("GET", target)
	}
	if a, b := <-observed, <-observed; a != 400 || b != 200 || len(observed) > 0 {
		t.Errorf("observed %d and %d, %d left", a, b, len(observed))
	}
}

// gzipSite has routes behind Gzip, whose answers have this text, and one that is not.
func gzipSite(t *testing.T, long string) *site {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/long.txt", []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	b := NewBuilder(nil)
	g := b.Group("").Bind(Gzip())
	g.GET("/long", func(c *Context) error { return c.String(200, long) })
	g.GET("/short", func(c *Context) error { return c.String(200, "abc") })
	g.GET("/image", func(c *Context) error { return c.Blob(200, "image/png", []byte(long)) })
	g.GET("/events", func(c *Context) error { return c.Blob(200, "text/event-stream", []byte(long)) })
	g.GET("/encoded", func(c *Context) error {
		c.SetHeader("Content-Encoding", "br")
		return c.String(200, long)
	})
	g.GET("/fails", func(c *Context) error {
		c.SetHeader("Content-Encoding", "br")
		_ = c.String(200, long)
		return NewError(400, long)
	})
	g.GET("/replaced", func(c *Context) error { return c.String(200, "short") }).Bind(Middleware{Priority: -1, Func: func(c *Context) error {
		if err := c.Next(); err != nil {
			return err
		}
		return c.String(200, long+string(c.Raw().Response.Body()))
	}})
	g.GET("/files/{path...}", Static(os.DirFS(dir), StaticOptions{}))
	b.GET("/plain", func(c *Context) error { return c.String(200, long) })
	return built(t, b, nil)
}

func unzip(t *testing.T, body string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGzip(t *testing.T) {
	long := strings.Repeat("abc ", 1000)
	w := gzipSite(t, long)
	for target, want := range map[string]string{"/long": long, "/replaced": long + "short", "/files/long.txt": long} {
		got := w.get("GET", target, "Accept-Encoding: br, gzip")
		if got.Header.Get("Content-Encoding") != "gzip" || unzip(t, got.body) != want || !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("%s: %v", target, got.Header)
		}
		if plain := w.get("GET", target); plain.Header.Get("Content-Encoding") != "" || plain.body != want {
			t.Errorf("%s without: %v", target, plain.Header)
		}
		if head := w.get("HEAD", target, "Accept-Encoding: gzip"); head.StatusCode != 200 || head.body != "" {
			t.Errorf("HEAD %s: %d", target, head.StatusCode)
		}
	}
	for target, want := range map[string]string{"/short": "", "/image": "", "/events": "", "/encoded": "br", "/plain": ""} {
		if got := w.get("GET", target, "Accept-Encoding: gzip"); got.Header.Get("Content-Encoding") != want {
			t.Errorf("%s: %v", target, got.Header)
		}
	}
	if got := w.get("GET", "/fails", "Accept-Encoding: gzip"); got.StatusCode != 400 || !strings.Contains(unzip(t, got.body), `"status":400`) {
		t.Errorf("error: %d %v", got.StatusCode, got.Header)
	}
	if got := w.get("GET", "/files/long.txt", "Accept-Encoding: gzip", "Range: bytes=0-999"); got.StatusCode != 206 || got.body != long[:1000] {
		t.Errorf("range: %d %v", got.StatusCode, got.Header)
	}
}

// TestAnswerAfterAFileReplacesIt covers a middleware that writes after a handler sent a file.
func TestAnswerAfterAFileReplacesIt(t *testing.T) {
	file := fstest.MapFS{"a.txt": {Data: bytes.Repeat([]byte("x"), 1000)}}
	for name, after := range map[string]func(c *Context) error{
		"text":  func(c *Context) error { return c.String(200, "instead") },
		"error": func(*Context) error { return NewError(400, "instead") },
	} {
		b := NewBuilder(nil)
		b.GET("/{path...}", Static(file, StaticOptions{})).BindFunc(func(c *Context) error {
			if err := c.Next(); err != nil || !c.Written() {
				return NewError(500, "no file")
			}
			return after(c)
		})
		w := built(t, b, nil)
		for _, method := range []string{"GET", "HEAD"} {
			got := w.get(method, "/a.txt")
			if method == "GET" && !strings.Contains(strings.ToLower(got.body), "instead") || got.ContentLength > 100 || got.StatusCode == 500 {
				t.Errorf("%s %s: %d %q %v", name, method, got.StatusCode, got.body, got.Header)
			}
		}
	}
}
