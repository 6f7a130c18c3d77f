package api

import (
	"errors"
	"net/http"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/validation"
)

func (a *API) viewSettings(c *httpx.Context) error {
	return c.Send(http.StatusOK, a.app.Settings().AppendAPI(c.Buffer()))
}

func (a *API) updateSettings(c *httpx.Context) error {
	body, err := jsonBody(c, settingsShape)
	if err != nil {
		return httpx.Loading(err)
	}
	next, err := a.app.SaveSettings(acting(c), func(s *settings.Settings) error {
		if err := s.Merge(body); err != nil {
			return httpx.Loading(errors.Join(httpx.ErrMalformed, err))
		}
		return s.Validate()
	})
	var fields validation.Errors
	if errors.As(err, &fields) {
		return httpx.Invalid("An error occurred while saving the new settings.", fields)
	}
	if err != nil {
		return err
	}
	return c.Send(http.StatusOK, next.AppendAPI(c.Buffer()))
}

// policy takes out of the settings what the front-end decides by itself.
func policy(s *settings.Settings) httpx.PolicyOptions {
	p := httpx.PolicyOptions{
		SuperuserIPs: s.SuperuserIPs,
		ProxyHeaders: s.TrustedProxy.Headers,
		LeftmostIP:   s.TrustedProxy.UseLeftmostIP,
		RateLimits:   s.RateLimits.Enabled,
		RateFree:     s.RateLimits.ExcludedIPs,
	}
	for _, r := range s.RateLimits.Rules {
		p.RateRules = append(p.RateRules, httpx.RateRule{
			Label: r.Label, Audience: r.Audience, MaxRequests: r.MaxRequests, Duration: int(r.Duration),
		})
	}
	return p
}
