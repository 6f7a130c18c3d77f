package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/troupebase/troupe/actors/auth"
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
	signing := signingIn(invalid)
	// Before the body is read: nobody sends a secret for nothing.
	if err := credential.Enabled(col.Auth); err != nil {
		return out, signing.failed(err)
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
		return out, signing.failed(err)
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
		signing := signingIn(invalid)
		return nil, signing.failed(err)
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
	out, err := h.store.Answer(showingBody(c.Context(), h.hooks, c, self, nil), out, r, &records.AnswerInput{Caller: self, Expand: c.Query("expand"), OwnEmail: true})
	if err != nil {
		return err
	}
	out = append(out, `,"token":`...)
	out = schema.AppendJSONString(out, signedIn.Token)
	return c.Send(http.StatusOK, append(out, '}'))
}
