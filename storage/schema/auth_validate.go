package schema

import (
	"fmt"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/storage/validation"
)

// Bounds of auth options in seconds.
const (
	minDuration      = 10
	maxCodeDuration  = 86400    // a day, of one-time passwords and of the two steps of a sign-in
	maxTokenDuration = 94670856 // three years
	minSecret        = 30
	maxSecret        = 255
	minOTPLength     = 4
)

// checkAuth adds what is wrong with the auth options to errs: first all that can be said of one option alone, and only
// when there is nothing, what needs several of them.
func (v *validator) checkAuth(errs validation.Errors) {
	o := v.c.Auth
	own := validation.Errors{}
	own.Set("authRule", v.checkAuthRule(o.AuthRule, func(old *AuthOptions) *string { return old.AuthRule }))
	if o.ManageRule != nil && *o.ManageRule == "" {
		own.Set("manageRule", errNilOrNotEmpty)
	} else {
		own.Set("manageRule", v.checkAuthRule(o.ManageRule, func(old *AuthOptions) *string { return old.ManageRule }))
	}
	own.Set("authAlert", nested("emailTemplate", checkTemplate(o.AuthAlert.EmailTemplate)))
	own.Set("oauth2", checkOAuth2(&o.OAuth2))
	own.Set("passwordAuth", checkPasswordAuth(&o.PasswordAuth))
	own.Set("mfa", checkMFA(&o.MFA))
	own.Set("otp", checkOTP(&o.OTP))
	for _, t := range o.tokens() {
		own.Set(t.key, checkToken(t.options))
	}
	own.Set("verificationTemplate", checkTemplate(o.VerificationTemplate))
	own.Set("resetPasswordTemplate", checkTemplate(o.ResetPasswordTemplate))
	own.Set("confirmEmailChangeTemplate", checkTemplate(o.ConfirmEmailChangeTemplate))
	if len(own) == 0 {
		own = v.checkAuthTogether(o)
	}
	for key, err := range own {
		errs.Set(key, err)
	}
}

func nested(key string, errs validation.Errors) validation.Errors {
	if len(errs) == 0 {
		return nil
	}
	return validation.Errors{key: errs}
}

func (v *validator) checkAuthRule(rule *string, of func(*AuthOptions) *string) error {
	if err := v.checkRule(rule); err != nil {
		return err
	}
	if v.stored != nil && v.stored.System && v.stored.Auth != nil && !sameRule(of(v.stored.Auth), rule) {
		return errSystemRule
	}
	return nil
}

func checkTemplate(t EmailTemplate) validation.Errors {
	errs := validation.Errors{}
	errs.Set("subject", required(t.Subject != ""))
	errs.Set("body", required(t.Body != ""))
	return errs
}

func required(ok bool) error {
	if ok {
		return nil
	}
	return validation.Required
}

// checkWithin checks a number that must be set.
func checkWithin(n, min, max int64) error {
	if n == 0 {
		return validation.Required
	}
	return within(n, min, max)
}

func checkToken(t *TokenOptions) validation.Errors {
	errs := validation.Errors{}
	switch {
	case t.Secret == "":
		errs.Set("secret", validation.Required)
	case len(t.Secret) < minSecret || len(t.Secret) > maxSecret:
		errs.Set("secret", errLength(minSecret, maxSecret))
	}
	errs.Set("duration", checkWithin(t.Duration, minDuration, maxTokenDuration))
	return errs
}

func checkPasswordAuth(p *PasswordAuth) validation.Errors {
	errs := validation.Errors{}
	if !p.Enabled {
		return errs
	}
	for _, name := range p.IdentityFields {
		if name != "" {
			return errs
		}
	}
	errs.Set("identityFields", validation.Required)
	return errs
}

func checkMFA(m *MFA) validation.Errors {
	errs := validation.Errors{}
	if m.Enabled {
		errs.Set("duration", checkWithin(m.Duration, minDuration, maxCodeDuration))
	}
	return errs
}

func checkOTP(o *OTP) validation.Errors {
	errs := validation.Errors{}
	if o.Enabled {
		errs.Set("duration", checkWithin(o.Duration, minDuration, maxCodeDuration))
		errs.Set("length", checkWithin(int64(o.Length), minOTPLength, maxSafeInt))
	}
	errs.Set("emailTemplate", checkTemplate(o.EmailTemplate))
	return errs
}

func checkOAuth2(o *OAuth2) validation.Errors {
	errs := validation.Errors{}
	if !o.Enabled {
		return errs
	}
	for i := range o.Providers {
		errs.Set(decimal(i), checkProvider(&o.Providers[i]))
	}
	if len(errs) == 0 {
		seen := map[string]bool{}
		for i, p := range o.Providers {
			if seen[p.Name] {
				errs.Set(decimal(i), validation.Errors{"name": validation.New("validation_duplicated_provider",
					fmt.Sprintf("The provider %s is already registered.", p.Name)).With(map[string]any{"name": p.Name})})
				break
			}
			seen[p.Name] = true
		}
	}
	return nested("providers", errs)
}

func checkProvider(p *OAuth2Provider) validation.Errors {
	errs := validation.Errors{}
	switch {
	case p.Name == "":
		errs.Set("name", validation.Required)
	case !isProvider(p.Name):
		errs.Set("name", validation.New("validation_missing_provider",
			fmt.Sprintf("Invalid or missing provider with name %s.", p.Name)).With(map[string]any{"name": p.Name}))
	}
	errs.Set("clientId", required(p.ClientID != ""))
	errs.Set("clientSecret", required(p.ClientSecret != ""))
	errs.Set("authURL", checkURL(p.AuthURL))
	errs.Set("tokenURL", checkURL(p.TokenURL))
	errs.Set("userInfoURL", checkURL(p.UserInfoURL))
	return errs
}

func checkURL(s string) error {
	if s == "" || govalidator.IsURL(s) {
		return nil
	}
	return validation.New("validation_is_url", "Must be a valid URL.")
}

// checkAuthTogether returns the first failure only.
func (v *validator) checkAuthTogether(o *AuthOptions) validation.Errors {
	if o.MFA.Enabled {
		ways := 0
		for _, enabled := range []bool{o.PasswordAuth.Enabled, o.OAuth2.Enabled, o.OTP.Enabled} {
			if enabled {
				ways++
			}
		}
		if ways < 2 {
			return validation.Errors{"mfa": validation.Errors{"enabled": validation.New(
				"validation_mfa_not_enough_auths", "MFA requires at least 2 auth methods to be enabled.")}}
		}
		err := v.checkAuthRule(&o.MFA.Rule, func(old *AuthOptions) *string { return &old.MFA.Rule })
		if err != nil {
			return validation.Errors{"mfa": validation.Errors{"rule": err}}
		}
	}
	if !o.PasswordAuth.Enabled {
		return nil
	}
	for _, name := range o.PasswordAuth.IdentityFields {
		if err := v.checkIdentityField(name); err != nil {
			return validation.Errors{"passwordAuth": validation.Errors{"identityFields": err}}
		}
	}
	return nil
}

func (v *validator) checkIdentityField(name string) error {
	params := map[string]any{"fieldName": name}
	if v.c.Field(name) == nil {
		return validation.New("validation_missing_field",
			fmt.Sprintf("Invalid or missing field %s.", name)).With(params)
	}
	if _, ok := v.c.UniqueIndex(name); !ok {
		return validation.New("validation_missing_unique_constraint",
			fmt.Sprintf("The field %s doesn't have a UNIQUE constraint.", name)).With(params)
	}
	return nil
}
