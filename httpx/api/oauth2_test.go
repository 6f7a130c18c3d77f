package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/validation"
)

// idp is an OpenID provider on a loopback address. Every code is good; the code says who it is: "sub", "sub email" or, for an
// email that is not verified, "sub email no".
type idp struct {
	*httptest.Server
	picture string
	asked   func() // called while somebody waits for an answer, nil for nothing
}

func newIDP(t testing.TB) *idp {
	p := new(idp)
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"access_token": r.PostFormValue("code"), "token_type": "Bearer"}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) {
		if p.asked != nil {
			p.asked()
		}
		said := strings.Fields(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		user := map[string]any{"email_verified": len(said) < 3, "name": "N", "preferred_username": "handle", "picture": p.picture}
		if len(said) > 0 && said[0] != "-" {
			user["sub"] = said[0]
		}
		if len(said) > 1 {
			user["email"] = said[1]
		}
		if err := json.NewEncoder(w).Encode(user); err != nil {
			t.Error(err)
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// members makes the auth collection "members" with the providers oidc and oidc2; more are further members of its definition.
// Passwords are hashed at the lowest cost: what is tested is the same.
func (p *idp) members(g *rig, more string) {
	g.t.Helper()
	one := func(name string) string {
		return fmt.Sprintf(`{"name":%q,"clientId":"cid","clientSecret":"s","authURL":"%[2]s/a","tokenURL":"%[2]s/token","userInfoURL":"%[2]s/user"}`, name, p.URL)
	}
	mapped := `"mappedFields":{"name":"name","username":"handle","avatarURL":"photo"}`
	g.collection(`{"name":"members","type":"auth","fields":[{"name":"password","type":"password","min":8,"cost":4},{"name":"name","type":"text"},{"name":"handle","type":"text"},{"name":"photo","type":"file"}],` +
		`"indexes":["CREATE UNIQUE INDEX i_h ON members (handle) WHERE handle != ''"],` +
		`"oauth2":{"enabled":true,"providers":[` + one("oidc") + "," + one("oidc2") + `],` + mapped + `}` + more + `}`)
}

// signIn signs in with a code at a provider; more are further members of the body.
func (g *rig) signIn(token, provider, code, more string) (int, map[string]any) {
	g.t.Helper()
	return g.sendAs(token, "POST", "/api/collections/members/auth-with-oauth2", fmt.Sprintf(`{"provider":%q,"code":%q%s}`, provider, code, more))
}

// member makes a record and signs it in with its password.
func (g *rig) member(email string) (r *records.Record, token string) {
	g.t.Helper()
	r, err := g.app.NewRecord("members")
	if err != nil {
		g.t.Fatal(err)
	}
	r.Set("email", email)
	r.Set("password", "12345678")
	if err := g.app.Save(g.t.Context(), r); err != nil {
		g.t.Fatal(err)
	}
	_, out := g.send("POST", "/api/collections/members/auth-with-password", fmt.Sprintf(`{"identity":%q,"password":"12345678"}`, email))
	token, _ = out["token"].(string)
	if token == "" {
		g.t.Fatalf("%v", out)
	}
	return r, token
}

func (g *rig) count(collection string) int {
	g.t.Helper()
	n, err := g.app.CountRecords(g.t.Context(), collection, app.Find{})
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func member(out map[string]any, path ...string) any {
	var v any = out
	for _, key := range path {
		in, _ := v.(map[string]any)
		v = in[key]
	}
	return v
}

func TestOAuth2(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	status, out := g.signIn("", "oidc", "1 a@x.test", `,"createData":{"name":"own"}`)
	if status != 200 || member(out, "meta", "isNew") != true || member(out, "record", "email") != "a@x.test" || member(out, "record", "verified") != true ||
		member(out, "record", "name") != "own" || member(out, "record", "handle") != "handle" {
		t.Fatalf("%d %v", status, out)
	}
	id, token := member(out, "record", "id"), out["token"].(string)
	if status, out := g.sendAs(token, "POST", "/api/collections/members/auth-refresh", ""); status != 200 || member(out, "record", "id") != id {
		t.Errorf("the token: %d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "1 other@x.test", ""); status != 200 || member(out, "meta", "isNew") != false || member(out, "record", "id") != id {
		t.Errorf("again: %d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "2 b@x.test", ""); status != 200 || member(out, "record", "handle") != "" {
		t.Errorf("the username is taken: %d %v", status, out)
	}
	if g.count("members") != 2 || g.count("_externalAuths") != 2 {
		t.Errorf("%d records, %d links", g.count("members"), g.count("_externalAuths"))
	}
	if r, err := g.app.FindRecordByID(t.Context(), "members", id.(string)); err != nil || len(r.Text("tokenKey")) != 50 {
		t.Errorf("%v, %v", r, err)
	}
}

// TestOAuth2TakesOver: whoever signed up with somebody else's email is out as soon as the owner of the email comes, by
// password, session and link.
func TestOAuth2TakesOver(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	r, token := g.member("victim@x.test")
	if status, out := g.signIn(token, "oidc2", "attacker attacker@x.test", ""); status != 200 || member(out, "record", "verified") != false {
		t.Fatalf("%d %v", status, out)
	}
	status, out := g.signIn("", "oidc", "owner victim@x.test", "")
	if status != 200 || member(out, "record", "id") != r.ID() || member(out, "record", "verified") != true {
		t.Fatalf("%d %v", status, out)
	}
	if status, _ := g.sendAs(token, "POST", "/api/collections/members/auth-refresh", ""); status != 401 {
		t.Errorf("the session lives: %d", status)
	}
	if status, _ := g.send("POST", "/api/collections/members/auth-with-password", `{"identity":"victim@x.test","password":"12345678"}`); status != 400 {
		t.Errorf("the password works: %d", status)
	}
	status, out = g.signIn("", "oidc2", "attacker attacker@x.test", "")
	if status != 200 || member(out, "record", "id") == r.ID() {
		t.Errorf("the link works: %d %v", status, out)
	}
}

// TestOAuth2NeverTrustsUnverifiedEmails: an email that the provider did not verify finds nobody.
func TestOAuth2NeverTrustsUnverifiedEmails(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	g.member("victim@x.test")
	status, out := g.signIn("", "oidc", "attacker victim@x.test no", "")
	if status != 400 || out["message"] != "Failed to create record." {
		t.Errorf("%d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "attacker x@x.test no", `,"createData":{"email":"victim@x.test"}`); status != 400 || member(out, "data", "email", "code") != "validation_not_unique" {
		t.Errorf("%d %v", status, out)
	}
}

func TestOAuth2LinksTheCaller(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	r, token := g.member("me@x.test")
	if status, out := g.signIn(token, "oidc", "1 other@x.test", ""); status != 200 || member(out, "record", "id") != r.ID() || member(out, "record", "verified") != false {
		t.Errorf("%d %v", status, out)
	}
	if status, _ := g.sendAs(token, "POST", "/api/collections/members/auth-refresh", ""); status != 200 {
		t.Errorf("the session is over: %d", status)
	}
	if status, out := g.signIn(token, "oidc", "1 me@x.test", ""); status != 200 || member(out, "record", "verified") != true {
		t.Errorf("%d %v", status, out)
	}
	if status, _ := g.sendAs(token, "POST", "/api/collections/members/auth-refresh", ""); status != 200 {
		t.Errorf("the session ended with the verification: %d", status)
	}
	status, out := g.signIn(token, "oidc", "2 me@x.test", "")
	if status != 400 || out["message"] != "Failed to authenticate." || member(out, "data", "provider", "code") != "validation_not_unique" {
		t.Errorf("a second user of the provider: %d %v", status, out)
	}
}

// TestOAuth2IsAllOrNothing: without its link there is no record, and no file.
func TestOAuth2IsAllOrNothing(t *testing.T) {
	var opened *app.App
	pictures := &http.Client{Transport: pictureServer{}}
	g, p := newRigWith(t, func(a *app.App) {
		opened = a
		a.OnRecordCreate("_externalAuths").BindFunc(func(e *writes.RecordEvent) error {
			if e.Record.Text("providerId") == "refused" {
				return errors.New("no")
			}
			return e.Next()
		})
	}, Options{OAuth2: oauth2.NewClient(oauth2.Options{Pictures: pictures})}), newIDP(t)
	p.picture = "http://pictures.test/portrait.png"
	p.members(g, "")
	if status, out := g.signIn("", "oidc", "- a@x.test", ""); status != 400 || member(out, "data", "providerId", "code") != "validation_required" {
		t.Errorf("no id: %d %v", status, out)
	}
	if status, _ := g.signIn("", "oidc", "refused a@x.test", ""); status != 400 {
		t.Errorf("a hook's no: %d", status)
	}
	if g.count("members") != 0 || g.count("_externalAuths") != 0 {
		t.Errorf("%d records, %d links", g.count("members"), g.count("_externalAuths"))
	}
	files := func() []string {
		var list []string
		err := filepath.WalkDir(filepath.Join(opened.Dir(), "storage"), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				list = append(list, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if left := files(); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
	status, out := g.signIn("", "oidc", "1 a@x.test", "")
	photo, _ := member(out, "record", "photo").(string)
	if status != 200 || !strings.HasPrefix(photo, "portrait_") || !strings.HasSuffix(photo, ".png") || len(files()) != 2 {
		t.Errorf("%d %v %q", status, out, files())
	}
}

// pictureServer gives a picture to whoever asks.
type pictureServer struct{}

func (pictureServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, err := w.WriteString("\x89PNG\r\n\x1a\n")
	res := w.Result()
	res.Request = r
	return res, err
}

// TestOAuth2PicturesOfTheInside: with the client that servers use, a picture on this machine is not fetched, and the sign-in
// goes on.
func TestOAuth2PicturesOfTheInside(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	asked := make(chan string, 10)
	inner := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer inner.Close()
	p.picture = inner.URL + "/secret"
	p.members(g, "")
	if status, out := g.signIn("", "oidc", "1 a@x.test", ""); status != 200 || member(out, "record", "photo") != "" || member(out, "meta", "avatarURL") != p.picture {
		t.Errorf("%d %v", status, out)
	}
	if len(asked) > 0 {
		t.Error("it was fetched")
	}
}

func TestOAuth2Hooks(t *testing.T) {
	var seen []string
	note := func(s string, next func() error) error {
		seen = append(seen, s+"{")
		err := next()
		seen = append(seen, "}")
		return err
	}
	g, p := newRig(t, func(a *app.App) {
		a.OnRecordCreateRequest("members").BindFunc(func(e *writes.RecordRequestEvent) error {
			if e.Caller.Request.Context != "oauth2" || e.Record.Text("email") != "a@x.test" {
				t.Errorf("%s, %s", e.Caller.Request.Context, e.Record.Text("email"))
			}
			e.Record.Set("name", "hooked")
			return note("request", e.Next)
		})
		a.OnRecordCreate("members").BindFunc(func(e *writes.RecordEvent) error { return note("create", e.Next) })
		a.OnRecordUpdate("members").BindFunc(func(e *writes.RecordEvent) error { return note("update", e.Next) })
		a.OnRecordCreate("_externalAuths").BindFunc(func(e *writes.RecordEvent) error { return note("link", e.Next) })
		a.OnRecordAfterCreateSuccess().BindFunc(func(e *writes.RecordEvent) error {
			return note("after "+e.Record.Collection.Name, e.Next)
		})
	}), newIDP(t)
	p.members(g, "")
	status, out := g.signIn("", "oidc", "1 a@x.test", "")
	if status != 200 || member(out, "record", "name") != "hooked" {
		t.Fatalf("%d %v", status, out)
	}
	want := []string{"request{", "create{", "}", "}", "update{", "}", "link{", "}", "after members{", "}", "after _externalAuths{", "}", "after _authOrigins{", "}"}
	if !slices.Equal(seen, want) {
		t.Errorf("%q", seen)
	}
}

func TestOAuth2Rules(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, `,"createRule":"@request.context = 'oauth2' && @request.body.name != 'bad' && @request.body.password:isset = false","authRule":"@request.context = 'oauth2' && @request.body.code != 'x x@x.test'"`)
	if status, out := g.signIn("", "oidc", "1 a@x.test", ""); status != 200 {
		t.Errorf("%d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "2 b@x.test", `,"createData":{"name":"bad"}`); status != 400 || out["message"] != "Failed to create record." {
		t.Errorf("%d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "2 b@x.test", `,"createData":{"password":"12345678"}`); status != 400 || out["message"] != "Failed to create record." {
		t.Errorf("a password against the rule: %d %v", status, out)
	}
	before := g.count("members")
	if status, out := g.signIn("", "oidc", "x x@x.test", ""); status != 403 || g.count("members") != before+1 {
		t.Errorf("the auth rule comes after the record: %d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "2 b@x.test", `,"createData":{"verified":true}`); status != 400 || member(out, "data", "verified", "code") != "validation_values_mismatch" {
		t.Errorf("%d %v", status, out)
	}
}

// TestOAuth2PasswordsNobodyKnows: the password that a new record gets is not asked what is asked of people's.
func TestOAuth2PasswordsNobodyKnows(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	err := g.app.ChangeSchema(t.Context(), func(ch *schema.Change) error {
		c := g.app.Catalogue().Find("members").Clone()
		f := c.Field("password").(*schema.PasswordField)
		f.Pattern, f.Max = "^[0-9]+$", 10
		return ch.Update(c.ID, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	status, out := g.signIn("", "oidc", "1 a@x.test", "")
	id, _ := member(out, "record", "id").(string)
	r, err := g.app.FindRecordByID(t.Context(), "members", id)
	if status != 200 || err != nil {
		t.Fatalf("%d %v, %v", status, out, err)
	}
	if stored, _ := r.Get("password").(schema.Password); len(stored.Hash) != 60 || stored.Plain != "" {
		t.Errorf("%d bytes are stored", len(stored.Hash))
	}
	if status, out := g.signIn("", "oidc", "2 b@x.test", `,"createData":{"password":"letters","passwordConfirm":"letters"}`); status != 400 || member(out, "data", "password") == nil {
		t.Errorf("a password of people: %d %v", status, out)
	}
}

func TestOAuth2AndASecondMethod(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, `,"mfa":{"enabled":true,"duration":600}`)
	status, out := g.signIn("", "oidc", "1 a@x.test", `,"createData":{"password":"12345678","passwordConfirm":"12345678"}`)
	session, _ := out["mfaId"].(string)
	if status != 401 || session == "" || len(out) != 1 {
		t.Fatalf("%d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "1 a@x.test", `,"mfaId":"`+session+`"`); status != 400 || out["message"] != "A different authentication method is required." {
		t.Errorf("%d %v", status, out)
	}
	body := `{"identity":"a@x.test","password":"12345678"%s}`
	if status, out := g.send("POST", "/api/collections/members/auth-with-password", fmt.Sprintf(body, `,"mfaId":"`+session+`"`)); status != 200 || out["meta"] != nil {
		t.Errorf("%d %v", status, out)
	}
	_, out = g.send("POST", "/api/collections/members/auth-with-password", fmt.Sprintf(body, ""))
	session, _ = out["mfaId"].(string)
	if status, out := g.signIn("", "oidc", "1 a@x.test", `,"mfaId":"`+session+`"`); status != 200 || member(out, "meta", "isNew") != false {
		t.Errorf("%d %v", status, out)
	}
}

// TestOAuth2SideBySide: of many who come at once as the same new user one makes the record, and all are signed in to it.
func TestOAuth2SideBySide(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	const many = 12
	var wg sync.WaitGroup
	outcomes := make(chan map[string]any, many)
	for range many {
		wg.Go(func() {
			status, out := g.signIn("", "oidc", "1 a@x.test", "")
			if status != 200 {
				t.Errorf("%d %v", status, out)
			}
			outcomes <- out
		})
	}
	wg.Wait()
	close(outcomes)
	ids, made := map[any]bool{}, 0
	for out := range outcomes {
		ids[member(out, "record", "id")] = true
		if member(out, "meta", "isNew") == true {
			made++
		}
	}
	if len(ids) != 1 || made != 1 || g.count("members") != 1 || g.count("_externalAuths") != 1 {
		t.Errorf("%v, %d made, %d records", ids, made, g.count("members"))
	}
}

func TestOAuth2SignUpsAreLimited(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	_, err := g.app.SaveSettings(t.Context(), func(s *settings.Settings) error {
		return s.Merge([]byte(`{"rateLimits":{"enabled":true,"rules":[{"label":"*:create","maxRequests":1,"duration":60}]}}`))
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := g.send("POST", "/api/collections/members/records", `{"email":"a@x.test","password":"12345678","passwordConfirm":"12345678"}`); status != 200 {
		t.Fatal(status)
	}
	if status, out := g.signIn("", "oidc", "1 b@x.test", ""); status != 200 {
		t.Errorf("the first, on a counter of its own: %d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "2 c@x.test", ""); status != 429 || out["message"] != "Too Many Requests." {
		t.Errorf("%d %v", status, out)
	}
	if status, out := g.signIn("", "oidc", "1 b@x.test", ""); status != 200 {
		t.Errorf("somebody who is known: %d %v", status, out)
	}
}

// TestRowsOfAuthRecordsHaveAnOwner: what belongs to a record needs one, and a link a provider; one failure at a time.
func TestRowsOfAuthRecordsHaveAnOwner(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	r, _ := g.member("a@x.test")
	good := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "provider": "google", "providerId": "1"}
	for _, tt := range []struct {
		field, value, code string
	}{
		{"provider", "google", ""},
		{"collectionRef", "members", "validation_invalid_collection_id"},
		{"collectionRef", "pbc_2281828961", "validation_invalid_collection_id"},
		{"recordRef", "missing", "validation_invalid_record"},
		{"provider", "myspace", "validation_in_invalid"},
		{"provider", "Google", "validation_in_invalid"},
		{"providerId", "", "validation_required"},
	} {
		link, err := g.app.NewRecord("_externalAuths")
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range good {
			link.Set(k, v)
		}
		link.Set(tt.field, tt.value)
		err = g.app.Save(context.Background(), link)
		var fields validation.Errors
		errors.As(err, &fields)
		var leaf *validation.Error
		errors.As(fields[tt.field], &leaf)
		if tt.code == "" && err != nil || tt.code != "" && (len(fields) != 1 || leaf == nil || leaf.Code != tt.code) {
			t.Errorf("%s %q: %v", tt.field, tt.value, err)
		}
	}
}

func TestAuthMethodsListProviders(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	status, out := g.send("GET", "/api/collections/members/auth-methods", "")
	list, _ := member(out, "oauth2", "providers").([]any)
	old, _ := out["authProviders"].([]any)
	if status != 200 || member(out, "oauth2", "enabled") != true || len(list) != 2 || len(old) != 2 {
		t.Fatalf("%d %v", status, out)
	}
	one, other := list[0].(map[string]any), old[0].(map[string]any)
	if one["name"] != "oidc" || one["displayName"] != "OIDC" || !strings.HasPrefix(one["logo"].(string), "<svg") || one["authUrl"] != one["authURL"] ||
		!strings.HasPrefix(one["authURL"].(string), p.URL+"/a?client_id=cid&code_challenge=") || other["logo"] != "" {
		t.Errorf("%v %v", one, other)
	}
	if status, out := g.send("GET", "/api/collections/_superusers/auth-methods", ""); status != 200 || out["authProviders"] != nil || member(out, "oauth2", "enabled") != false {
		t.Errorf("%d %v", status, out)
	}
}
