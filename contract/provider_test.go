package contract_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
)

// provider is an OpenID provider that accepts every code. It is safe for concurrent use.
type provider struct {
	*httptest.Server

	mu  sync.Mutex
	act providerAct
}

func newProvider() *provider {
	p := new(provider)
	p.set(providerAct{User: map[string]any{"sub": "stub-user", "email": "stub@example.com", "email_verified": true, "name": "Stub User"}})
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", authorize)
	mux.HandleFunc("/token", p.token)
	mux.HandleFunc("/userinfo", p.userInfo)
	p.Server = httptest.NewServer(mux)
	return p
}

// set says what is answered from now on; a user is kept until another one is named.
func (p *provider) set(act providerAct) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if act.User == nil {
		act.User = p.act.User
	}
	p.act = act
}

func (p *provider) current() providerAct {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.act
}

func authorize(w http.ResponseWriter, r *http.Request) {
	back, err := url.Parse(r.FormValue("redirect_uri"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	query := back.Query()
	query.Set("code", "stub-code")
	query.Set("state", r.FormValue("state"))
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, _ *http.Request) {
	act := p.current()
	w.Header().Set("Content-Type", "application/json")
	if act.Fail == "token" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	answer := map[string]any{"access_token": "stub-access", "token_type": "Bearer", "refresh_token": "stub-refresh", "expires_in": 3600}
	maps.Copy(answer, act.Token)
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *provider) userInfo(w http.ResponseWriter, r *http.Request) {
	act := p.current()
	if act.Fail == "userinfo" || r.Header.Get("Authorization") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(act.User)
}
