package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/troupebase/troupe/httpx"
)

// The topic of streams that wait for a person to come back from a provider, and the pages that the person sees then. They are
// relative, for servers below a path of their own.
const (
	oauth2Topic   = "@oauth2"
	oauth2Success = "../_/#/auth/oauth2-redirect-success"
	oauth2Failure = "../_/#/auth/oauth2-redirect-failure"
)

// oauth2Return is what a provider sends a person back with.
type oauth2Return struct {
	State string `json:"state"`
	Code  string `json:"code"`
	Error string `json:"error,omitempty"`
	// User is what Apple tells of the person, once.
	User string `json:"user,omitempty"`
}

// oauth2Redirect hands what a provider said to the stream that waits for it. Whatever is wrong, the person is sent to a page.
func (h *authHandlers) oauth2Redirect(c *httpx.Context) error {
	// The address is a secret as long as the code in it was not used.
	c.SetHeader("Cache-Control", "no-store")
	c.SetHeader("Referrer-Policy", "no-referrer")
	status := http.StatusTemporaryRedirect
	said := oauth2Return{State: c.Query("state"), Code: c.Query("code"), Error: c.Query("error")}
	if c.Method() == http.MethodPost {
		status = http.StatusSeeOther
		said = oauth2Return{}
		if err := c.Bind(&said); err != nil {
			h.log.Debug("OAuth2 redirect not read", "error", err)
			return c.Redirect(status, oauth2Failure)
		}
	}
	good := said.Code != "" && said.Error == ""
	named := good && said.User != ""
	if named {
		// Before the stream is told: its sign-in may come at once.
		h.oauth2.Remember(said.Code, said.User)
	}
	said.User = ""
	if err := h.redeem(c, said); err != nil {
		if named {
			h.oauth2.Forget(said.Code)
		}
		h.log.Debug("OAuth2 redirect not delivered", "error", err)
		return c.Redirect(status, oauth2Failure)
	}
	if !good {
		return c.Redirect(status, oauth2Failure)
	}
	return c.Redirect(status, oauth2Success)
}

// maxReturn is how many bytes of what a provider sends back go to a stream: as many as an address can hold.
const maxReturn = 64 << 10

var (
	errNoState   = errors.New("the provider sent no state back")
	errReturning = errors.New("the provider sent too much back")
)

// redeem tells the stream, once.
func (h *authHandlers) redeem(c *httpx.Context, said oauth2Return) error {
	if said.State == "" {
		return errNoState
	}
	if len(said.Code)+len(said.Error) > maxReturn {
		return errReturning
	}
	data, err := json.Marshal(said)
	if err != nil {
		return err
	}
	return h.realtime.Redeem(said.State, oauth2Topic, c.RealIP(), data)
}
