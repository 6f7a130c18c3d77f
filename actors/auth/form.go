package auth

import (
	"fmt"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/storage/validation"
)

// maxFormText is how many bytes the texts of most forms may have.
const maxFormText = 255

var (
	invalidEmail             = validation.New("validation_is_email", "Must be a valid email address.")
	invalidToken             = validation.New("validation_invalid_token", "Invalid or expired token.")
	invalidTokenCollection   = validation.New("validation_token_collection_mismatch", "The provided token is for different auth collection.")
	invalidTokenEmail        = validation.New("validation_token_email_mismatch", "The record email doesn't match with the requested token claims.")
	invalidTokenClaims       = validation.New("validation_invalid_token_claims", "Missing email token claim.")
	invalidTokenPayload      = validation.New("validation_invalid_token_payload", "Invalid token payload - newEmail must be set.")
	invalidTokenNewEmail     = validation.New("validation_invalid_token_email", "The new email address is invalid.")
	invalidNewEmail          = validation.New("validation_invalid_new_email", "Invalid new email address.")
	invalidCurrentEmail      = validation.New("validation_not_in_invalid", "Must not be in list.")
	invalidConfirmedPassword = validation.New("validation_invalid_password", "Missing or invalid auth record password.")
)

// FormError says that a form does not hold up. The layer above shows it beside the fields.
type FormError struct{ Fields validation.Errors }

// Error implements error.
func (e *FormError) Error() string { return "invalid form: " + e.Fields.Error() }

// Unwrap returns the failures.
func (e *FormError) Unwrap() error { return e.Fields }

// CheckForm returns a [*FormError] when fields of a form have failures.
func CheckForm(errs validation.Errors) error {
	if len(errs) == 0 {
		return nil
	}
	return &FormError{errs}
}

// RequiredText checks a text that must be there and fit into a form. It returns what is said of the field, nil for nothing.
func RequiredText(s string) error { return RequiredWithin(s, 1, maxFormText) }

// RequiredWithin is [RequiredText] with another length, in bytes.
func RequiredWithin(s string, least, most int) error {
	switch {
	case s == "":
		return validation.Required
	case len(s) < least || len(s) > most:
		return validation.New("validation_length_out_of_range", fmt.Sprintf("The length must be between %d and %d.", least, most)).
			With(map[string]any{"min": least, "max": most})
	}
	return nil
}

// requiredEmail checks an address that must be there.
func requiredEmail(s string) error {
	if err := RequiredText(s); err != nil {
		return err
	}
	if !govalidator.IsEmail(s) {
		return invalidEmail
	}
	return nil
}

// EmailForm is the body of the requests for a mail.
type EmailForm struct {
	Email string `json:"email"`
}

// Validate checks the form.
func (f *EmailForm) Validate() error {
	errs := validation.Errors{}
	errs.Set("email", requiredEmail(f.Email))
	return CheckForm(errs)
}
