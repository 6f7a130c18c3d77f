package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

// served is a provider on a loopback address.
func served(t *testing.T, token, user http.HandlerFunc) *Provider {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/token", token)
	mux.HandleFunc("/user", user)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return provider(t, schema.OAuth2Provider{
		Name: "oidc", ClientID: "c:id", ClientSecret: "s&cret", TokenURL: server.URL + "/token", UserInfoURL: server.URL + "/user",
	})
}

func giveToken(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"access_token":"at","token_type":"bearer","refresh_token":"rt","expires_in":3600}`)
}

func giveUser(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"sub":"1"}`) }

// TestExchange: the id and secret of the registration come by HTTP's own means first, then in the form.
func TestExchange(t *testing.T) {
	var forms []string
	basic := true
	p := served(t, func(w http.ResponseWriter, r *http.Request) {
		id, secret, ok := r.BasicAuth()
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		forms = append(forms, fmt.Sprint(ok, id, secret, r.PostForm.Encode()))
		if ok && !basic {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		giveToken(w, r)
	}, giveUser)
	c := NewClient(Options{})
	u, err := c.User(t.Context(), p, Code{Code: "co de", Verifier: "v", RedirectURL: "https://x.test/back"})
	if err != nil || u.ID != "1" || u.AccessToken != "at" || u.RefreshToken != "rt" || time.Until(u.Expiry) < time.Minute {
		t.Fatalf("%+v, %v", u, err)
	}
	basic = false
	if _, err := c.User(t.Context(), p, Code{Code: "c"}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"true" + "c%3Aid" + " " + "s%26cret" + "code=co+de&code_verifier=v&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fx.test%2Fback",
		"true" + "c%3Aid" + " " + "s%26cret" + "code=c&code_verifier=&grant_type=authorization_code",
		"false" + " " + "client_id=c%3Aid&client_secret=s%26cret&code=c&code_verifier=&grant_type=authorization_code",
	}
	for i := range want {
		got := strings.ReplaceAll(forms[i], " ", "")
		if got != strings.ReplaceAll(want[i], " ", "") {
			t.Errorf("request %d: %s", i, got)
		}
	}
}

func TestProvidersThatFail(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"s&cret leaked-token"}`)
	}
	large := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"sub":"1","x":"`, strings.Repeat("x", maxAnswer), `"}`)
	}
	elsewhere := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/user", status) }
	}
	for _, tt := range []struct {
		name        string
		token, user http.HandlerFunc
		want        error
	}{
		{"works", giveToken, giveUser, nil},
		{"no token", refuse, giveUser, ErrToken},
		{"a token that is empty", giveUser, giveUser, ErrToken},
		{"sends the secret elsewhere", elsewhere(307), giveUser, ErrToken},
		{"sends the exchange elsewhere", elsewhere(302), giveUser, ErrToken},
		{"no user", giveToken, refuse, ErrUser},
		{"too large", giveToken, large, ErrUser},
		{"sends in circles", giveToken, elsewhere(302), ErrUser},
		{"nothing", giveToken, func(http.ResponseWriter, *http.Request) {}, ErrUser},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewClient(Options{}).User(t.Context(), served(t, tt.token, tt.user), Code{Code: "the-code"})
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v", err)
			}
			for _, secret := range []string{"s&cret", "leaked-token", "the-code"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
}

func TestCodesAreBounded(t *testing.T) {
	s := &stub{t: t}
	code := Code{Code: strings.Repeat("x", maxQuestion), Verifier: "x"}
	if _, err := s.client().User(t.Context(), provider(t, schema.OAuth2Provider{Name: "google"}), code); !errors.Is(err, ErrToken) || len(s.asked) > 0 {
		t.Errorf("%v, %d requests", err, len(s.asked))
	}
}

// TestProviderThatHangs: a provider that does not answer holds a sign-in no longer than its context, and not more than so many
// of them.
func TestProviderThatHangs(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{}, maxVisits)
	p := served(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}, giveUser)
	defer close(release)
	c := NewClient(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := c.User(ctx, p, Code{Code: "c"})
		ended <- err
	}()
	<-asked
	for range maxVisits - 1 {
		c.visits <- struct{}{}
	}
	if _, err := c.User(t.Context(), p, Code{Code: "c"}); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, ErrToken) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
