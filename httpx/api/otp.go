package api

import (
	"net/http"

	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/schema"
)

func (h *authHandlers) requestOTP(c *httpx.Context, col *schema.Collection) error {
	if !col.Auth.OTP.Enabled {
		return signin.ErrOTPOff // before the body is read
	}
	form, err := emailForm(c)
	if err != nil {
		return err
	}
	id, err := h.signIns.RequestOTP(c.Context(), col, form.Email)
	if err != nil {
		return requestingOTP.failed(err)
	}
	return c.SendJSON(http.StatusOK, map[string]string{"otpId": id})
}

func (h *authHandlers) withOTP(c *httpx.Context, col *schema.Collection) error {
	otp := h.signIns.OTP()
	return h.signIn(c, col, otp, validateFailed, func() (map[string]any, error) {
		return bindSignIn(c, col, otp, validateFailed)
	})
}
