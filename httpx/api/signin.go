package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// signIn answers an attempt to sign in with a credential, see [authHandlers.attempt].
func (h *authHandlers) signIn(c *httpx.Context, col *schema.Collection, credential signin.Credential, invalid string, read func() (map[string]any, error)) error {
	out, err := h.attempt(c, col, credential, invalid, read)
	var second *signin.SecondFactorError
	if errors.As(err, &second) {
		return askSecondFactor(c, second)
	}
	if err != nil {
		return err
	}
	return h.authAnswer(c, out)
}

// attempt signs in with a credential, which read fills from the body of the request; it returns the body as rules see it.
// invalid is what is said of a form that does not hold up. It fails with a *signin.SecondFactorError or with an answer.
func (h *authHandlers) attempt(c *httpx.Context, col *schema.Collection, credential signin.Credential, invalid string, read func() (map[string]any, error)) (out signin.Outcome, err error) {
	// Before the body is read: nobody sends a secret for nothing.
	if err := credential.Enabled(col.Auth); err != nil {
		return out, signInError(err, invalid)
	}
	body, err := read()
	if err != nil {
		return out, err
	}
	who := caller(c, credential.Kind().Context())
	who.Request.Body = body
	session := any(c.Query("mfaId"))
	if session == "" {
		session = body["mfaId"]
	}
	out, err = h.signIns.SignIn(c.Context(), signin.Attempt{
		Collection: col, Credential: credential, Request: requestInfo(c, who, jsonOf(body)), MFASession: session,
		Origin: auth.Origin{IP: c.RealIP(), UserAgent: c.Header("User-Agent")}, Client: c.Client(), SuperuserAddress: c.SuperuserAllowed(),
	})
	if err != nil {
		return out, signInError(err, invalid)
	}
	return out, nil
}

// bindSignIn reads the form of a credential, and returns the body as rules see it. What is wrong with the form is said before
// what is wrong with the body.
func bindSignIn(c *httpx.Context, col *schema.Collection, credential signin.Credential, invalid string) (map[string]any, error) {
	if err := c.Bind(credential); err != nil {
		return nil, httpx.Loading(err)
	}
	if err := credential.Validate(col.Auth); err != nil {
		return nil, formError(err, invalid)
	}
	return signInBody(c)
}

// askSecondFactor tells a client to come again with another method.
func askSecondFactor(c *httpx.Context, second *signin.SecondFactorError) error {
	out, err := json.Marshal(map[string]string{"mfaId": second.Session})
	if err != nil {
		return err
	}
	c.SendRaw(http.StatusUnauthorized, "application/json", append(out, '\n'))
	return nil
}

// authAnswer sends token and record, and what is told about the sign-in. The record is shown as it sees itself.
func (h *authHandlers) authAnswer(c *httpx.Context, signedIn signin.Outcome) error {
	r := signedIn.Record
	out := append(c.Buffer(), '{')
	if meta, ok := signedIn.Meta.(*signin.OAuth2Meta); ok {
		told, err := json.Marshal(newOAuth2Meta(meta))
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
	out = schema.AppendJSONString(out, signedIn.Token)
	return c.Send(http.StatusOK, append(out, '}'))
}

// signInErrors are the answers to whoever is not signed in.
var signInErrors = []struct {
	err     error
	status  int
	message string
}{
	{signin.ErrPasswordOff, http.StatusForbidden, "The collection is not configured to allow password authentication."},
	{signin.ErrOTPOff, http.StatusForbidden, "The collection is not configured to allow OTP authentication."},
	{signin.ErrOAuth2Off, http.StatusForbidden, "The collection is not configured to allow OAuth2 authentication."},
	{signin.ErrCredentials, http.StatusBadRequest, authFailed},
	{signin.ErrOTP, http.StatusBadRequest, "Invalid or expired OTP."},
	{signin.ErrAttempts, http.StatusTooManyRequests, "Too many attempts, please try again later with a new OTP."},
	{oauth2.ErrToken, http.StatusBadRequest, "Failed to fetch OAuth2 token."},
	{oauth2.ErrUser, http.StatusBadRequest, "Failed to fetch OAuth2 user."},
	{auth.ErrToken, http.StatusUnauthorized, ""},
	{signin.ErrAddress, http.StatusForbidden, ""},
	{signin.ErrAuthRule, http.StatusForbidden, "The request doesn't satisfy the collection requirements to authenticate."},
	{records.ErrNoCollection, http.StatusNotFound, noAuthContext},
	{signin.ErrMFARule, http.StatusBadRequest, authFailed},
	{signin.ErrMFAID, http.StatusBadRequest, "Failed to read MFA Id."},
	{signin.ErrMFASession, http.StatusBadRequest, "Invalid or expired MFA session."},
	{signin.ErrMFARecord, http.StatusBadRequest, "Invalid MFA session."},
	{signin.ErrMFAMethod, http.StatusBadRequest, "A different authentication method is required."},
}

// signInError is the answer to whoever is not signed in. invalid is what is said of a form that does not hold up.
func signInError(err error, invalid string) error {
	var signUp *signin.SignUpError
	var link *signin.LinkError
	switch {
	case errors.As(err, &signUp):
		return saveError(signUp.Cause, createFailed)
	case errors.As(err, &link):
		return saveError(link.Cause, authFailed)
	}
	for _, known := range signInErrors {
		if errors.Is(err, known.err) {
			return httpx.NewError(known.status, known.message).Because(err)
		}
	}
	return formError(err, invalid)
}
