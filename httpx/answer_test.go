package httpx

import (
	"net/http"
	"strings"
	"testing"
)

func TestAnswers(t *testing.T) {
	var before, after bool
	var status int
	routes := map[string]Handler{
		"/string":   func(c *Context) error { return c.String(201, "a<b") },
		"/html":     func(c *Context) error { return c.HTML(202, "<p>") },
		"/blob":     func(c *Context) error { return c.Blob(203, "x/y", []byte{0, 1}) },
		"/empty":    func(c *Context) error { return c.String(200, "") },
		"/nothing":  func(*Context) error { return nil },
		"/gone":     (*Context).NoContent,
		"/raw":      func(c *Context) error { c.Raw().SetBodyString("raw"); return nil },
		"/header":   func(c *Context) error { c.SetHeader("X", "y"); return nil },
		"/moved":    func(c *Context) error { return c.Redirect(302, "/x?y=z") },
		"/nowhere":  func(c *Context) error { return c.Redirect(200, "/x") },
		"/nowhere4": func(c *Context) error { return c.Redirect(400, "/x") },
	}
	b := NewBuilder(nil)
	for path, h := range routes {
		b.GET(path, h)
	}
	b.BindFunc(func(c *Context) error {
		before = c.Written()
		err := c.Next()
		after, status = c.Written(), c.StatusCode()
		return err
	})
	w := built(t, b, nil)
	for _, c := range []struct {
		target  string
		status  int
		kind    string
		body    string
		written bool
	}{
		{"/string", 201, "text/plain; charset=utf-8", "a<b", true},
		{"/html", 202, "text/html; charset=utf-8", "<p>", true},
		{"/blob", 203, "x/y", "\x00\x01", true},
		{"/empty", 200, "text/plain; charset=utf-8", "", true},
		{"/nothing", 200, "", "", false},
		{"/gone", 204, "", "", true},
		{"/raw", 200, "", "raw", true},
		{"/header", 200, "", "", false},
		{"/moved", 302, "", "", true},
		{"/nowhere", 500, "application/json", `{"data":{},"message":"Invalid redirect status code.","status":500}` + "\n", false},
		{"/nowhere4", 500, "application/json", `{"data":{},"message":"Invalid redirect status code.","status":500}` + "\n", false},
	} {
		got := w.get("GET", c.target)
		if got.StatusCode != c.status || got.body != c.body || got.Header.Get("Content-Type") != c.kind {
			t.Errorf("%s: %d %q %v", c.target, got.StatusCode, got.body, got.Header)
		}
		if before || after != c.written || c.status < 500 && status != c.status {
			t.Errorf("%s: written %v, then %v with %d", c.target, before, after, status)
		}
	}
	if got := w.get("GET", "/moved"); got.Header.Get("Location") != "/x?y=z" {
		t.Errorf("location %q", got.Header.Get("Location"))
	}
}

func TestStoreAndCookies(t *testing.T) {
	b := NewBuilder(nil)
	b.BindFunc(func(c *Context) error {
		if c.Get("who") != nil || len(c.Values()) != 0 {
			return NewError(400, "values of another request")
		}
		c.Set("who", c.Query("who"))
		c.Values()["who"] = "a copy was changed"
		return c.Next()
	})
	b.GET("/", func(c *Context) error {
		value, ok := c.Cookie("a")
		_, other := c.Cookie("A")
		c.SetCookie(&http.Cookie{Name: "b", Value: "x y", Path: "/", HttpOnly: true})
		c.SetCookie(&http.Cookie{Name: "c", Value: "2"})
		c.SetCookie(&http.Cookie{Name: "bad name", Value: "2"})
		empty, present := c.HeaderLookup("x-empty")
		_, missing := c.HeaderLookup("X-Missing")
		full, _ := c.HeaderLookup("x-full")
		_, host := c.HeaderLookup("Host")
		return c.SendJSON(200, []any{c.Get("who"), value, ok, other, empty, present, missing, full, host})
	})
	w := built(t, b, nil)
	for _, who := range []string{"1", "2"} {
		got := w.get("GET", "/?who="+who, "Cookie: z=0; a=v%20w; a=second", "X-Empty:", "X-Full: f")
		if want := `["` + who + `","v%20w",true,false,"",true,false,"f",true]`; strings.TrimSpace(got.body) != want {
			t.Errorf("%s, want %s", got.body, want)
		}
		if cookies := strings.Join(got.Header.Values("Set-Cookie"), "|"); cookies != `b="x y"; Path=/; HttpOnly|c=2` {
			t.Errorf("cookies %s", cookies)
		}
	}
}

// TestBodiesAreReadTwice lets a middleware look at what the handler reads.
func TestBodiesAreReadTwice(t *testing.T) {
	b := NewBuilder(nil)
	b.POST("/{how}", func(c *Context) error {
		m, _, err := c.Map()
		if err != nil {
			return err
		}
		return c.SendJSON(200, m)
	}).Bind(BodyLimit(200)).BindFunc(func(c *Context) error {
		switch c.Param("how") {
		case "bytes":
			if raw, err := c.Bytes(); err != nil || len(raw) == 0 {
				return NewError(400, "no bytes")
			}
		case "map":
			if _, _, err := c.Map(); err != nil {
				return err
			}
		case "swallow":
			_, _ = c.Bytes()
			_, _, _ = c.Map()
		}
		return c.Next()
	})
	w := built(t, b, nil)
	form := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"
	for _, c := range []struct{ how, contentType, body, want string }{
		{"bytes", "application/json", `{"a":1}`, `{"a":1}`}, {"map", "application/json", `{"a":1}`, `{"a":1}`},
		{"bytes", "application/x-www-form-urlencoded", "a=1", `{"a":1}`}, {"map", "application/x-www-form-urlencoded", "a=1", `{"a":1}`},
		{"bytes", "multipart/form-data; boundary=b", form, `{"a":1}`}, {"map", "multipart/form-data; boundary=b", form, `{"a":1}`},
		{"swallow", "application/json", `{"a":"` + strings.Repeat("x", 200) + `"}`, ""},
		{"map", "application/json", "", "{}"},
	} {
		got := w.post("/"+c.how, c.contentType, c.body)
		if c.want != "" && strings.TrimSpace(got.body) != c.want {
			t.Errorf("%s of %s: %d %s", c.how, c.contentType, got.StatusCode, got.body)
		}
		// What was too long stays so, though its end could still be read.
		chunked := w.raw("POST", "POST /"+c.how+" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Type: "+c.contentType+
			"\r\n\r\n"+chunk(c.body)+"0\r\n\r\n")
		if c.how == "swallow" && chunked.StatusCode != 413 {
			t.Errorf("after a body too long: %d %s", chunked.StatusCode, chunked.body)
		}
	}
}

func chunk(s string) string {
	if s == "" {
		return ""
	}
	const digits = "0123456789abcdef"
	return string(digits[len(s)/256%16]) + string(digits[len(s)/16%16]) + string(digits[len(s)%16]) + "\r\n" + s + "\r\n"
}
