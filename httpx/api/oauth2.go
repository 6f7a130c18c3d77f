package api

import (
	"os"
	"strconv"
	"time"

	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/schema"
)

// leewayVariable is the environment variable with the seconds that the clocks of providers may be off.
const leewayVariable = "PB_ID_TOKEN_LEEWAY"

// newOAuth2 returns the client of providers that servers use.
func newOAuth2() *oauth2.Client {
	var o oauth2.Options
	if seconds, err := strconv.Atoi(os.Getenv(leewayVariable)); err == nil {
		o.Leeway = time.Duration(seconds) * time.Second
	}
	return oauth2.NewClient(o)
}

// oauth2Provider is a provider as the list of methods shows it.
type oauth2Provider struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Logo        string `json:"logo"`
	State       string `json:"state"`
	AuthURL     string `json:"authURL"`
	// OldAuthURL is what older clients read.
	OldAuthURL          string `json:"authUrl"`
	CodeVerifier        string `json:"codeVerifier"`
	CodeChallenge       string `json:"codeChallenge"`
	CodeChallengeMethod string `json:"codeChallengeMethod"`
}

// oauth2Methods lists the providers of a collection, each with a fresh attempt. old is the list for older clients, which
// has no logos.
func oauth2Methods(o *schema.OAuth2) (list, old []oauth2Provider) {
	list, old = []oauth2Provider{}, []oauth2Provider{}
	for _, p := range oauth2.List(o) {
		begun := p.Begin()
		shown := oauth2Provider{
			Name: p.Name(), DisplayName: p.DisplayName(), State: begun.State, AuthURL: begun.AuthURL, OldAuthURL: begun.AuthURL,
			CodeVerifier: begun.CodeVerifier, CodeChallenge: begun.CodeChallenge, CodeChallengeMethod: begun.CodeChallengeMethod,
		}
		old = append(old, shown)
		shown.Logo = p.Logo()
		list = append(list, shown)
	}
	if !o.Enabled {
		old = nil
	}
	return list, old
}

func (h *authHandlers) withOAuth2(c *httpx.Context, col *schema.Collection) error {
	code := h.signIns.OAuth2(func(col *schema.Collection) error { return c.Limit(c.Method(), c.Path(), h.signUp, col.ID, col.Name) })
	return h.signIn(c, col, code, loadFailed, func() (map[string]any, error) {
		return bindSignIn(c, col, code, loadFailed)
	})
}

// oauth2Meta is what the answer to a sign-in tells of the provider's user.
type oauth2Meta struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	AvatarURL string `json:"avatarURL"`
	// OldAvatarURL is what older clients read.
	OldAvatarURL string         `json:"avatarUrl"`
	AccessToken  string         `json:"accessToken"`
	RefreshToken string         `json:"refreshToken"`
	Expiry       string         `json:"expiry"`
	RawUser      map[string]any `json:"rawUser"`
	IsNew        bool           `json:"isNew"`
}

func newOAuth2Meta(told *signin.OAuth2Meta) *oauth2Meta {
	u := told.User
	m := &oauth2Meta{
		ID: u.ID, Name: u.Name, Username: u.Username, Email: u.Email, AvatarURL: u.AvatarURL, OldAvatarURL: u.AvatarURL,
		AccessToken: u.AccessToken, RefreshToken: u.RefreshToken, RawUser: u.Raw, IsNew: told.IsNew,
	}
	if !u.Expiry.IsZero() {
		m.Expiry = schema.FormatDate(u.Expiry)
	}
	return m
}
