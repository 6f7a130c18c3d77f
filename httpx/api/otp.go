package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/schema"
)

// errOTPOff is the answer where one-time passwords are switched off. It comes before the body is read.
var errOTPOff = httpx.NewError(http.StatusForbidden, "The collection is not configured to allow OTP authentication.")

func (h *authHandlers) requestOTP(c *httpx.Context, col *schema.Collection) error {
	if !col.Auth.OTP.Enabled {
		return errOTPOff
	}
	form, err := emailForm(c)
	if err != nil {
		return err
	}
	id, err := h.desk.RequestOTP(c.Context(), col, form.Email, time.Now())
	if err != nil {
		return otpError(err)
	}
	return c.SendJSON(http.StatusOK, map[string]string{"otpId": id})
}

func (h *authHandlers) withOTP(c *httpx.Context, col *schema.Collection) error {
	if !col.Auth.OTP.Enabled {
		return errOTPOff
	}
	form := new(auth.OTPForm)
	if err := c.Bind(form); err != nil {
		return httpx.Loading(err)
	}
	if err := formError(form.Validate(), validateFailed); err != nil {
		return err
	}
	// Before the code is used up: what rules see of the body has to be readable.
	body, err := signInBody(c)
	if err != nil {
		return err
	}
	r, err := h.desk.WithOTP(c.Context(), col, form, c.Client(), time.Now())
	if err != nil {
		return otpError(err)
	}
	return h.signIn(c, r, "otp", body)
}

func otpError(err error) error {
	switch {
	case errors.Is(err, auth.ErrOTPOff):
		return errOTPOff.Because(err)
	case errors.Is(err, auth.ErrOTP):
		return httpx.NewError(http.StatusBadRequest, "Invalid or expired OTP.").Because(err)
	case errors.Is(err, auth.ErrOTPAttempts):
		return httpx.NewError(http.StatusTooManyRequests, "Too many attempts, please try again later with a new OTP.").Because(err)
	}
	return err
}
