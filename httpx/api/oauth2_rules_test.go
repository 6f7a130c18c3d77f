package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/validation"
)

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
	err := g.app.Catalogue.ChangeFunc(t.Context(), func(ch *schema.Change) error {
		c := g.app.Catalogue.Current().Find("members").Clone()
		f := c.Field("password").(*schema.PasswordField)
		f.Pattern, f.Max = "^[0-9]+$", 10
		return ch.Update(c.ID, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	status, out := g.signIn("", "oidc", "1 a@x.test", "")
	id, _ := member(out, "record", "id").(string)
	r, err := g.app.Records.FindByID(t.Context(), "members", id)
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

func TestOAuth2SignUpsAreLimited(t *testing.T) {
	g, p := newRig(t, nil), newIDP(t)
	p.members(g, "")
	_, err := g.app.Settings.Save(t.Context(), func(s *settings.Settings) error {
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
		link, err := g.app.Records.New("_externalAuths")
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range good {
			link.Set(k, v)
		}
		link.Set(tt.field, tt.value)
		err = g.app.Records.Save(context.Background(), link)
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
