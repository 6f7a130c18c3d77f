package oauth2

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	xoauth2 "golang.org/x/oauth2"

	"github.com/troupebase/troupe/storage/schema"
)

// Provider is a provider as a collection has set it up. It is immutable.
type Provider struct {
	known *known
	shown schema.Provider
	set   schema.OAuth2Provider
}

// Find returns the provider with that name among those that a collection has set up, which must be in use and known.
func Find(o *schema.OAuth2, name string) (*Provider, bool) {
	set, ok := o.Provider(name)
	if !ok || !o.Enabled {
		return nil, false
	}
	return open(set)
}

// List returns the providers that a collection has set up, in their order, none when OAuth2 is off. Unknown ones are left out.
func List(o *schema.OAuth2) []*Provider {
	var list []*Provider
	if !o.Enabled {
		return nil
	}
	for _, set := range o.Providers {
		if p, ok := open(set); ok {
			list = append(list, p)
		}
	}
	return list
}

func open(set schema.OAuth2Provider) (*Provider, bool) {
	shown, ok := schema.ProviderByName(set.Name)
	i := slices.IndexFunc(table, func(k known) bool { return k.name == set.Name })
	if !ok || i < 0 {
		return nil, false
	}
	return &Provider{known: &table[i], shown: shown, set: set}, true
}

// Name is what clients call the provider.
func (p *Provider) Name() string { return p.set.Name }

// DisplayName is what people call it.
func (p *Provider) DisplayName() string {
	return first(p.set.DisplayName, p.shown.DisplayName, p.set.Name)
}

// Logo is an SVG image as text.
func (p *Provider) Logo() string { return p.shown.Logo }

func (p *Provider) authURL() string  { return first(p.set.AuthURL, p.known.authURL) }
func (p *Provider) tokenURL() string { return first(p.set.TokenURL, p.known.tokenURL) }
func (p *Provider) userURL() string  { return first(p.set.UserInfoURL, p.known.userURL) }

// pkce tells whether codes are bound to a secret of the client.
func (p *Provider) pkce() bool {
	if p.set.PKCE != nil {
		return *p.set.PKCE
	}
	return !p.known.noPKCE
}

func (p *Provider) scopes() []string {
	if p.known.openIDClaim != "" && p.extraText(p.known.openIDClaim) != "" {
		return append(slices.Clone(p.known.scopes), "openid")
	}
	return p.known.scopes
}

// extraText is a text among the provider's extra settings, "" when there is none.
func (p *Provider) extraText(key string) string {
	s, _ := p.set.Extra[key].(string)
	return s
}

func (p *Provider) config() *xoauth2.Config {
	return &xoauth2.Config{
		ClientID:     p.set.ClientID,
		ClientSecret: p.set.ClientSecret,
		Scopes:       p.scopes(),
		Endpoint:     xoauth2.Endpoint{AuthURL: p.authURL(), TokenURL: p.tokenURL()},
	}
}

// Attempt is what a client needs to send a person to a provider. Without PKCE the verifier and challenge are empty.
type Attempt struct {
	State                                            string
	AuthURL                                          string
	CodeVerifier, CodeChallenge, CodeChallengeMethod string
}

// The lengths of the random texts of an [Attempt].
const (
	stateLength    = 30
	verifierLength = 43
)

// Begin draws a new attempt. Its address ends where the client appends where the person is to come back to.
func (p *Provider) Begin() Attempt {
	a := Attempt{State: randomText(stateLength)}
	var options []xoauth2.AuthCodeOption
	if p.pkce() {
		a.CodeVerifier = randomText(verifierLength)
		sum := sha256.Sum256([]byte(a.CodeVerifier))
		a.CodeChallenge = base64.RawURLEncoding.EncodeToString(sum[:])
		a.CodeChallengeMethod = "S256"
		options = append(options,
			xoauth2.SetAuthURLParam("code_challenge", a.CodeChallenge),
			xoauth2.SetAuthURLParam("code_challenge_method", a.CodeChallengeMethod))
	}
	for name, value := range p.known.authParams {
		options = append(options, xoauth2.SetAuthURLParam(name, value))
	}
	a.AuthURL = p.config().AuthCodeURL(a.State, options...) + "&redirect_uri="
	return a
}

// User is who a provider says somebody is.
type User struct {
	// ID is the provider's own, the only one of these that never changes. It is empty when the provider names none.
	ID string
	// Email is empty unless the provider has verified it.
	Email                     string
	Name, Username, AvatarURL string
	// Raw is all that the provider said; numbers are json.Number.
	Raw map[string]any

	AccessToken, RefreshToken string
	// Expiry is when the access token ends, the zero time when that was not said.
	Expiry time.Time
}

// randomText draws n letters and digits.
func randomText(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const fair = 256 - 256%len(letters)
	out := make([]byte, 0, n)
	random := make([]byte, n)
	for {
		_, _ = rand.Read(random) // never fails, see crypto/rand
		for _, b := range random {
			if int(b) >= fair {
				continue
			}
			if out = append(out, letters[int(b)%len(letters)]); len(out) == n {
				return string(out)
			}
		}
	}
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
