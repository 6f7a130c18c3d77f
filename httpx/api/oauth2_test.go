package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/files/filestest"
)

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
	if r, err := g.app.Records.FindByID(t.Context(), "members", id.(string)); err != nil || len(r.Text("tokenKey")) != 50 {
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
		a.Hooks.OnRecordCreate("_externalAuths").BindFunc(func(e *writes.RecordEvent) error {
			if e.Record.Text("providerId") == "refused" {
				return errors.New("no")
			}
			return e.Next()
		})
	}, api.Options{OAuth2: oauth2.NewClient(oauth2.Options{Pictures: pictures})}), newIDP(t)
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
	files := func() []string { return filestest.Keys(t, opened.Dir()) }
	if left := files(); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
	status, out := g.signIn("", "oidc", "1 a@x.test", "")
	photo, _ := member(out, "record", "photo").(string)
	if status != 200 || !strings.HasPrefix(photo, "portrait_") || !strings.HasSuffix(photo, ".png") || len(files()) != 1 {
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
		a.Hooks.OnRecordCreateRequest("members").BindFunc(func(e *writes.RecordRequestEvent) error {
			if e.Caller.Request.Context != "oauth2" || e.Record.Text("email") != "a@x.test" {
				t.Errorf("%s, %s", e.Caller.Request.Context, e.Record.Text("email"))
			}
			e.Record.Set("name", "hooked")
			return note("request", e.Next)
		})
		a.Hooks.OnRecordCreate("members").BindFunc(func(e *writes.RecordEvent) error { return note("create", e.Next) })
		a.Hooks.OnRecordUpdate("members").BindFunc(func(e *writes.RecordEvent) error { return note("update", e.Next) })
		a.Hooks.OnRecordCreate("_externalAuths").BindFunc(func(e *writes.RecordEvent) error { return note("link", e.Next) })
		a.Hooks.OnRecordAfterCreateSuccess().BindFunc(func(e *writes.RecordEvent) error {
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
