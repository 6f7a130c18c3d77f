package schema

import (
	"crypto/rand"
	"maps"
	"slices"
)

// AuthOptions holds what an auth collection has beyond a base one. The JSON form is the text of the options column,
// secrets included; answers to clients are made by [Collection.AppendAPI], which leaves them out.
//
// Like its collection, a value is immutable once it is in a [Catalogue].
type AuthOptions struct {
	// AuthRule must match for a record to sign in; "" lets everybody in and nil nobody.
	AuthRule *string `json:"authRule"`
	// ManageRule gives others the right to change email, password and state of a record; nil is nobody.
	ManageRule *string `json:"manageRule"`

	AuthAlert    AuthAlert    `json:"authAlert"`
	OAuth2       OAuth2       `json:"oauth2"`
	PasswordAuth PasswordAuth `json:"passwordAuth"`
	MFA          MFA          `json:"mfa"`
	OTP          OTP          `json:"otp"`

	AuthToken          TokenOptions `json:"authToken"`
	PasswordResetToken TokenOptions `json:"passwordResetToken"`
	EmailChangeToken   TokenOptions `json:"emailChangeToken"`
	VerificationToken  TokenOptions `json:"verificationToken"`
	FileToken          TokenOptions `json:"fileToken"`

	VerificationTemplate       EmailTemplate `json:"verificationTemplate"`
	ResetPasswordTemplate      EmailTemplate `json:"resetPasswordTemplate"`
	ConfirmEmailChangeTemplate EmailTemplate `json:"confirmEmailChangeTemplate"`
}

// AuthAlert controls the mail about a sign-in from a new place.
type AuthAlert struct {
	Enabled       bool          `json:"enabled"`
	EmailTemplate EmailTemplate `json:"emailTemplate"`
}

// EmailTemplate is a mail with placeholders such as {APP_NAME}. Body is HTML.
type EmailTemplate struct {
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// OAuth2 lists the providers that records may sign in with.
type OAuth2 struct {
	Providers    []OAuth2Provider   `json:"providers"`
	MappedFields OAuth2MappedFields `json:"mappedFields"`
	Enabled      bool               `json:"enabled"`
}

// Provider returns the settings of the provider with that name.
func (o *OAuth2) Provider(name string) (OAuth2Provider, bool) {
	for _, p := range o.Providers {
		if p.Name == name {
			return p, true
		}
	}
	return OAuth2Provider{}, false
}

// OAuth2Provider is the registration with one provider. Empty addresses, an empty DisplayName and a nil PKCE stand
// for the defaults of the provider.
type OAuth2Provider struct {
	PKCE         *bool          `json:"pkce"`
	Name         string         `json:"name"`
	ClientID     string         `json:"clientId"`
	ClientSecret string         `json:"clientSecret"`
	AuthURL      string         `json:"authURL"`
	TokenURL     string         `json:"tokenURL"`
	UserInfoURL  string         `json:"userInfoURL"`
	DisplayName  string         `json:"displayName"`
	Extra        map[string]any `json:"extra"`
}

// OAuth2MappedFields names the fields that are filled from the provider's user when a record is created; "" is none.
type OAuth2MappedFields struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Username  string `json:"username"`
	AvatarURL string `json:"avatarURL"`
}

// PasswordAuth controls signing in with a password. IdentityFields are the fields that the identity is looked up in.
type PasswordAuth struct {
	Enabled        bool     `json:"enabled"`
	IdentityFields []string `json:"identityFields"`
}

// MFA asks for a second way to sign in within Duration seconds. Rule tells who has to, "" is everybody.
type MFA struct {
	Enabled  bool   `json:"enabled"`
	Duration int64  `json:"duration"`
	Rule     string `json:"rule"`
}

// OTP controls signing in with a mailed code of Length digits that lasts Duration seconds.
type OTP struct {
	Enabled       bool          `json:"enabled"`
	Duration      int64         `json:"duration"`
	Length        int           `json:"length"`
	EmailTemplate EmailTemplate `json:"emailTemplate"`
}

// Token returns the options of a kind of token, by its text in the claim "type".
func (o *AuthOptions) Token(kind string) (TokenOptions, bool) {
	switch kind {
	case "auth":
		return o.AuthToken, true
	case "file":
		return o.FileToken, true
	case "verification":
		return o.VerificationToken, true
	case "passwordReset":
		return o.PasswordResetToken, true
	case "emailChange":
		return o.EmailChangeToken, true
	}
	return TokenOptions{}, false
}

// TokenOptions is the signing secret of one kind of token and its life in seconds.
type TokenOptions struct {
	Secret   string `json:"secret"`
	Duration int64  `json:"duration"`
}

// secretLength is the length of the secrets that tokens are signed with.
const secretLength = 50

// newAuthOptions returns the options of a new auth collection: the defaults and fresh secrets.
func newAuthOptions() *AuthOptions {
	everyone := ""
	return &AuthOptions{
		AuthRule:     &everyone,
		AuthAlert:    AuthAlert{Enabled: true, EmailTemplate: defaultAlertTemplate},
		PasswordAuth: PasswordAuth{Enabled: true, IdentityFields: []string{"email"}},
		MFA:          MFA{Duration: 600},
		OTP:          OTP{Duration: 180, Length: 8, EmailTemplate: defaultOTPTemplate},

		AuthToken:          TokenOptions{Secret: NewSecret(), Duration: 432000},
		PasswordResetToken: TokenOptions{Secret: NewSecret(), Duration: 1800},
		EmailChangeToken:   TokenOptions{Secret: NewSecret(), Duration: 1800},
		VerificationToken:  TokenOptions{Secret: NewSecret(), Duration: 86400},
		FileToken:          TokenOptions{Secret: NewSecret(), Duration: 180},

		VerificationTemplate:       defaultVerificationTemplate,
		ResetPasswordTemplate:      defaultResetPasswordTemplate,
		ConfirmEmailChangeTemplate: defaultConfirmEmailChangeTemplate,
	}
}

// NewSecret returns a random token secret of 50 letters and digits.
func NewSecret() string {
	return randomText(secretLength, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

// randomText draws n characters from alphabet, which has at most 256 of them, without a bias.
func randomText(n int, alphabet string) string {
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails, see crypto/rand
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// Clone returns a deep copy, which the caller may change.
func (o *AuthOptions) Clone() *AuthOptions {
	if o == nil {
		return nil
	}
	c := *o
	c.AuthRule = clonePointer(o.AuthRule)
	c.ManageRule = clonePointer(o.ManageRule)
	c.PasswordAuth.IdentityFields = slices.Clone(o.PasswordAuth.IdentityFields)
	// A clone with spare capacity would let a decoded list meet old elements behind its end.
	c.OAuth2.Providers = slices.Clip(slices.Clone(o.OAuth2.Providers))
	for i := range c.OAuth2.Providers {
		p := &c.OAuth2.Providers[i]
		p.PKCE = clonePointer(p.PKCE)
		p.Extra = maps.Clone(p.Extra)
	}
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// tokens lists the kinds of tokens under their JSON keys.
func (o *AuthOptions) tokens() []namedToken {
	return []namedToken{
		{"authToken", &o.AuthToken},
		{"passwordResetToken", &o.PasswordResetToken},
		{"emailChangeToken", &o.EmailChangeToken},
		{"verificationToken", &o.VerificationToken},
		{"fileToken", &o.FileToken},
	}
}

type namedToken struct {
	key     string
	options *TokenOptions
}
