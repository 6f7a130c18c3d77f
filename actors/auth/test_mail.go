package auth

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// What stands in test mails in the place of the real things.
const (
	testRecordID  = "__pb_test_id__"
	testCode      = "123456"
	testCodeID    = "_PB_TEST_OTP_ID_"
	testIP        = "TEST_IP"
	testUserAgent = "TEST_USER_AGENT"
)

// The templates that can be tried.
const (
	testVerification  = "verification"
	testPasswordReset = "password-reset"
	testEmailChange   = "email-change"
	testOTP           = "otp"
	testAlert         = "login-alert"
)

var (
	invalidTemplate   = validation.New("validation_in_invalid", "Must be a valid value.")
	invalidCollection = validation.New("validation_invalid_auth_collection", "Must be a valid auth collection id or name.")
)

// TestMailForm is the body of the request for a test mail.
type TestMailForm struct {
	Email      string `json:"email"`
	Template   string `json:"template"`
	Collection string `json:"collection"`
}

// SendTest sends a mail of a collection's template for a record that does not exist, and waits until it was sent. It fails
// with a [*FormError] or the reason for which the mail was not sent.
func (m *Mails) SendTest(ctx context.Context, form *TestMailForm, now time.Time) error {
	errs := validation.Errors{}
	errs.Set("email", requiredEmail(form.Email))
	errs.Set("template", checkTemplateName(form.Template))
	c, failure := m.testCollection(form.Collection)
	errs.Set("collection", failure)
	if len(errs) > 0 {
		return CheckForm(errs)
	}
	message, err := m.testMail(c, form, now)
	if err != nil {
		return err
	}
	return m.mailer.Send(ctx, message)
}

func checkTemplateName(name string) error {
	if name == "" {
		return validation.Required
	}
	if !slices.Contains([]string{testVerification, testPasswordReset, testEmailChange, testOTP, testAlert}, name) {
		return invalidTemplate
	}
	return nil
}

func (m *Mails) testCollection(nameOrID string) (*schema.Collection, error) {
	if nameOrID == "" {
		nameOrID = schema.SuperusersName
	} else if err := RequiredText(nameOrID); err != nil {
		return nil, err
	}
	c := m.data.Collection(nameOrID)
	if c == nil || !c.IsAuth() || c.Auth == nil {
		return nil, invalidCollection
	}
	return c, nil
}

// testMail makes the message: the fields of the record hold their own names.
func (m *Mails) testMail(c *schema.Collection, form *TestMailForm, now time.Time) (*mailer.Message, error) {
	r := records.NewRecord(c)
	r.Set("id", testRecordID)
	r.Set("email", form.Email)
	r.Set("tokenKey", schema.NewSecret())
	values := make(map[string]string)
	for _, f := range c.Fields {
		if b := f.Base(); !b.Hidden {
			values[mailer.Field(b.Name)] = "__pb_test_" + b.Name + "__"
		}
	}
	values[mailer.Field("email")] = form.Email
	var t schema.EmailTemplate
	grant := Grant{}
	switch form.Template {
	case testVerification:
		t, grant.Kind = c.Auth.VerificationTemplate, VerificationToken
	case testPasswordReset:
		t, grant.Kind = c.Auth.ResetPasswordTemplate, PasswordResetToken
	case testEmailChange:
		t, grant.Kind, grant.NewEmail = c.Auth.ConfirmEmailChangeTemplate, EmailChangeToken, form.Email
	case testOTP:
		t = c.Auth.OTP.EmailTemplate
		values[codePlaceholder], values[codeIDHolder] = testCode, testCodeID
	case testAlert:
		t = c.Auth.AuthAlert.EmailTemplate
		values[alertPlaceholder] = Origin{IP: testIP, UserAgent: testUserAgent}.Info(now)
	}
	if grant.Kind != "" {
		token, err := Issue(r, grant, now)
		if err != nil {
			return nil, fmt.Errorf("test mail: %w", err)
		}
		values[tokenPlaceholder] = token
	}
	return m.compose(t, r, form.Email, values), nil
}
