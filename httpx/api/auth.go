package api

import (
	"context"
	"encoding/json"
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
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

const (
	loadFailed     = "An error occurred while loading the submitted data."
	validateFailed = "An error occurred while validating the submitted data."
	authFailed     = "Failed to authenticate."
)

// authHandlers answer who wants to sign in, or to prove or change something for that.
type authHandlers struct {
	app      *app.App
	store    *records.Store
	verifier *auth.Verifier
	desk     *auth.Desk
	oauth2   *oauth2.Client
	realtime *realtime.Hub
	// signUp is the route that the rate limit of new records is counted for when OAuth2 makes them.
	signUp *httpx.Route
	log    *slog.Logger
}

// newAuthHandlers makes what tokens and sign-ins need.
func newAuthHandlers(a *app.App, providers *oauth2.Client, log *slog.Logger) (*authHandlers, error) {
	verifier, err := auth.NewVerifier(auth.VerifierOptions{DB: a.DB(), Catalogue: a.Catalogue, Front: front})
	if err != nil {
		return nil, err
	}
	desk := &auth.Desk{
		DB: a.DB(), Catalogue: a.Catalogue, Store: a.Store(), Passwords: a.Passwords(),
		Tokens: verifier, Mail: a.Mailer(), Settings: a.Settings, Log: log,
	}
	desk.Alert = desk.SendAlert
	desk.Write = func(ctx context.Context, c *schema.Collection, cmd records.Command) error {
		return a.Write(ctx, c, cmd, "sign-in")
	}
	return &authHandlers{
		app: a, store: a.Store(), verifier: verifier, desk: desk, oauth2: providers, realtime: a.Realtime(), log: log,
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
	if !col.Auth.PasswordAuth.Enabled {
		return httpx.NewError(http.StatusForbidden, "The collection is not configured to allow password authentication.")
	}
	body, err := signInBody(c)
	if err != nil {
		return err
	}
	form, err := passwordForm(body, !isJSON(c))
	if err != nil {
		return httpx.NewError(http.StatusBadRequest, loadFailed).Because(err)
	}
	if err := form.Validate(col.Auth); err != nil {
		var fields validation.Errors
		errors.As(err, &fields)
		return httpx.Invalid(validateFailed, fields)
	}
	r, err := h.desk.WithPassword(c.Context(), col.ID, form)
	if err != nil {
		return signInError(err)
	}
	return h.signIn(c, r, "password", body)
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

// passwordForm reads the form out of a body. Keys match in any case; null is as good as nothing. In a body that has
// only texts, loose, what looks like a number or boolean was one.
func passwordForm(body map[string]any, loose bool) (*auth.PasswordForm, error) {
	form := new(auth.PasswordForm)
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
				return nil, fmt.Errorf("%s: %w", key, errFormType)
			}
			*into = text
		}
	}
	return form, nil
}

// signInError is the answer to a sign-in that failed before the rules were asked.
func signInError(err error) error {
	switch {
	case errors.Is(err, auth.ErrCredentials):
		return httpx.NewError(http.StatusBadRequest, "Failed to authenticate.").Because(err)
	case errors.Is(err, auth.ErrPasswordAuthOff):
		return httpx.NewError(http.StatusForbidden, "The collection is not configured to allow password authentication.").Because(err)
	case errors.Is(err, records.ErrNoCollection):
		return httpx.NewError(http.StatusNotFound, noAuthContext).Because(err)
	}
	return err
}

// signIn answers with a fresh token, after the checks that come when the credentials were found right.
func (h *authHandlers) signIn(c *httpx.Context, r *records.Record, method string, body map[string]any) error {
	return h.signInWith(c, r, method, body, nil)
}

// signInWith is signIn that tells something about the sign-in, nil for nothing.
func (h *authHandlers) signInWith(c *httpx.Context, r *records.Record, method string, body map[string]any, meta any) error {
	if err := h.admit(c, r, method, body); err != nil {
		return err
	}
	if answered, err := h.secondMethod(c, r, method, body); answered || err != nil {
		return err
	}
	from := auth.Origin{IP: c.RealIP(), UserAgent: c.Header("User-Agent")}
	if err := h.desk.Track(c.Context(), r, from, time.Now()); err != nil {
		h.log.Warn("sign-in not tracked", "collection", r.Collection.Name, "record", r.ID(), "error", err)
	}
	token, err := auth.Issue(r, auth.Grant{Kind: auth.AuthToken, Refreshable: true}, time.Now())
	if err != nil {
		return err
	}
	return h.authAnswerWith(c, r, token, meta)
}

// admit asks the address list of superusers and the auth rule.
func (h *authHandlers) admit(c *httpx.Context, r *records.Record, method string, body map[string]any) error {
	if r.Collection.IsSuperusers() && !c.SuperuserAllowed() {
		return httpx.NewError(http.StatusForbidden, "")
	}
	who := caller(c, method)
	who.Request.Body = body
	err := h.desk.Judge(c.Context(), r, who.Request)
	if errors.Is(err, auth.ErrAuthRule) {
		return httpx.NewError(http.StatusForbidden, "The request doesn't satisfy the collection requirements to authenticate.").Because(err)
	}
	return err
}

// authAnswer sends token and record. The record is shown as it sees itself.
func (h *authHandlers) authAnswer(c *httpx.Context, r *records.Record, token string) error {
	return h.authAnswerWith(c, r, token, nil)
}

// authAnswerWith is authAnswer with what is told about the sign-in, nil for nothing.
func (h *authHandlers) authAnswerWith(c *httpx.Context, r *records.Record, token string, meta any) error {
	out := append(c.Buffer(), '{')
	if meta != nil {
		told, err := json.Marshal(meta)
		if err != nil {
			return err
		}
		out = append(append(append(out, `"meta":`...), told...), ',')
	}
	out = append(out, `"record":`...)
	self := caller(c, "default")
	self.Request.Auth, self.Superuser, self.Credential = r.Identity(), r.Collection.IsSuperusers(), nil
	out, err := h.store.Answer(showingBody(c.Context(), h.app, c, self, nil), out, r, &records.AnswerInput{Caller: self, Expand: c.Query("expand"), OwnEmail: true})
	if err != nil {
		return err
	}
	out = append(out, `,"token":`...)
	out = schema.AppendJSONString(out, token)
	return c.Send(http.StatusOK, append(out, '}'))
}

func (h *authHandlers) refresh(c *httpx.Context, col *schema.Collection) error {
	body, _, err := c.Map()
	if err != nil {
		return err
	}
	session, ok := c.Auth.Record.(*auth.Session)
	if !ok {
		return httpx.NewError(http.StatusUnauthorized, "")
	}
	r, err := h.store.Load(c.Context(), col.ID, session.Identity.ID)
	if err != nil {
		return err
	}
	if !sameToken(session, r) {
		return httpx.NewError(http.StatusUnauthorized, "")
	}
	if err := h.admit(c, r, "default", body); err != nil {
		return err
	}
	token := bareToken(c.Header("Authorization"))
	if session.Claims.Refreshable {
		if token, err = auth.Issue(r, auth.Grant{Kind: auth.AuthToken, Refreshable: true}, time.Now()); err != nil {
			return err
		}
	}
	return h.authAnswer(c, r, token)
}

// bareToken takes the scheme off an Authorization header.
func bareToken(header string) string {
	const scheme = len("Bearer ")
	if len(header) > scheme && strings.EqualFold(header[:scheme], "Bearer ") {
		return header[scheme:]
	}
	return header
}

// sameToken tells whether the token of a session is one of the record as it was read since. What is signed for the record
// counts whatever became of the token that asked for it.
func sameToken(s *auth.Session, r *records.Record) bool {
	return s.Credential.TokenKey == r.Text("tokenKey")
}

func (h *authHandlers) impersonate(c *httpx.Context, col *schema.Collection) error {
	var form struct {
		Duration int64 `json:"duration"`
	}
	if err := c.Bind(&form); err != nil {
		if httpx.Answered(err) {
			return err
		}
		return httpx.NewError(http.StatusBadRequest, loadFailed).Because(err)
	}
	if form.Duration < 0 {
		leaf := validation.New("validation_min_greater_equal_than_required", "Must be no less than 0.").With(map[string]any{"threshold": 0})
		return httpx.Invalid(validateFailed, validation.Errors{"duration": leaf})
	}
	r, err := h.store.Load(c.Context(), col.ID, c.Param("id"))
	if err != nil {
		return err
	}
	// The read may have waited, and the token that is made now outlives whoever asked for it.
	if c.Identify(); httpx.RequireSuperuser(c) != nil {
		return httpx.RequireSuperuser(c)
	}
	token, err := auth.Issue(r, auth.Grant{Kind: auth.AuthToken, Duration: time.Duration(form.Duration) * time.Second}, time.Now())
	if err != nil {
		return err
	}
	return h.authAnswer(c, r, token)
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
