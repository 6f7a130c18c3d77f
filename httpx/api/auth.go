package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// authHandlers answer who wants to sign in, or to prove or change something for that.
type authHandlers struct {
	hooks         *writes.Hooks
	store         *records.Store
	verifier      *auth.Verifier
	signIns       *signin.Service
	confirmations *auth.Confirmations
	mails         *auth.Mails
	oauth2        *oauth2.Client
	realtime      *realtime.Hub
	// signUp is the route that the rate limit of new records is counted for when OAuth2 makes them.
	signUp *httpx.Route
	log    *slog.Logger
}

// newAuthHandlers makes what tokens and sign-ins need.
func newAuthHandlers(a *app.App, providers *oauth2.Client, log *slog.Logger) (*authHandlers, error) {
	verifier, err := auth.NewVerifier(auth.VerifierOptions{DB: a.DB, Catalogue: a.Catalogue.Current, Front: front})
	if err != nil {
		return nil, err
	}
	data := auth.NewData(a.Accounts(), "sign-in")
	mails := auth.NewMails(data, a.Mailer, a.Settings.Current)
	return &authHandlers{
		hooks: &a.Hooks, store: a.Store, verifier: verifier, mails: mails, oauth2: providers, realtime: a.Realtime, log: log,
		signIns:       signin.New(a.Writes, data, mails, providers, signin.Options{Logger: log}),
		confirmations: auth.NewConfirmations(data, mails, verifier),
	}, nil
}

// front is a session as httpx sees it, made once for all requests with the same token.
func front(s *auth.Session) any {
	c := s.Record.Collection
	return &httpx.Auth{CollectionID: c.ID, CollectionName: c.Name, ID: s.Identity.ID, Superuser: s.Identity.Superuser, Record: s}
}

// authenticate returns who a token belongs to, nil for a guest. A token that cannot be judged now is a guest's: the guards
// decide what a guest may do.
func (h *authHandlers) authenticate(c *httpx.Context, token string) *httpx.Auth {
	s, err := h.verifier.Verify(c.Context(), token, auth.AuthToken)
	if err != nil {
		if !errors.Is(err, auth.ErrToken) {
			h.log.Warn("token not judged", "error", err)
		}
		return nil
	}
	who, _ := s.Front.(*httpx.Auth)
	return who
}

// current tells whether who signed in certainly still counts.
func (h *authHandlers) current(who *httpx.Auth) bool {
	session, ok := who.Record.(*auth.Session)
	return ok && h.verifier.Current(session)
}

func (h *authHandlers) withPassword(c *httpx.Context, col *schema.Collection) error {
	password := h.signIns.Password()
	return h.signIn(c, col, password, validateFailed, func() (map[string]any, error) {
		body, err := signInBody(c)
		if err != nil {
			return nil, err
		}
		if err := fillPassword(password, body, !isJSON(c)); err != nil {
			return nil, unread(err, loadFailed)
		}
		return body, nil
	})
}

// signInBody reads the body of a sign-in as rules see it.
func signInBody(c *httpx.Context) (map[string]any, error) {
	body, _, err := c.Map()
	if err != nil {
		return nil, httpx.Loading(err)
	}
	return body, nil
}

// errFormType says that a key of a form holds something else than a text.
var errFormType = errors.New("a text is expected")

func isJSON(c *httpx.Context) bool {
	return strings.HasPrefix(c.Header("Content-Type"), "application/json")
}

// fillPassword reads the form out of a body. Keys match in any case; null is as good as nothing. In a body that has only
// texts, loose, what looks like a number or boolean was one.
func fillPassword(form *signin.Password, body map[string]any, loose bool) error {
	for key, into := range map[string]*string{"identity": &form.Identity, "identityField": &form.IdentityField, "password": &form.Password} {
		for name, v := range body {
			if v == nil || !strings.EqualFold(name, key) {
				continue
			}
			text, ok := v.(string)
			if !ok && loose {
				text, ok = (&schema.TextField{}).Cast(v).(string)
			}
			if !ok {
				return fmt.Errorf("%s: %w", key, errFormType)
			}
			*into = text
		}
	}
	return nil
}

func (h *authHandlers) refresh(c *httpx.Context, col *schema.Collection) error {
	refresh := h.signIns.Refresh()
	return h.signIn(c, col, refresh, validateFailed, func() (map[string]any, error) {
		body, _, err := c.Map()
		if err != nil {
			return nil, err
		}
		refresh.Session, refresh.Token = sessionOf(c), bareToken(c.Header("Authorization"))
		if refresh.Session == nil {
			return nil, httpx.NewError(http.StatusUnauthorized, "")
		}
		return body, nil
	})
}

// bareToken takes the scheme off an Authorization header.
func bareToken(header string) string {
	const scheme = len("Bearer ")
	if len(header) > scheme && strings.EqualFold(header[:scheme], "Bearer ") {
		return header[scheme:]
	}
	return header
}

func (h *authHandlers) impersonate(c *httpx.Context, col *schema.Collection) error {
	impersonation := h.signIns.Impersonation(c.Param("id"))
	out, err := h.attempt(c, col, impersonation, validateFailed, func() (map[string]any, error) {
		if err := c.Bind(impersonation); err != nil {
			return nil, unread(err, loadFailed)
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	// The record was waited for, and the token outlives whoever asked for it.
	if c.Identify(); httpx.RequireSuperuser(c) != nil {
		return httpx.RequireSuperuser(c)
	}
	return h.authAnswer(c, out)
}

func (h *authHandlers) fileToken(c *httpx.Context) error {
	session, ok := c.Auth.Record.(*auth.Session)
	if !ok {
		return httpx.NewError(http.StatusUnauthorized, "")
	}
	token, err := auth.Issue(session.Record, auth.Grant{Kind: auth.FileToken}, time.Now())
	if err != nil {
		return err
	}
	return c.SendJSON(http.StatusOK, map[string]string{"token": token})
}

// authMethods tells how one can sign in to a collection. What this server cannot do yet is shown as switched off.
func (h *authHandlers) methods(c *httpx.Context, col *schema.Collection) error {
	o := col.Auth.PasswordAuth
	identities := []string{}
	if o.Enabled {
		identities = append(identities, o.IdentityFields...)
	}
	var mfa duration
	if col.Auth.MFA.Enabled {
		mfa = duration{true, col.Auth.MFA.Duration}
	}
	var otp duration
	if col.Auth.OTP.Enabled {
		otp = duration{true, col.Auth.OTP.Duration}
	}
	providers, oldProviders := oauth2Methods(&col.Auth.OAuth2)
	out := authMethods{
		MFA: mfa, OTP: otp, AuthProviders: oldProviders,
		UsernamePassword: o.Enabled && slices.Contains(o.IdentityFields, "username"),
		EmailPassword:    o.Enabled && slices.Contains(o.IdentityFields, "email"),
	}
	out.Password.IdentityFields, out.Password.Enabled = identities, o.Enabled
	out.OAuth2.Providers, out.OAuth2.Enabled = providers, col.Auth.OAuth2.Enabled
	return c.SendJSON(http.StatusOK, &out)
}

// duration is a method that lasts for some seconds.
type duration struct {
	Enabled  bool  `json:"enabled"`
	Duration int64 `json:"duration"`
}

// authMethods is the answer that lists the methods, in the order of its keys.
type authMethods struct {
	Password struct {
		IdentityFields []string `json:"identityFields"`
		Enabled        bool     `json:"enabled"`
	} `json:"password"`
	OAuth2 struct {
		Providers []oauth2Provider `json:"providers"`
		Enabled   bool             `json:"enabled"`
	} `json:"oauth2"`
	MFA duration `json:"mfa"`
	OTP duration `json:"otp"`
	// What follows is for older clients.
	AuthProviders    []oauth2Provider `json:"authProviders"`
	UsernamePassword bool             `json:"usernamePassword"`
	EmailPassword    bool             `json:"emailPassword"`
}
