package httpx

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/validation"
)

func TestErrorEnvelope(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{NewError(404, ""), `{"data":{},"message":"The requested resource wasn't found.","status":404}`},
		{NewError(400, " failed to load <x> "), `{"data":{},"message":"Failed to load \u003cx\u003e.","status":400}`},
		{NewError(400, "why?"), `{"data":{},"message":"Why?","status":400}`},
		{Invalid("bad", validation.Errors{"a": validation.Required}), `{"data":{"a":{"code":"validation_required","message":"Cannot be blank."}},"message":"Bad.","status":400}`},
		{Invalid("bad", nil), `{"data":{},"message":"Bad.","status":400}`},
		{NewError(401, ""), `{"data":{},"message":"Missing or invalid authentication.","status":401}`},
		{NewError(403, "").Because(io.EOF), `{"data":{},"message":"You are not allowed to perform this request.","status":403}`},
		{NewError(429, ""), `{"data":{},"message":"Too Many Requests.","status":429}`},
		{io.EOF, `{"data":{},"message":"Something went wrong while processing your request.","status":500}`},
		{ErrTooLarge, tooLarge},
	} {
		if got := string(AsError(c.err).AppendJSON(nil)); got != c.want+"\n" {
			t.Errorf("%v\n got %s\nwant %s", c.err, got, c.want)
		}
	}
}

func TestPanicsStaySmall(t *testing.T) {
	observed := make(chan int, 10)
	w := start(t, []*Route{
		{Method: "GET", Path: "/panic", Handler: func(c *Context) error {
			c.SendRaw(200, "text/plain", []byte("half an answer"))
			panic("boom")
		}},
		{Method: "GET", Path: "/limit", BodyLimit: func(*Context) (int64, error) { panic("boom") }, Handler: echo},
		{Method: "GET", Path: "/fine", Handler: echo},
	}, func(o *Options) {
		o.Observe = func(_ *Context, status int, _ time.Duration, _ *Error) { observed <- status }
	})
	for _, target := range []string{"/panic", "/limit", "/panic"} {
		got := w.get("GET", target)
		if got.StatusCode != 500 || got.Header.Get("X-Frame-Options") != "SAMEORIGIN" || strings.Contains(got.body, "half") ||
			!strings.Contains(got.body, `"message":"Something went wrong`) {
			t.Errorf("%s: %d %s %v", target, got.StatusCode, got.body, got.Header)
		}
		if status := <-observed; status != 500 {
			t.Errorf("observed %d", status)
		}
	}
	if got := w.get("GET", "/fine"); got.StatusCode != 200 {
		t.Errorf("after panics: %d", got.StatusCode)
	}
}

func TestObserverPanicTakesNobodyAlong(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/", Handler: echo}}, func(o *Options) {
		o.Observe = func(*Context, int, time.Duration, *Error) { panic("boom") }
	})
	if got := w.get("GET", "/"); got.StatusCode != 500 {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}

func TestHeaders(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/", Handler: echo}}, nil)
	for _, target := range []string{"/", "/nope"} {
		h := w.get("GET", target).Header
		for name, want := range map[string]string{
			"Vary": "Origin", "X-XSS-Protection": "1; mode=block", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "SAMEORIGIN", "Content-Type": "application/json", "Server": "", "ETag": "",
			"Access-Control-Allow-Origin": "",
		} {
			if got := strings.Join(h.Values(name), "|"); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestCORS(t *testing.T) {
	any := start(t, []*Route{{Method: "GET", Path: "/", Handler: echo}}, nil)
	some := start(t, []*Route{{Method: "GET", Path: "/", Handler: echo}}, func(o *Options) {
		o.Origins = []string{"https://a.com", "https://*.b.com", "http://c?.com"}
	})
	for _, c := range []struct {
		w      *site
		origin string
		want   string
	}{
		{any, "https://x.test", "*"}, {any, "null", "*"},
		{some, "https://a.com", "https://a.com"}, {some, "https://A.com", ""}, {some, "http://a.com", ""},
		{some, "https://x.y.b.com", "https://x.y.b.com"}, {some, "https://b.com", ""}, {some, "https://x.b.com.evil", ""},
		{some, "http://c1.com", "http://c1.com"}, {some, "http://c.com", ""},
	} {
		for _, target := range []string{"/", "/nope"} {
			if got := c.w.get("GET", target, "Origin: "+c.origin); got.Header.Get("Access-Control-Allow-Origin") != c.want {
				t.Errorf("%s: %q", c.origin, got.Header.Get("Access-Control-Allow-Origin"))
			}
		}
		pre := c.w.get("OPTIONS", "/no/such", "Origin: "+c.origin, "Access-Control-Request-Headers: authorization,x-foo")
		vary := []string{"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"}
		headers, methods := "authorization,x-foo", "GET,HEAD,PUT,PATCH,POST,DELETE"
		if c.want == "" {
			vary, headers, methods = vary[:1], "", ""
		}
		h := pre.Header
		if pre.StatusCode != 204 || pre.body != "" || h.Get("Access-Control-Allow-Origin") != c.want || !slices.Equal(h.Values("Vary"), vary) ||
			h.Get("Access-Control-Allow-Headers") != headers || h.Get("Access-Control-Allow-Methods") != methods ||
			h.Get("X-Frame-Options") != "" || h.Get("Content-Type") != "" {
			t.Errorf("preflight of %s: %d %v", c.origin, pre.StatusCode, h)
		}
	}
	if pre := any.get("OPTIONS", "/"); pre.StatusCode != 204 || pre.Header.Get("Access-Control-Allow-Methods") != "" {
		t.Errorf("without an origin: %d %v", pre.StatusCode, pre.Header)
	}
}

func TestWWWRedirect(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/", Handler: echo}}, func(o *Options) {
		o.Hosts = []string{"a.test", "b.test", "www.b.test"}
	})
	for host, want := range map[string]string{
		"www.a.test": "http://a.test/?x=1", "www.a.test:8090": "http://a.test:8090/?x=1",
		"a.test": "", "www.b.test": "", "www.c.test": "",
	} {
		got := w.raw("GET", "GET /?x=1 HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		if got.Header.Get("Location") != want || (got.StatusCode == 307) != (want != "") {
			t.Errorf("%s: %d %q", host, got.StatusCode, got.Header.Get("Location"))
		}
	}
}

// auths signs in tokens of the form "id@collection"; the collection _superusers makes superusers.
func auths(o *Options) {
	o.Authenticate = func(_ *Context, token string) *Auth {
		id, collection, ok := strings.Cut(token, "@")
		if !ok {
			return nil
		}
		return &Auth{ID: id, CollectionID: "id_" + collection, CollectionName: collection, Superuser: collection == "_superusers"}
	}
	o.Collection = func(nameOrID string) (string, string, bool) {
		name := strings.ToLower(strings.TrimPrefix(nameOrID, "id_"))
		return "id_" + name, name, name != "missing"
	}
}

func TestGuards(t *testing.T) {
	w := start(t, []*Route{
		{Method: "GET", Path: "/auth", Guard: RequireAuth, Handler: echo},
		{Method: "GET", Path: "/super", Guard: RequireSuperuser, Handler: echo},
		{Method: "GET", Path: "/same/{c}", Guard: RequireSameCollection, Collection: "c", Handler: echo},
		{Method: "GET", Path: "/owner/{id}", Guard: RequireSuperuserOrOwner("id"), Handler: echo},
		{Method: "GET", Path: "/guest", Guard: RequireGuest, Handler: echo},
	}, auths)
	const unauthorized = "The request requires valid record authorization token."
	for _, c := range []struct {
		target, token string
		status        int
		message       string
	}{
		{"/auth", "", 401, unauthorized}, {"/auth", "bad", 401, unauthorized}, {"/auth", "u@users", 200, ""},
		{"/auth", "Bearer u@users", 200, ""}, {"/auth", "bEARER u@users", 200, ""}, {"/auth", "Bearer", 401, unauthorized},
		{"/super", "", 401, unauthorized}, {"/super", "u@users", 403, "The authorized record is not allowed to perform this action."},
		{"/super", "r@_superusers", 200, ""},
		{"/same/users", "", 401, unauthorized}, {"/same/users", "u@users", 200, ""}, {"/same/id_users", "u@users", 200, ""},
		{"/same/clients", "u@users", 403, "The request requires auth record from users collection."},
		{"/same/missing", "u@users", 403, "The request requires auth record from users collection."},
		{"/same/users", "r@_superusers", 403, "The request requires auth record from _superusers collection."},
		{"/owner/u", "", 401, "The request requires superuser or record authorization token."},
		{"/owner/u", "u@users", 200, ""}, {"/owner/v", "u@users", 403, "You are not allowed to perform this request."},
		{"/owner/v", "r@_superusers", 200, ""},
		{"/guest", "", 200, ""}, {"/guest", "u@users", 400, "The request can be accessed only by guests."},
	} {
		got := w.get("GET", c.target, "Authorization: "+c.token)
		if got.StatusCode != c.status || !strings.Contains(got.body, c.message) {
			t.Errorf("%s as %q: %d %s", c.target, c.token, got.StatusCode, got.body)
		}
	}
}

func TestAddresses(t *testing.T) {
	policy := PolicyOptions{ProxyHeaders: []string{"X-Forwarded-For", "X-Real-IP"}, SuperuserIPs: []string{"10.0.0.0/8", "127.9.9.9"}}
	w := start(t, []*Route{{Method: "GET", Path: "/ip", Handler: func(c *Context) error { return c.SendJSON(200, c.RealIP()) }},
		{Method: "GET", Path: "/health", Handler: Health(func() bool { return true })}},
		func(o *Options) { auths(o); o.Policy = policy })
	for _, c := range []struct{ header, want string }{
		{"X-Forwarded-For: 1.1.1.1", "1.1.1.1"},
		{"X-Forwarded-For: 1.1.1.1, 2.2.2.2", "2.2.2.2"},
		{"X-Forwarded-For: 1.1.1.1,bad", "1.1.1.1"},
		{"X-Forwarded-For: bad\r\nX-Real-IP: 4.4.4.4", "4.4.4.4"},
		{"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 3.3.3.3", "3.3.3.3"},
		{"x-real-ip: ::1", "0000:0000:0000:0000:0000:0000:0000:0001"},
	} {
		if got := w.get("GET", "/ip", c.header); strings.TrimSpace(got.body) != `"`+c.want+`"` {
			t.Errorf("%s: %s", c.header, got.body)
		}
	}
	for header, want := range map[string]int{"X: y": 403, "X-Real-IP: 5.5.5.5": 403, "X-Real-IP: 10.1.1.1": 200, "X-Real-IP: 127.9.9.9": 200} {
		if got := w.get("GET", "/health", header, "Authorization: r@_superusers"); got.StatusCode != want {
			t.Errorf("superuser with %s: %d", header, got.StatusCode)
		}
	}
	w.s.SetPolicy(PolicyOptions{ProxyHeaders: []string{"X-Forwarded-For"}, LeftmostIP: true})
	if got := w.get("GET", "/ip", "X-Forwarded-For: bad, 1.1.1.1, 2.2.2.2"); !strings.Contains(got.body, `"1.1.1.1"`) {
		t.Errorf("leftmost: %s", got.body)
	}
	if got := w.get("GET", "/health", "X-Forwarded-For: 7.7.7.7", "Authorization: r@_superusers"); got.body !=
		`{"message":"API is healthy.","code":200,"data":{"canBackup":true,"possibleProxyHeader":"X-Forwarded-For","realIP":"7.7.7.7"}}`+"\n" {
		t.Errorf("health: %s", got.body)
	}
	if got := w.get("GET", "/health"); got.body != `{"message":"API is healthy.","code":200,"data":{}}`+"\n" {
		t.Errorf("health of a guest: %s", got.body)
	}
}

func TestBadRequests(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/{x}", Handler: echo}}, nil)
	for name, c := range map[string]struct {
		text   string
		status int
	}{
		"two blanks":               {"GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"blank in a target":        {"GET /x y HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"control in a target":      {"GET /x\x01y HTTP/1.1\r\nHost: h\r\n\r\n", 400},
		"blank in a name":          {"GET /x HTTP/1.1\r\nHost: h\r\nX y: z\r\n\r\n", 400},
		"blank before the colon":   {"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc", 400},
		"no name":                  {"GET /x HTTP/1.1\r\nHost: h\r\n: z\r\n\r\n", 400},
		"no colon":                 {"GET /x HTTP/1.1\r\nHost: h\r\nxy\r\n\r\n", 400},
		"folded line":              {"GET /x HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", 400},
		"CR in a value":            {"GET /x HTTP/1.1\r\nHost: h\r\nX: y\rz\r\n\r\n", 400},
		"NUL in a value":           {"GET /x HTTP/1.1\r\nHost: h\r\nX: y\x00z\r\n\r\n", 400},
		"HTTP/2.0":                 {"GET /x HTTP/2.0\r\nHost: h\r\n\r\n", 400},
		"HTTP/3.0":                 {"GET /x HTTP/3.0\r\nHost: h\r\n\r\n", 400},
		"no version":               {"GET /x\r\nHost: h\r\n\r\n", 400},
		"preface of HTTP/2":        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		"LF ends the request line": {"GET /x HTTP/1.1\n", 400}, // at once: nothing else comes
		"LF ends a header":         {"GET /x HTTP/1.1\r\nHost: h\n", 400},
		"LF first":                 {"\n", 400},
		"many empty lines":         {"\r\n\r\n\r\n\r\n\r\n", 400},
		"length twice":             {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
		"garbage":                  {"\x00\x01garbage\r\n\r\n", 400},
		"no target":                {"GET\r\n\r\n", 400},
		"long header":              {"GET /x HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", maxHeader) + "\r\n\r\n", 431},
		"bad length":               {"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
	} {
		if got := w.raw("GET", c.text); got.StatusCode != c.status || !strings.HasPrefix(got.body, `{"data":{},"message":"`) || !got.Close {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	if got := w.raw("GET", "\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n"); got.StatusCode != 200 {
		t.Errorf("two empty lines before a request: %d", got.StatusCode)
	}
}

func TestPipelining(t *testing.T) {
	w := bodySite(t)
	c := w.dial()
	one := "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	unread := "POST /nope HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	go io.WriteString(c, one+unread+one+"GET /get HTTP/1.1\r\nHost: h\r\n\r\n")
	r := bufio.NewReader(c)
	for i, want := range []int{200, 404, 200, 200} {
		if got := w.read("POST", r); got.StatusCode != want {
			t.Fatalf("answer %d: %d %s", i, got.StatusCode, got.body)
		}
	}
}

func TestExpectContinue(t *testing.T) {
	w := bodySite(t)
	head := "POST /small HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "
	c := w.dial()
	go io.WriteString(c, head+"3\r\n\r\n")
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "abc"); err != nil {
		t.Fatal(err)
	}
	if got := w.read("POST", r); got.StatusCode != 200 || got.body != "3\n" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := w.raw("POST", head+"101\r\n\r\n"); got.StatusCode != 413 || strings.TrimSpace(got.body) != tooLarge || got.Header.Get("X-Frame-Options") == "" {
		t.Errorf("too large: %d %s %v", got.StatusCode, got.body, got.Header)
	}
}

// TestContextsAreNotMixedUp runs requests side by side, each of which must see its own values only.
func TestContextsAreNotMixedUp(t *testing.T) {
	w := start(t, []*Route{{Method: "POST", Path: "/{x}", Handler: func(c *Context) error {
		b, err := c.Bytes()
		if err != nil {
			return err
		}
		if c.Param("x") != string(b) || c.Query("q") != string(b) || c.Auth == nil || c.Auth.ID != string(b) {
			return errors.New("values of another request")
		}
		return c.SendJSON(200, c.Param("x"))
	}}}, auths)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, err := w.ln.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for j := range 50 {
				id := strings.Repeat(string(rune('a'+i)), j+1)
				go io.WriteString(c, "POST /"+id+"?q="+id+" HTTP/1.1\r\nHost: h\r\nAuthorization: "+id+"@users\r\nContent-Length: "+strconv.Itoa(len(id))+"\r\n\r\n"+id)
				if got := w.read("POST", r); got.StatusCode != 200 || got.body != `"`+id+"\"\n" {
					t.Errorf("%s: %d %s", id, got.StatusCode, got.body)
				}
			}
		})
	}
	wg.Wait()
}

func TestFieldsArePicked(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/", Handler: echo}}, func(o *Options) {
		o.Pick = func(dst, _ []byte, fields string) ([]byte, error) {
			return append(dst, `{"picked":"`+fields+`"}`...), nil
		}
	})
	if got := w.get("GET", "/?fields=a,b"); got.body != `{"picked":"a,b"}`+"\n" {
		t.Errorf("picked: %s", got.body)
	}
	if got := w.get("GET", "/?fields="); !strings.Contains(got.body, "route") {
		t.Errorf("empty: %s", got.body)
	}
	if got := w.get("GET", "/nope?fields=a"); !strings.Contains(got.body, "File not found.") {
		t.Errorf("error: %s", got.body)
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	w := start(t, []*Route{{Method: "GET", Path: "/", Handler: func(c *Context) error {
		close(entered)
		<-leave
		return echo(c)
	}}}, nil)
	c := w.dial()
	go io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-entered
	done := make(chan error, 1)
	go func() { done <- w.s.Shutdown(context.Background()) }()
	close(leave)
	if got := w.read("GET", bufio.NewReader(c)); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := w.ln.Dial(); err == nil {
		t.Error("still accepts")
	}
}
