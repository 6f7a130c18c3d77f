package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// call asks a guest by its name, with headers.
func (g *guestRig) call(name string, header http.Header, line string) string {
	g.t.Helper()
	_, _, raw := g.raw("POST", "/"+name+"/any/x", script(line), header)
	_, got, _ := strings.Cut(strings.TrimSuffix(string(raw), "\n"), "=")
	return got
}

// On behalf of a superuser a guest reaches what its own permissions say, and collections of the system on nobody's behalf
// without them.
func TestGuestNeverExceedsItsPermissions(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.shop()
	root, user := g.superuser(), g.token("users", "a@x.test")
	for _, x := range []struct{ who, guest, line, want string }{
		{root, "second", "find|0|things|thing0000000001|name", `"thing 1"`},
		{root, "second", "list|0|other|{}", "FORBIDDEN "},
		{root, "second", `list|0|things|{"filter":"@collection.other.id != ''"}`, "FORBIDDEN "},
		{root, "second", `list|0|things|{"filter":"@collection._externalAuths.id = ''"}`, "["},
		{root, "second", `create|0|other|{"name":"a"}`, "FORBIDDEN "},
		{root, "second", `update|0|users|x|{}`, "FORBIDDEN "},
		{root, "second", `delete|0|other|x`, "FORBIDDEN "},
		{root, "probe", "list|0|other|{}", "["},
		{root, "probe", "list|0|_superusers|{}", "FORBIDDEN "},
		{root, "probe", "list|0|" + g.app.Catalogue.Current().Find("_superusers").ID + "|{}", "FORBIDDEN "},
		{root, "probe", `create|0|_superusers|{"email":"b@x.test","password":"12345678"}`, "FORBIDDEN "},
		{root, "second", `list|0|_externalAuths|{}`, "["},
		{user, "second", `list|0|other|{}`, "["},
		{user, "probe", `list|0|_externalAuths|{}`, "FORBIDDEN "},
		{user, "second", `list|0|_externalAuths|{}`, "["},
		{user, "probe", `list|0|_otps|{}`, "FORBIDDEN "},
		{"", "probe", `list|0|_mfas|{}`, "FORBIDDEN "},
		{root, "probe", `list|0|nope|{}`, "NOT_FOUND "},
	} {
		if got := g.call(x.guest, http.Header{"Authorization": {x.who}}, x.line); !strings.HasPrefix(got, x.want) {
			t.Errorf("%s of %.8s: %s: %q, want %q", x.guest, x.who, x.line, got, x.want)
		}
	}
}

// A guest sees headers that prove who somebody is only where the operator said so, and a token that the server has verified
// never, however it writes the name.
func TestGuestSeesNoVerifiedToken(t *testing.T) {
	both := map[string][]wasmhost.Grant{"granted": {wasmhost.SecretHeaders}, "probe": {wasmhost.SecretHeaders}}
	for _, x := range []struct {
		grants map[string][]wasmhost.Grant
		guest  string
		shown  bool
	}{{nil, "granted", false}, {both, "granted", true}, {both, "probe", false}} { // probe did not ask
		g := guestsWith(t, rigOptions{grants: x.grants}, "probe", "granted")
		user := g.token("users", "a@x.test")
		for _, c := range []struct {
			header http.Header
			name   string
			want   string
			secret bool
		}{
			{http.Header{"Authorization": {"Bearer of-a-webhook"}}, "Authorization", "Bearer of-a-webhook", true},
			{http.Header{"Authorization": {"Bearer of-a-webhook"}}, "aUTHORIZATION", "Bearer of-a-webhook", true},
			{http.Header{"Cookie": {"a=b"}}, "cookie", "a=b", true},
			{http.Header{"Proxy-Authorization": {"c"}}, "Proxy-Authorization", "c", true},
			{http.Header{"X-Signature": {"d"}}, "X-Signature", "d", false},
		} {
			want := c.want
			if c.secret && !x.shown {
				want = "NOT_FOUND not there"
			}
			if got := g.call(x.guest, c.header, "request|4|"+c.name); got != want {
				t.Errorf("%s with %v: %s is %q, want %q", x.guest, x.grants, c.name, got, want)
			}
		}
		for _, name := range []string{"Authorization", "authorization", "authorization.", "_authorization"} {
			for _, token := range []string{user, "Bearer " + user} {
				if got := g.call(x.guest, http.Header{"Authorization": {token}}, "request|4|"+name); got != "NOT_FOUND not there" {
					t.Errorf("%s with %v sees a verified token under %s: %q", x.guest, x.grants, name, got)
				}
			}
		}
	}
}

// Who can sign in as whom is decided by guests with the grant only: in hooks, in writes on anybody's behalf, by SQL.
func TestGuestsSetNoCredentials(t *testing.T) {
	for _, granted := range []bool{false, true} {
		var o rigOptions
		if granted {
			o.grants = map[string][]wasmhost.Grant{"granted": {wasmhost.Credentials}}
		}
		g := guestsWith(t, o, "granted")
		g.collection(`{"name":"members","type":"auth","fields":[{"name":"script","type":"text"},{"name":"nick","type":"text"}]}`)
		token := g.token("members", "a@x.test")
		r, err := g.app.Records.FindFirst(t.Context(), "members", find("email", "a@x.test"))
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"password|87654321x", "email|b@x.test", "verified|true", "+email|b@x.test", "password:autogenerate|x"} {
			refusals := func() int { return strings.Count(strings.Join(g.log.all(), "\n"), "FORBIDDEN setting password") }
			before := refusals()
			status, out := g.sendAs(token, "PATCH", "/api/collections/members/records/"+r.ID(), with("", "record.update<|set|"+field, "record.update.request<|set|"+field))
			if refused := refusals() == before+2; refused == granted {
				t.Errorf("granted %v: a hook sets %s: %d %v\n%s", granted, field, status, out, g.log.all())
			}
			token = g.token("members", "a@x.test")
		}
		if _, err := g.app.Records.FindFirst(t.Context(), "members", find("email", "b@x.test")); (err == nil) != granted {
			t.Errorf("granted %v: another email: %v", granted, err)
		}
		for _, body := range []string{`{"email":"c@x.test"}`, `{"verified":true}`, `{"password":"87654321x","passwordConfirm":"87654321x"}`} {
			got := g.call("granted", nil, "update|1|members|"+r.ID()+"|"+body+"|nick")
			if want := map[bool]string{false: "FORBIDDEN setting password", true: `""`}[granted]; !strings.HasPrefix(got, want) {
				t.Errorf("granted %v: update %s: %q", granted, body, got)
			}
		}
		got := g.call("granted", nil, `create|1|members|{"email":"d@x.test","password":"87654321x","passwordConfirm":"87654321x"}|nick`)
		if want := map[bool]string{false: "FORBIDDEN setting password", true: `""`}[granted]; !strings.HasPrefix(got, want) {
			t.Errorf("granted %v: create: %q", granted, got)
		}
		got = g.call("granted", nil, "sql|UPDATE members SET verified = 1 WHERE email = 'a@x.test'|[]")
		if want := map[bool]string{false: "FORBIDDEN ", true: "["}[granted]; !strings.HasPrefix(got, want) {
			t.Errorf("granted %v: sql: %q", granted, got)
		}
		if got := g.call("granted", nil, "update|1|members|"+r.ID()+`|{"nick":"n"}|nick`); got != `"n"` {
			t.Errorf("what needs no grant: %q", got)
		}
	}
}

// What somebody signs in with is not shown along with the record that signing in answers.
func TestGuestSeesNoBodyOfSignIns(t *testing.T) {
	g := newGuests(t, "probe")
	g.collection(`{"name":"members","type":"auth","fields":[{"name":"script","type":"text"}]}`)
	g.token("members", "a@x.test")
	r, err := g.app.Records.FindFirst(t.Context(), "members", find("email", "a@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	r.Set("script", script("record.enrich<|request|5|"))
	if err := g.app.Records.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	g.log.told()
	if status, out := g.send("POST", "/api/collections/members/auth-with-password", `{"identity":"a@x.test","password":"a-password-1234"}`); status != 200 {
		t.Fatal(status, out)
	}
	g.expect("probe request=")
}
