package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// mailRoutes are the routes of what goes by mail.
func (a *API) mailRoutes(base string) []*httpx.Route {
	public := func(name, tag string, handler httpx.Handler) *httpx.Route {
		return &httpx.Route{Method: "POST", Path: base + name, Handler: handler, Tags: []string{tag}, Collection: "collection"}
	}
	withOTP := public("auth-with-otp", "authWithOTP", a.authWithOTP)
	withOTP.Tags = append(withOTP.Tags, "auth")
	change := public("request-email-change", "requestEmailChange", a.requestEmailChange)
	change.Guard = a.ownCollection
	return []*httpx.Route{
		withOTP, change,
		public("request-otp", "requestOTP", a.requestOTP),
		public("request-verification", "requestVerification", a.requestVerification),
		public("confirm-verification", "confirmVerification", a.confirmVerification),
		public("request-password-reset", "requestPasswordReset", a.requestPasswordReset),
		public("confirm-password-reset", "confirmPasswordReset", a.confirmPasswordReset),
		public("confirm-email-change", "confirmEmailChange", a.confirmEmailChange),
		{Method: "POST", Path: "/api/settings/test/email", Handler: a.testEmail, Guard: httpx.RequireSuperuser},
	}
}

// formError shows the failures of a form beside its fields; other errors stay.
func formError(err error, message string) error {
	var form *auth.FormError
	if errors.As(err, &form) {
		return httpx.Invalid(message, form.Fields)
	}
	return err
}

// emailForm reads the body of a request for a mail.
func emailForm(c *httpx.Context) (*auth.EmailForm, error) {
	form := new(auth.EmailForm)
	if err := c.Bind(form); err != nil {
		return nil, httpx.Loading(err)
	}
	return form, formError(form.Validate(), validateFailed)
}

// refuseSuperusers answers where superusers have another way.
func refuseSuperusers(col *schema.Collection, message string) error {
	if col.IsSuperusers() {
		return httpx.NewError(http.StatusBadRequest, message)
	}
	return nil
}

const verifiedAnyway = "All superusers are verified by default."

func (a *API) requestVerification(c *httpx.Context) error {
	col, err := a.authCollection(c)
	if err != nil {
		return err
	}
	if err := refuseSuperusers(col, verifiedAnyway); err != nil {
		return err
	}
	form, err := emailForm(c)
	if err != nil {
		return err
	}
	if err := a.desk.RequestVerification(c.Context(), col, form.Email, time.Now()); err != nil {
		return err
	}
	return c.NoContent()
}

func (a *API) confirmVerification(c *httpx.Context) error {
	col, err := a.authCollection(c)
	if err != nil {
		return err
	}
	if err := refuseSuperusers(col, verifiedAnyway); err != nil {
		return err
	}
	form := new(auth.ConfirmForm)
	if err := c.Bind(form); err != nil {
		return httpx.Loading(err)
	}
	if err := a.desk.ConfirmVerification(c.Context(), col, form); err != nil {
		return saveError(formError(err, validateFailed), "")
	}
	return c.NoContent()
}

func (a *API) requestPasswordReset(c *httpx.Context) error {
	col, err := a.authCollection(c)
	if err != nil {
		return err
	}
	if !col.Auth.PasswordAuth.Enabled {
		return httpx.NewError(http.StatusBadRequest, "The collection is not configured to allow password authentication.")
	}
	form, err := emailForm(c)
	if err != nil {
		return err
	}
	if err := a.desk.RequestPasswordReset(c.Context(), col, form.Email, time.Now()); err != nil {
		return err
	}
	return c.NoContent()
}

func (a *API) confirmPasswordReset(c *httpx.Context) error {
	col, err := a.authCollection(c)
	if err != nil {
		return err
	}
	form := new(auth.ConfirmForm)
	if err := c.Bind(form); err != nil {
		return loading(err)
	}
	if err := a.desk.ConfirmPasswordReset(c.Context(), col, form); err != nil {
		return saveError(formError(err, validateFailed), "Failed to set new password.")
	}
	return c.NoContent()
}

const changedDirectly = "All superusers can change their emails directly."

func (a *API) requestEmailChange(c *httpx.Context) error {
	col, err := a.authCollection(c)
	if err != nil {
		return err
	}
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
	err = a.desk.RequestEmailChange(c.Context(), session.Record, form)
	if errors.Is(err, auth.ErrMail) {
		return httpx.NewError(http.StatusBadRequest, "Failed to request email change.").Because(err)
	}
	if err != nil {
		return formError(err, validateFailed)
	}
	return c.NoContent()
}

func (a *API) confirmEmailChange(c *httpx.Context) error {
	col, err := a.authCollection(c)
	if err != nil {
		return err
	}
	if err := refuseSuperusers(col, changedDirectly); err != nil {
		return err
	}
	form := new(auth.ConfirmForm)
	if err := c.Bind(form); err != nil {
		return httpx.Loading(err)
	}
	if err := a.desk.ConfirmEmailChange(c.Context(), col, form); err != nil {
		return saveError(formError(err, validateFailed), "Failed to confirm email change.")
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
func (a *API) testEmail(c *httpx.Context) error {
	form := new(auth.TestMailForm)
	if err := c.Bind(form); err != nil {
		return loading(err)
	}
	err := a.desk.SendTest(c.Context(), form, time.Now())
	if err == nil {
		return c.NoContent()
	}
	const failed = "Failed to send the test email."
	if shown := formError(err, failed); shown != err || errors.Is(err, records.ErrNoCollection) {
		return shown
	}
	return httpx.NewError(http.StatusBadRequest, failed+" Raw error: \n"+err.Error()).Because(err)
}
