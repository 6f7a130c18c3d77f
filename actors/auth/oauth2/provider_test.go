package oauth2

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"regexp"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// TestTableIsComplete: every provider that a collection can be set up with is in the table, once, with addresses unless they
// have to be set.
func TestTableIsComplete(t *testing.T) {
	own := map[string]bool{"mailcow": true, "oidc": true, "oidc2": true, "oidc3": true}
	seen := map[string]bool{}
	for _, k := range table {
		if seen[k.name] {
			t.Errorf("%s is there twice", k.name)
		}
		seen[k.name] = true
		for _, address := range []string{k.authURL, k.tokenURL, k.userURL} {
			at, err := url.Parse(address)
			missing := address == "" && (own[k.name] || k.name == "apple" && address == k.userURL)
			if err != nil || !missing && (at.Scheme != "https" || at.Host == "") {
				t.Errorf("%s has the address %q", k.name, address)
			}
		}
		if k.read.id == "" && k.read.number == "" {
			t.Errorf("%s has no id", k.name)
		}
	}
	for _, p := range schema.Providers() {
		if !seen[p.Name] {
			t.Errorf("%s is missing", p.Name)
		}
	}
	if len(table) != len(schema.Providers()) {
		t.Errorf("%d providers, %d have names", len(table), len(schema.Providers()))
	}
}

func TestFind(t *testing.T) {
	o := &schema.OAuth2{Enabled: true, Providers: []schema.OAuth2Provider{{Name: "oidc"}, {Name: "myspace"}, {Name: "google", DisplayName: "G"}}}
	for name, want := range map[string]bool{"oidc": true, "google": true, "OIDC": false, "myspace": false, "github": false, "": false} {
		if _, ok := Find(o, name); ok != want {
			t.Errorf("%q: %v", name, ok)
		}
	}
	var names []string
	for _, p := range List(o) {
		names = append(names, p.Name()+" "+p.DisplayName())
		if p.Logo() == "" {
			t.Errorf("%s has no logo", p.Name())
		}
	}
	if len(names) != 2 || names[0] != "oidc OIDC" || names[1] != "google G" {
		t.Errorf("%q", names)
	}
	o.Enabled = false
	if _, ok := Find(o, "oidc"); ok || len(List(o)) > 0 {
		t.Error("OAuth2 is off")
	}
}

func TestAuthURL(t *testing.T) {
	off, on := false, true
	tests := []struct {
		set  schema.OAuth2Provider
		want string
	}{
		{schema.OAuth2Provider{Name: "oidc", ClientID: "c&d", AuthURL: "https://x.test/a", PKCE: &off},
			"https://x.test/a?client_id=c%26d&response_type=code&scope=openid+email+profile&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "oidc", ClientID: "c", AuthURL: "https://x.test/a?b=c"},
			"https://x.test/a?b=c&client_id=c&code_challenge=CHALLENGE&code_challenge_method=S256&response_type=code&scope=openid+email+profile&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "oidc2", ClientID: "c", PKCE: &off},
			"?client_id=c&response_type=code&scope=openid+email+profile&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "notion", ClientID: "c", PKCE: &off},
			"https://api.notion.com/v1/oauth/authorize?client_id=c&response_type=code&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "apple", ClientID: "c", PKCE: &off},
			"https://appleid.apple.com/auth/authorize?client_id=c&response_mode=form_post&response_type=code&scope=name+email&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "linear", ClientID: "c"},
			"https://linear.app/oauth/authorize?client_id=c&response_type=code&scope=read&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "linear", ClientID: "c", PKCE: &on},
			"https://linear.app/oauth/authorize?client_id=c&code_challenge=CHALLENGE&code_challenge_method=S256&response_type=code&scope=read&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "microsoft", ClientID: "c", PKCE: &off, Extra: map[string]any{"idTokenEmailClaim": "email"}},
			"https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=c&response_type=code&scope=User.Read+openid&state=STATE&redirect_uri="},
		{schema.OAuth2Provider{Name: "microsoft", ClientID: "c", PKCE: &off, Extra: map[string]any{"idTokenEmailClaim": ""}},
			"https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=c&response_type=code&scope=User.Read&state=STATE&redirect_uri="},
	}
	state, challenge := regexp.MustCompile(`state=[A-Za-z0-9]{30}&`), regexp.MustCompile(`code_challenge=[A-Za-z0-9_-]{43}&`)
	for _, tt := range tests {
		begun := provider(t, tt.set).Begin()
		got := state.ReplaceAllString(begun.AuthURL, "state=STATE&")
		if got = challenge.ReplaceAllString(got, "code_challenge=CHALLENGE&"); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.set.Name, got, tt.want)
		}
	}
}

func TestAttemptsAreFresh(t *testing.T) {
	p := provider(t, schema.OAuth2Provider{Name: "google"})
	a, b := p.Begin(), p.Begin()
	if a.State == b.State || a.CodeVerifier == b.CodeVerifier {
		t.Error("two attempts share their secrets")
	}
	sum := sha256.Sum256([]byte(a.CodeVerifier))
	if len(a.CodeVerifier) != 43 || a.CodeChallenge != base64.RawURLEncoding.EncodeToString(sum[:]) || a.CodeChallengeMethod != "S256" {
		t.Errorf("%+v", a)
	}
	off := false
	if a := provider(t, schema.OAuth2Provider{Name: "google", PKCE: &off}).Begin(); a.CodeVerifier+a.CodeChallenge+a.CodeChallengeMethod != "" {
		t.Errorf("without PKCE: %+v", a)
	}
}
