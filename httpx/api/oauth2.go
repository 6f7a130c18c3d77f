package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// oauth2Method is what the sign-in is called where methods are told apart, and its context in rules.
const oauth2Method = "oauth2"

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

// oauth2Form is the body of a sign-in with OAuth2.
type oauth2Form struct {
	Provider     string         `json:"provider"`
	Code         string         `json:"code"`
	CodeVerifier string         `json:"codeVerifier"`
	RedirectURL  string         `json:"redirectURL"`
	OldRedirect  string         `json:"redirectUrl"`
	CreateData   map[string]any `json:"createData"`
}

// maxProviderName is how many bytes the name of a provider may have.
const maxProviderName = 100

// validate checks the form and returns the provider that it names.
func (f *oauth2Form) validate(o *schema.OAuth2) (*oauth2.Provider, error) {
	errs := validation.Errors{}
	p, known := oauth2.Find(o, f.Provider)
	switch {
	case f.Provider == "":
		errs.Set("provider", validation.Required)
	case len(f.Provider) > maxProviderName:
		errs.Set("provider", tooLong(maxProviderName))
	case !known:
		errs.Set("provider", validation.New("validation_invalid_provider", fmt.Sprintf("Provider with name %s is missing or is not enabled.", f.Provider)).
			With(map[string]any{"name": f.Provider}))
	}
	if f.Code == "" {
		errs.Set("code", validation.Required)
	}
	return p, errs.Or()
}

func (h *authHandlers) withOAuth2(c *httpx.Context, col *schema.Collection) error {
	if !col.Auth.OAuth2.Enabled {
		return httpx.NewError(http.StatusForbidden, "The collection is not configured to allow OAuth2 authentication.")
	}
	var form oauth2Form
	if err := c.Bind(&form); err != nil {
		return httpx.Loading(err)
	}
	provider, err := form.validate(&col.Auth.OAuth2)
	if err != nil {
		var fields validation.Errors
		errors.As(err, &fields)
		return httpx.Invalid(loadFailed, fields)
	}
	body, err := signInBody(c)
	if err != nil {
		return err
	}
	code := oauth2.Code{Code: form.Code, Verifier: form.CodeVerifier, RedirectURL: cmp.Or(form.RedirectURL, form.OldRedirect)}
	user, err := h.oauth2.User(c.Context(), provider, code)
	if err != nil {
		return oauth2Error(err)
	}
	r, isNew, err := h.oauth2Record(c, col, &form, user, body)
	if err != nil {
		return err
	}
	return h.signInWith(c, r, oauth2Method, body, newOAuth2Meta(user, isNew))
}

// oauth2Error is the answer when the provider did not say who it is.
func oauth2Error(err error) error {
	switch {
	case errors.Is(err, oauth2.ErrToken):
		return httpx.NewError(http.StatusBadRequest, "Failed to fetch OAuth2 token.").Because(err)
	case errors.Is(err, oauth2.ErrUser):
		return httpx.NewError(http.StatusBadRequest, "Failed to fetch OAuth2 user.").Because(err)
	}
	return err
}

// oauth2Record returns the record of a provider's user, which is made where there is none.
func (h *authHandlers) oauth2Record(c *httpx.Context, col *schema.Collection, form *oauth2Form, user *oauth2.User, body map[string]any) (r *records.Record, isNew bool, err error) {
	who := caller(c, oauth2Method)
	who.Request.Body = body
	r, isNew, err = h.app.SignInWithOAuth2(c.Context(), &app.OAuth2SignIn{
		Info: requestInfo(c, who, jsonOf(body)), Collection: col, Provider: form.Provider, User: user, CreateData: form.CreateData,
		Client: c.RealIP(), Picture: h.oauth2.Picture,
		SignUp: func() error { return c.Limit(c.Method(), c.Path(), h.signUp, col.ID, col.Name) },
	})
	var failed *app.SignUpError
	if errors.As(err, &failed) {
		return nil, false, saveError(failed.Cause, createFailed)
	}
	if err != nil {
		return nil, false, saveError(err, authFailed)
	}
	return r, isNew, nil
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

func newOAuth2Meta(u *oauth2.User, isNew bool) *oauth2Meta {
	m := &oauth2Meta{
		ID: u.ID, Name: u.Name, Username: u.Username, Email: u.Email, AvatarURL: u.AvatarURL, OldAvatarURL: u.AvatarURL,
		AccessToken: u.AccessToken, RefreshToken: u.RefreshToken, RawUser: u.Raw, IsNew: isNew,
	}
	if !u.Expiry.IsZero() {
		m.Expiry = schema.FormatDate(u.Expiry)
	}
	return m
}
