package oauth2

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

// stub is a provider at the addresses that the table has: it answers instead of the network.
type stub struct {
	t *testing.T
	// answers are bodies by method and address; a missing one is a 404.
	answers map[string]string
	// token is what comes with the access token.
	token map[string]any
	mu    sync.Mutex
	asked []*http.Request
	forms []url.Values
}

// RoundTrip implements http.RoundTripper.
func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	form, _ := url.ParseQuery(string(body))
	s.asked, s.forms = append(s.asked, r), append(s.forms, form)
	answer, ok := s.answers[r.Method+" "+r.URL.String()]
	if form.Get("grant_type") != "" && !ok {
		said := map[string]any{"access_token": "the access token", "token_type": "Bearer"}
		for k, v := range s.token {
			said[k] = v
		}
		text, err := json.Marshal(said)
		if err != nil {
			return nil, err
		}
		answer, ok = string(text), true
	}
	status := http.StatusOK
	if !ok {
		status = http.StatusNotFound
	}
	return &http.Response{
		StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)),
	}, nil
}

func (s *stub) client() *Client {
	return NewClient(Options{HTTP: &http.Client{Transport: s}, Now: func() time.Time { return testNow }})
}

var testNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// provider returns a provider with that name, as a collection has set it up.
func provider(t testing.TB, set schema.OAuth2Provider) *Provider {
	t.Helper()
	if set.ClientID == "" {
		set.ClientID, set.ClientSecret = "cid", "the secret"
	}
	p, ok := Find(&schema.OAuth2{Enabled: true, Providers: []schema.OAuth2Provider{set}}, set.Name)
	if !ok {
		t.Fatalf("%s is unknown", set.Name)
	}
	return p
}
