package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
)

// secondMethod holds a sign-in up that needs another method beside the one that it came with. answered tells that the
// client was told so; otherwise the sign-in goes on.
func (h *authHandlers) secondMethod(c *httpx.Context, r *records.Record, method string, body map[string]any) (answered bool, err error) {
	who := caller(c, method)
	who.Request.Body = body
	needed, err := h.desk.NeedsSecond(c.Context(), r, who.Request)
	if errors.Is(err, auth.ErrMFARule) {
		return false, httpx.NewError(http.StatusBadRequest, "Failed to authenticate.").Because(err)
	}
	if err != nil || !needed {
		return false, err
	}
	session := c.Query("mfaId")
	if session == "" {
		text, ok := body["mfaId"].(string)
		if !ok && body["mfaId"] != nil {
			return false, httpx.NewError(http.StatusBadRequest, "Failed to read MFA Id.")
		}
		session = text
	}
	err = h.desk.Second(c.Context(), r, method, session, time.Now())
	var second *auth.SecondMethodError
	if errors.As(err, &second) {
		out, err := json.Marshal(map[string]string{"mfaId": second.Session})
		if err != nil {
			return false, err
		}
		c.SendRaw(http.StatusUnauthorized, "application/json", append(out, '\n'))
		return true, nil
	}
	return false, secondMethodError(err)
}

func secondMethodError(err error) error {
	for known, message := range map[error]string{
		auth.ErrMFASession: "Invalid or expired MFA session.",
		auth.ErrMFARecord:  "Invalid MFA session.",
		auth.ErrMFAMethod:  "A different authentication method is required.",
	} {
		if errors.Is(err, known) {
			return httpx.NewError(http.StatusBadRequest, message).Because(err)
		}
	}
	return err
}
