package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// ask lets a probe play a script in its open route and returns what it said.
func (g *guestRig) ask(token string, lines ...string) []string {
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

// TestGuestRoutesDoNotOverride: an extension that would answer what the server answers itself, and so be sent passwords, is
// refused, and says so.
func TestGuestRoutesDoNotOverride(t *testing.T) {
	g := newGuests(t, "probe")
	install(t, g.dir, "listening", "listening")
	if err := g.app.Guests.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(g.app.Guests.Extensions()); n != 1 {
		t.Errorf("%d extensions are loaded", n)
	}
	if log := strings.Join(g.log.all(), "\n"); !strings.Contains(log, "POST /api/collections/_superusers/auth-with-password of quiet takes requests from POST /api/collections/{collection}/auth-with-password") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	if status, _ := g.send("POST", "/api/collections/_superusers/auth-with-password", `{"identity":"a","password":"b"}`); status != 400 {
		t.Errorf("signing in is answered with %d", status)
	}
}

// TestGuestsDoNotProbeSecrets: not by filters and sorts either, on whoever's behalf they ask.
func TestGuestsDoNotProbeSecrets(t *testing.T) {
	g := newGuests(t, "probe")
	root := g.superuser()
	user := g.token("users", "a@x.test")
	g.collection(`{"name":"vault","type":"base","fields":[{"name":"k","type":"text"},{"name":"pin","type":"password"}]}`)
	if status, out := g.sendAs(root, "POST", "/api/collections/vault/records", `{"k":"a","pin":"12345678"}`); status != 200 {
		t.Fatal(status, out)
	}
	for _, query := range []string{
		`users|{"filter":"password ~ '$2'"}`, `users|{"filter":"id != '' && tokenKey > 'a'"}`, `users|{"sort":"-tokenKey"}`, `vault|{"filter":"pin > '!'"}`, `vault|{"sort":"pin"}`,
		`vault|{"filter":"'$2' ~ pin:lower"}`, `vault|{"filter":"@collection.users.password ?> 'a'"}`, `vault|{"filter":"@request.headers.authorization ~ 'a'"}`,
		`vault|{"filter":"@request.auth.tokenKey > 'a'"}`,
	} {
		for as, who := range map[string]string{"0": root, "1": user} {
			if got := g.ask(who, "list|"+as+"|"+query); !strings.HasPrefix(got[0], "list=INVALID") {
				t.Errorf("%s as %s: %q", query, as, got)
			}
		}
	}
	if got := g.ask(root, `list|0|users|{"filter":"email ~ 'a@'"}`); !strings.HasPrefix(got[0], "list=[") {
		t.Errorf("what may be asked: %q", got)
	}
	for _, statement := range []string{
		"SELECT k, pin FROM vault", "SELECT 1 FROM vault WHERE pin > 'a'", "SELECT k FROM vault ORDER BY pin", "UPDATE vault SET pin = '$2a$10$x'", "UPDATE vault SET k = pin",
		"INSERT INTO vault (id, k, pin) VALUES ('x', 'b', '$2')", "REPLACE INTO vault (id, k) SELECT id, 'b' FROM vault", "SELECT * FROM vault", "SELECT 1 FROM vault NATURAL JOIN (SELECT '$2' AS pin)",
		"SELECT 1 FROM Vault JOIN (SELECT '$2' AS PIN) USING (PIN)", "UPDATE users SET verified = 1", "UPDATE users SET email = 'b@x.test'", "UPDATE users SET Email = 'b'",
	} {
		if got := g.ask("", "sql|"+statement+"|[]"); !strings.HasPrefix(got[0], "sql=FORBIDDEN") {
			t.Errorf("%s: %q", statement, got)
		}
	}
	if got := g.ask("", "sql|UPDATE vault SET k = 'b' RETURNING k|[]"); got[0] != `sql=[["b"],1]` {
		t.Errorf("what SQL may do: %q", got)
	}
}
