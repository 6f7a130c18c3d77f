package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/storage/records"
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
	r, err := g.app.Records.New("members")
	if err != nil {
		g.t.Fatal(err)
	}
	r.Set("email", email)
	r.Set("password", "12345678")
	if err := g.app.Records.Save(g.t.Context(), r); err != nil {
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
	n, err := g.app.Records.Count(g.t.Context(), collection, programs.Find{})
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
