package api

import (
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/httpx"
)

// appleSecret makes a client secret for Apple.
func (h *settingsHandlers) appleSecret(c *httpx.Context) error {
	var form oauth2.AppleSecret
	if err := c.Bind(&form); err != nil {
		return httpx.Loading(err)
	}
	if err := form.Validate(); err != nil {
		return checkingApple.failed(err)
	}
	secret, err := form.Sign(time.Now())
	if err != nil {
		return signingApple.failed(err)
	}
	return c.SendJSON(http.StatusOK, map[string]string{"secret": secret})
}
