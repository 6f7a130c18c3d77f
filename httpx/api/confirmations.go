package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// emailForm reads the body of a request for a mail.
func emailForm(c *httpx.Context) (*auth.EmailForm, error) {
	form := new(auth.EmailForm)
	if err := c.Bind(form); err != nil {
		return nil, httpx.Loading(err)
	}
	if err := form.Validate(); err != nil {
		return nil, requestingMail.failed(err)
	}
	return form, nil
}

// refuseSuperusers answers where superusers have another way.
func refuseSuperusers(col *schema.Collection, message string) error {
	if col.IsSuperusers() {
		return httpx.NewError(http.StatusBadRequest, message)
	}
	return nil
}

const verifiedAnyway = "All superusers are verified by default."

func (h *authHandlers) requestVerification(c *httpx.Context, col *schema.Collection) error {
	if err := refuseSuperusers(col, verifiedAnyway); err != nil {
		return err
	}
	form, err := emailForm(c)
	if err != nil {
		return err
	}
	if err := h.confirmations.RequestVerification(c.Context(), col, form.Email, time.Now()); err != nil {
		return err
	}
	return c.NoContent()
}

func (h *authHandlers) confirmVerification(c *httpx.Context, col *schema.Collection) error {
	if err := refuseSuperusers(col, verifiedAnyway); err != nil {
		return err
	}
	form := new(auth.ConfirmForm)
	if err := c.Bind(form); err != nil {
		return httpx.Loading(err)
	}
	if err := h.confirmations.ConfirmVerification(c.Context(), col, form); err != nil {
		return confirmingAddress.failed(err)
	}
	return c.NoContent()
}

func (h *authHandlers) requestPasswordReset(c *httpx.Context, col *schema.Collection) error {
	if !col.Auth.PasswordAuth.Enabled {
		return httpx.NewError(http.StatusBadRequest, "The collection is not configured to allow password authentication.")
	}
	form, err := emailForm(c)
	if err != nil {
		return err
	}
	if err := h.confirmations.RequestPasswordReset(c.Context(), col, form.Email, time.Now()); err != nil {
		return err
	}
	return c.NoContent()
}

func (h *authHandlers) confirmPasswordReset(c *httpx.Context, col *schema.Collection) error {
	form := new(auth.ConfirmForm)
	if err := c.Bind(form); err != nil {
		return loading(err)
	}
	if err := h.confirmations.ConfirmPasswordReset(c.Context(), col, form); err != nil {
		return confirmingPassword.failed(err)
	}
	return c.NoContent()
}

const changedDirectly = "All superusers can change their emails directly."

func (h *authHandlers) requestEmailChange(c *httpx.Context, col *schema.Collection) error {
	if err := refuseSuperusers(col, changedDirectly); err != nil {
		return err
	}
	form := new(auth.NewEmailForm)
	if err := c.Bind(form); err != nil {
		return httpx.Loading(err)
	}
	session, ok := c.Auth.Record.(*auth.Session)
	if !ok {
		return httpx.NewError(http.StatusUnauthorized, "")
	}
	err := h.confirmations.RequestEmailChange(c.Context(), session.Record, form)
	if err != nil {
		return requestingEmailChange.failed(err)
	}
	return c.NoContent()
}

func (h *authHandlers) confirmEmailChange(c *httpx.Context, col *schema.Collection) error {
	if err := refuseSuperusers(col, changedDirectly); err != nil {
		return err
	}
	form := new(auth.ConfirmForm)
	if err := c.Bind(form); err != nil {
		return httpx.Loading(err)
	}
	if err := h.confirmations.ConfirmEmailChange(c.Context(), col, form); err != nil {
		return confirmingEmailChange.failed(err)
	}
	return c.NoContent()
}

// loading is httpx.Loading for the routes that say the same of a type that nobody reads.
func loading(err error) error {
	if errors.Is(err, httpx.ErrUnsupportedContentType) {
		return httpx.Invalid(loadFailed, validation.Errors{}).Because(err)
	}
	return httpx.Loading(err)
}

// testEmail sends a mail of a template to try the settings.
func (h *authHandlers) testEmail(c *httpx.Context) error {
	form := new(auth.TestMailForm)
	if err := c.Bind(form); err != nil {
		return loading(err)
	}
	if err := h.mails.SendTest(c.Context(), form, time.Now()); err != nil {
		return testingMail.failed(err)
	}
	return c.NoContent()
}
