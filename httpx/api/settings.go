package api

import (
	"errors"
	"net/http"

	"github.com/troupebase/troupe/actors/settings"
	"github.com/troupebase/troupe/httpx"
	stored "github.com/troupebase/troupe/storage/settings"
)

// settingsHandlers answer what superusers ask of the settings.
type settingsHandlers struct{ settings *settings.Service }

func (h *settingsHandlers) view(c *httpx.Context) error {
	return c.Send(http.StatusOK, h.settings.Current().AppendAPI(c.Buffer()))
}

func (h *settingsHandlers) update(c *httpx.Context) error {
	body, err := jsonBody(c, settingsShape)
	if err != nil {
		return httpx.Loading(err)
	}
	next, err := h.settings.Save(acting(c), func(s *stored.Settings) error {
		if err := s.Merge(body); err != nil {
			return httpx.Loading(errors.Join(httpx.ErrMalformed, err))
		}
		return s.Validate()
	})
	if err != nil {
		return savingSettings.failed(err)
	}
	return c.Send(http.StatusOK, next.AppendAPI(c.Buffer()))
}

// policy takes out of the settings what the front-end decides by itself.
func policy(s *stored.Settings) httpx.PolicyOptions {
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
