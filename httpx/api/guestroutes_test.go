package api

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// ask lets a probe play a script in its open route and returns what it said.
func (g *guests) ask(token string, lines ...string) []string {
	g.t.Helper()
	status, _, raw := g.raw("POST", "/probe/any/x", script(lines...), map[string][]string{"Authorization": {token}})
	if status != 200 {
		g.t.Fatalf("%q: %d %s", lines, status, raw)
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}

func TestGuestRoutes(t *testing.T) {
	g := newGuests(t, "probe", "second")
	query := func(lines ...string) string { return "script=" + url.QueryEscape(script(lines...)) }
	tests := []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/probe/any/a%20b?q=1&" + query("request|0|", "request|1|", "request|2|name", "request|2|nope", "request|3|q", "request|4|x-mark", "request|4|nope", "request|5|", "request|8|"), "", 200,
			"request=GET\nrequest=/probe/any/a%20b\nrequest=a b\nrequest=NOT_FOUND not there\nrequest=1\nrequest=here\nrequest=NOT_FOUND not there\nrequest=\nrequest=default\n"},
		{"POST", "/probe/any/x?" + query("request|5|"), `{"a":[1,2]}`, 200, "request={\"a\":[1,2]}\n"},
		{"PATCH", "/probe/any/x", "version", 200, "version=1\n"},
		{"DELETE", "/probe/any/x?" + query("request|0|"), "", 200, "request=DELETE\n"},
		{"GET", "/probe/files/a/b/c.txt?" + query("request|2|rest"), "", 200, "request=a/b/c.txt\n"},
		{"GET", "/second/any/x?" + query("version"), "", 200, "version=1\n"},
		{"POST", "/probe/any/x", script("reject|404|no such thing"), 404, `{"data":{},"message":"No such thing.","status":404}` + "\n"},
		{"POST", "/probe/any/x", script("reject|401|"), 401, `{"data":{},"message":"Missing or invalid authentication.","status":401}` + "\n"},
		{"POST", "/probe/any/x", script("field|name|validation_bad|bad"), 400, `{"data":{"name":{"code":"validation_bad","message":"Bad."}},"message":"Something went wrong while processing your request.","status":400}` + "\n"},
		{"POST", "/probe/any/x", "text\tt", 200, "text=CONTEXT there is no record\n"},
		{"GET", "/probe/nothing", "", 404, `{"data":{},"message":"File not found.","status":404}` + "\n"},
		{"POST", "/probe/nothing", "", 404, `{"data":{},"message":"The requested resource wasn't found.","status":404}` + "\n"},
		{"GET", "/probe/record", "", 404, `{"data":{},"message":"File not found.","status":404}` + "\n"},
		{"PUT", "/probe/files/a", "", 404, `{"data":{},"message":"The requested resource wasn't found.","status":404}` + "\n"},
		{"POST", "/probe/record", "version", 401, `{"data":{},"message":"The request requires valid record authorization token.","status":401}` + "\n"},
		{"POST", "/probe/superuser", "version", 401, `{"data":{},"message":"The request requires valid record authorization token.","status":401}` + "\n"},
	}
	for _, test := range tests {
		status, _, raw := g.raw(test.method, test.path, test.body, map[string][]string{"X-Mark": {"here"}})
		if status != test.status || string(raw) != test.answer {
			t.Errorf("%s %s: %d %q\nwant %d %q", test.method, test.path, status, raw, test.status, test.answer)
		}
	}
}

func TestGuestRouteAnswers(t *testing.T) {
	g := newGuests(t, "probe")
	status, header, raw := g.raw("POST", "/probe/any/x", script("header|X-One|1", "header|X-One|2", "header|Content-Length|7", "header|X-Bad|a\rb", "bytes", "respond|201|application/octet-stream"), nil)
	if status != 201 || header.Get("Content-Type") != "application/octet-stream" || fmt.Sprint(header["X-One"]) != "[1 2]" || len(raw) != 256 || header.Get("X-Bad") != "" {
		t.Errorf("%d %v %d bytes", status, header, len(raw))
	}
	for i, b := range raw {
		if b != byte(i) {
			t.Fatalf("byte %d is %d", i, b)
		}
	}
	status, header, raw = g.raw("POST", "/probe/any/x", "respond\t204\ttext/plain", nil)
	if status != 204 || len(raw) != 0 {
		t.Errorf("%d %v %q", status, header, raw)
	}
	status, header, raw = g.raw("POST", "/probe/any/x", "version", nil)
	if status != 200 || header.Get("Content-Type") != "application/json" || string(raw) != "version=1\n" {
		t.Errorf("%d %v %q", status, header, raw)
	}
	status, header, raw = g.raw("HEAD", "/probe/any/x?script=version", "", nil)
	if status != 200 || len(raw) != 0 || header.Get("Content-Length") != "10" {
		t.Errorf("%d %v %q", status, header, raw)
	}
	if got := g.ask("", "respond|99|text/plain", "respond|600|text/plain", "header|Content-Length|7", "header|a b|1"); fmt.Sprint(got) !=
		"[respond=INVALID no such status respond=INVALID no such status header=FORBIDDEN the header belongs to the server header=INVALID not a valid header]" {
		t.Errorf("%q", got)
	}
}

func TestGuestRouteGuards(t *testing.T) {
	g := newGuests(t, "probe")
	user, root := g.token("users", "a@x.test"), g.superuser()
	tests := []struct {
		path, token string
		status      int
	}{
		{"/probe/record", user, 200}, {"/probe/record", root, 200}, {"/probe/record", "nonsense", 401},
		{"/probe/superuser", user, 403}, {"/probe/superuser", root, 200}, {"/probe/any/x", user, 200}, {"/probe/any/x", "nonsense", 200},
	}
	for _, test := range tests {
		status, _, raw := g.raw("POST", test.path, "auth", map[string][]string{"Authorization": {test.token}})
		if status != test.status {
			t.Errorf("%s: %d %s, want %d", test.path, status, raw, test.status)
		}
	}
}
