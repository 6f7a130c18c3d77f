package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/settings"
)

// stream is an open event stream.
type stream struct {
	t      testing.TB
	id     string
	reader *bufio.Reader
}

// stream opens an event stream that listens to topics; from is the address that a proxy tells, "" for none.
func (g *rig) stream(from string, topics ...string) *stream {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), "GET", g.base+"/api/realtime", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	if from != "" {
		req.Header.Set("X-Real-Ip", from)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { res.Body.Close() })
	s := &stream{t: g.t, reader: bufio.NewReader(res.Body)}
	_, data := s.next()
	s.id, _ = data["clientId"].(string)
	g.subscribe(s, from, topics...)
	return s
}

// subscribe replaces the topics of a stream.
func (g *rig) subscribe(s *stream, from string, topics ...string) {
	g.t.Helper()
	body, err := json.Marshal(map[string]any{"clientId": s.id, "subscriptions": topics})
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.t.Context(), "POST", g.base+"/api/realtime", strings.NewReader(string(body)))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if from != "" {
		req.Header.Set("X-Real-Ip", from)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 204 {
		g.t.Fatalf("subscribe: %d", res.StatusCode)
	}
}

// next returns the next event.
func (s *stream) next() (event string, data map[string]any) {
	s.t.Helper()
	for {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "event:"); ok {
			event = name
		}
		if text, ok := strings.CutPrefix(line, "data:"); ok {
			if err := json.Unmarshal([]byte(text), &data); err != nil {
				s.t.Fatal(err)
			}
		}
		if line == "" && event != "" {
			return event, data
		}
	}
}

// redirect comes back from a provider and returns status and where the person is sent.
func (g *rig) redirect(method, query, contentType, body, from string) (int, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.base+"/api/oauth2-redirect?"+query, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if from != "" {
		req.Header.Set("X-Real-Ip", from)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		g.t.Fatal(err)
	}
	res.Body.Close()
	if res.Header.Get("Cache-Control") != "no-store" {
		g.t.Errorf("the redirect may be kept: %v", res.Header)
	}
	return res.StatusCode, strings.TrimPrefix(res.Header.Get("Location"), "../_/#/auth/oauth2-redirect-")
}

const asForm = "application/x-www-form-urlencoded"

// trustRealIP makes the address of a client what a header says.
func (g *rig) trustRealIP() {
	g.t.Helper()
	_, err := g.app.Settings.Save(g.t.Context(), func(s *settings.Settings) error {
		return s.Merge([]byte(`{"trustedProxy":{"headers":["X-Real-Ip"]}}`))
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// expect takes the next event, which has to say this, with ID for the stream's.
func (s *stream) expect(name, told string) {
	s.t.Helper()
	event, data := s.next()
	var want map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(told, "ID", s.id)), &want); err != nil {
		s.t.Fatal(err)
	}
	if event != "@oauth2" || fmt.Sprint(data) != fmt.Sprint(want) {
		s.t.Errorf("%s: %s %v", name, event, data)
	}
}

func TestOAuth2Redirect(t *testing.T) {
	g := newRig(t, nil)
	g.trustRealIP()
	const here, there = "10.0.0.1", "10.0.0.2"
	s := g.stream(here, "@oauth2", "users/*")
	code := func(values ...string) string {
		v := url.Values{"state": {s.id}}
		for i := 0; i < len(values); i += 2 {
			v.Set(values[i], values[i+1])
		}
		return v.Encode()
	}
	for _, tt := range []struct {
		name, method, query, contentType, body, from string
		status                                       int
		page, told                                   string // told is what the stream gets, "" for nothing
		spent                                        bool   // the topic is gone afterwards
	}{
		{"a wrong state", "GET", "state=x&code=c", "", "", here, 307, "failure", "", false},
		{"no body", "POST", code("code", "c"), "", "", here, 303, "failure", "", false},
		{"a broken body", "POST", "", "application/json", "{", here, 303, "failure", "", false},
		{"too much", "POST", "", asForm, code("code", strings.Repeat("c", api.MaxReturn+1)), here, 303, "failure", "", false},
		{"a body of another type", "POST", code("code", "c"), "text/plain", "x", here, 303, "failure", "", false},
		{"a code", "GET", code("code", "a b&\"<"), "", "", here, 307, "success", `{"state":"ID","code":"a b\u0026\"\u003c"}`, true},
		{"a refusal", "GET", code("error", "denied"), "", "", here, 307, "failure", `{"state":"ID","code":"","error":"denied"}`, true},
		{"a form", "POST", "", asForm, code("code", "c"), here, 303, "success", `{"state":"ID","code":"c"}`, true},
		{"a form with the person", "POST", "", asForm, code("code", "c", "user", `{"name":{"firstName":"Jo"}}`), here, 303, "success", `{"state":"ID","code":"c"}`, true},
		{"another address", "GET", code("code", "c"), "", "", there, 307, "failure", "", true},
	} {
		status, page := g.redirect(tt.method, tt.query, tt.contentType, tt.body, tt.from)
		if status != tt.status || page != tt.page {
			t.Errorf("%s: %d %s", tt.name, status, page)
		}
		if tt.told != "" {
			s.expect(tt.name, tt.told)
		}
		if tt.spent {
			if _, page := g.redirect("GET", code("code", "c"), "", "", here); page != "failure" {
				t.Errorf("%s: the state works twice", tt.name)
			}
			g.subscribe(s, here, "@oauth2", "users/*")
		}
	}
	// Nothing else has come, and the other topic is still there.
	if _, page := g.redirect("GET", code("code", "last"), "", "", here); page != "success" {
		t.Error(page)
	}
	if event, data := s.next(); event != "@oauth2" || data["code"] != "last" {
		t.Errorf("%s %v", event, data)
	}
	status, _ := g.send("POST", "/api/collections/users/records", `{"email":"a@x.test","password":"12345678","passwordConfirm":"12345678"}`)
	if status != 200 {
		t.Fatal(status)
	}
}

func TestAppleSecretNeedsASuperuser(t *testing.T) {
	g := newRig(t, nil)
	if status, _ := g.send("POST", "/api/settings/apple/generate-client-secret", `{}`); status != 401 {
		t.Error(status)
	}
}

// FuzzOAuth2Redirect: whatever comes back, the person is sent to one of two pages, and a stream is told only by its id.
func FuzzOAuth2Redirect(f *testing.F) {
	f.Add("state=x&code=c", asForm, "state=x&code=c&user={}")
	f.Add("%zz", "application/json", `{"state":"x","code":1}`)
	f.Add("", "multipart/form-data; boundary=a", "--a\r\n")
	f.Add("state="+strings.Repeat("x", 5000), "application/json", `{"user":{"name":1}}`)
	g := newRig(f, nil)
	s := g.stream("", "@oauth2")
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		if strings.Contains(query+body, s.id) {
			t.Skip()
		}
		for method, want := range map[string]int{"GET": 307, "POST": 303} {
			req, err := http.NewRequestWithContext(t.Context(), method, g.base+"/api/oauth2-redirect", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.URL.RawQuery = url.PathEscape(query)
			req.Header["Content-Type"] = []string{strings.Map(printable, contentType)}
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if page := res.Header.Get("Location"); res.StatusCode != want || page != api.OAuth2Failure {
				t.Errorf("%s: %d %s", method, res.StatusCode, page)
			}
		}
	})
}

// printable keeps what a header may hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// FuzzAuthWithOAuth2: no body of a sign-in is a failure of the server.
func FuzzAuthWithOAuth2(f *testing.F) {
	f.Add("application/json", `{"provider":"oidc","code":"1 a@x.test","createData":{"name":"x"}}`)
	f.Add("application/json", `{"provider":"oidc","code":"1 a@x.test","createData":{"email":{},"id":[1],"password":1,"handle":null}}`)
	f.Add("application/json", `{"provider":"oidc","code":"1","mfaId":1}`)
	f.Add(asForm, "provider=oidc&code=1+a@x.test&createData.name=x")
	g, p := newRig(f, nil), newIDP(f)
	p.members(g, "")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		req, err := http.NewRequestWithContext(t.Context(), "POST", g.base+"/api/collections/members/auth-with-oauth2", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Content-Type"] = []string{strings.Map(printable, contentType)}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode >= 500 {
			t.Errorf("%d", res.StatusCode)
		}
	})
}
