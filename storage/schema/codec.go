package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrTypeData is returned by [DecodeNew] when not even type and name of the collection can be read.
var ErrTypeData = errors.New("collection type data: invalid formatting")

// ErrData is returned for a collection that cannot be decoded.
var ErrData = errors.New("collection data: invalid formatting")

// DecodeNew reads the body of a request that creates a collection: first type and name alone, then the whole body on
// top of a blank collection of that type. It returns an error that wraps [ErrTypeData] or [ErrData].
func DecodeNew(body []byte) (*Collection, error) {
	var head struct {
		Type string `json:"type"`
		Name string `json:"name"`
	}
	if err := decodeFirst(body, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTypeData, err)
	}
	c := NewCollection(Type(head.Type), head.Name)
	if err := c.Decode(body); err != nil {
		return nil, err
	}
	return c, nil
}

// Decode lays a JSON object over c as a client sends it: keys in any case, unknown ones ignored, null for a rule or a
// list empties it and null for anything else is "not sent". Lists replace the whole list, except the OAuth2 providers,
// which merge by position; objects merge key by key. The first JSON value of body counts, an empty body is {}.
//
// c must be the caller's own, a [Collection.Clone]. After an error, which wraps [ErrData], c is of no use.
func (c *Collection) Decode(body []byte) error {
	c.index = nil
	in := collectionBody{
		ID: c.ID, Name: c.Name, Type: c.Type, System: c.System, Indexes: c.Indexes,
		ListRule: c.ListRule, ViewRule: c.ViewRule,
		CreateRule: c.CreateRule, UpdateRule: c.UpdateRule, DeleteRule: c.DeleteRule,
	}
	if err := decodeFirst(body, &in); err != nil {
		return fmt.Errorf("%w: %w", ErrData, err)
	}
	c.ID, c.Name, c.Type, c.System, c.Indexes = in.ID, in.Name, in.Type, in.System, in.Indexes
	c.ListRule, c.ViewRule = in.ListRule, in.ViewRule
	c.CreateRule, c.UpdateRule, c.DeleteRule = in.CreateRule, in.UpdateRule, in.DeleteRule
	if in.Fields.set {
		c.Fields = in.Fields.list
	}
	if in.Created.set {
		c.Created = in.Created.text
	}
	return c.decodeOptions(body)
}

// decodeOptions reads the keys that only the type of c has.
func (c *Collection) decodeOptions(body []byte) error {
	switch c.Type {
	case Auth:
		if c.Auth == nil {
			// Only a collection that was of another type has none. The change will be refused.
			c.Auth = &AuthOptions{}
		}
		if err := decodeFirst(body, c.Auth); err != nil {
			return fmt.Errorf("%w: auth options: %w", ErrData, err)
		}
	case View:
		in := struct {
			ViewQuery string `json:"viewQuery"`
		}{c.ViewQuery}
		if err := decodeFirst(body, &in); err != nil {
			return fmt.Errorf("%w: view options: %w", ErrData, err)
		}
		c.ViewQuery = in.ViewQuery
	}
	return nil
}

// collectionBody is what a client may send of any collection.
type collectionBody struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Type       Type      `json:"type"`
	System     bool      `json:"system"`
	Fields     fieldList `json:"fields"`
	Indexes    []string  `json:"indexes"`
	ListRule   *string   `json:"listRule"`
	ViewRule   *string   `json:"viewRule"`
	CreateRule *string   `json:"createRule"`
	UpdateRule *string   `json:"updateRule"`
	DeleteRule *string   `json:"deleteRule"`
	Created    datetime  `json:"created"`
	// Updated is read for its type only.
	Updated datetime `json:"updated"`
}

// fieldList is a list of fields that remembers whether it was there; null is the empty list.
type fieldList struct {
	set  bool
	list []Field
}

func (l *fieldList) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	l.set, l.list = true, make([]Field, 0, len(raw))
	for _, r := range raw {
		f, err := DecodeField(r)
		if err != nil {
			return err
		}
		l.list = append(l.list, f)
	}
	return nil
}

// datetime is a text that is read as a date in any known layout; null is "not sent".
type datetime struct {
	set  bool
	text string
}

func (d *datetime) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	d.set, d.text = true, normaliseDate(s)
	return nil
}

// decodeFirst reads the first JSON value of body into v and ignores what follows it.
func decodeFirst(body []byte, v any) error {
	err := json.NewDecoder(bytes.NewReader(body)).Decode(v)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// AppendAPI appends c as clients see it: all keys of its type, without the secrets of tokens and providers.
func (c *Collection) AppendAPI(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendJSON(dst, c.ID)
	for _, r := range c.rules() {
		dst = append(dst, `,"`...)
		dst = append(dst, r.key...)
		dst = append(dst, `":`...)
		dst = appendJSON(dst, *r.rule)
	}
	dst = append(dst, `,"name":`...)
	dst = appendJSON(dst, c.Name)
	dst = append(dst, `,"type":`...)
	dst = appendJSON(dst, c.Type)
	dst = append(dst, `,"fields":`...)
	dst = appendFields(dst, c.Fields)
	dst = append(dst, `,"indexes":`...)
	dst = appendTexts(dst, c.Indexes)
	dst = append(dst, `,"created":`...)
	dst = appendJSON(dst, c.Created)
	dst = append(dst, `,"updated":`...)
	dst = appendJSON(dst, c.Updated)
	dst = append(dst, `,"system":`...)
	dst = appendJSON(dst, c.System)
	switch {
	case c.Type == Auth && c.Auth != nil:
		dst = append(dst, ',')
		dst = append(dst, appendJSON(nil, maskOptions(c.Auth))[1:]...)
		return dst
	case c.Type == View:
		dst = append(dst, `,"viewQuery":`...)
		dst = appendJSON(dst, c.ViewQuery)
	}
	return append(dst, '}')
}

// MarshalJSON returns what [Collection.AppendAPI] appends.
func (c *Collection) MarshalJSON() ([]byte, error) { return c.AppendAPI(nil), nil }

func appendFields(dst []byte, fields []Field) []byte {
	dst = append(dst, '[')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, EncodeField(f)...)
	}
	return append(dst, ']')
}

func appendTexts(dst []byte, texts []string) []byte {
	if texts == nil {
		return append(dst, "[]"...)
	}
	return appendJSON(dst, texts)
}

// appendJSON appends a value whose encoding cannot fail: texts, numbers, booleans and structs and lists of them.
func appendJSON(dst []byte, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return append(dst, "null"...)
	}
	return append(dst, raw...)
}

// maskedOptions hides, under the same keys, the values that nobody may read.
type maskedOptions struct {
	AuthRule     *string        `json:"authRule"`
	ManageRule   *string        `json:"manageRule"`
	AuthAlert    AuthAlert      `json:"authAlert"`
	OAuth2       map[string]any `json:"oauth2"`
	PasswordAuth struct {
		Enabled        bool     `json:"enabled"`
		IdentityFields []string `json:"identityFields"`
	} `json:"passwordAuth"`
	MFA                        MFA           `json:"mfa"`
	OTP                        OTP           `json:"otp"`
	AuthToken                  maskedToken   `json:"authToken"`
	PasswordResetToken         maskedToken   `json:"passwordResetToken"`
	EmailChangeToken           maskedToken   `json:"emailChangeToken"`
	VerificationToken          maskedToken   `json:"verificationToken"`
	FileToken                  maskedToken   `json:"fileToken"`
	VerificationTemplate       EmailTemplate `json:"verificationTemplate"`
	ResetPasswordTemplate      EmailTemplate `json:"resetPasswordTemplate"`
	ConfirmEmailChangeTemplate EmailTemplate `json:"confirmEmailChangeTemplate"`
}

type maskedToken struct {
	Duration int64 `json:"duration"`
}

func maskOptions(o *AuthOptions) maskedOptions {
	providers := make([]maskedProvider, len(o.OAuth2.Providers))
	for i, p := range o.OAuth2.Providers {
		providers[i] = maskedProvider{p.PKCE, p.Name, p.ClientID, p.AuthURL, p.TokenURL, p.UserInfoURL, p.DisplayName, p.Extra}
	}
	m := maskedOptions{
		AuthRule: o.AuthRule, ManageRule: o.ManageRule, AuthAlert: o.AuthAlert, MFA: o.MFA, OTP: o.OTP,
		OAuth2: map[string]any{
			"providers":    providers,
			"mappedFields": o.OAuth2.MappedFields,
			"enabled":      o.OAuth2.Enabled,
		},
		AuthToken:                  maskedToken{o.AuthToken.Duration},
		PasswordResetToken:         maskedToken{o.PasswordResetToken.Duration},
		EmailChangeToken:           maskedToken{o.EmailChangeToken.Duration},
		VerificationToken:          maskedToken{o.VerificationToken.Duration},
		FileToken:                  maskedToken{o.FileToken.Duration},
		VerificationTemplate:       o.VerificationTemplate,
		ResetPasswordTemplate:      o.ResetPasswordTemplate,
		ConfirmEmailChangeTemplate: o.ConfirmEmailChangeTemplate,
	}
	m.PasswordAuth.Enabled = o.PasswordAuth.Enabled
	m.PasswordAuth.IdentityFields = append([]string{}, o.PasswordAuth.IdentityFields...)
	return m
}

type maskedProvider struct {
	PKCE        *bool          `json:"pkce"`
	Name        string         `json:"name"`
	ClientID    string         `json:"clientId"`
	AuthURL     string         `json:"authURL"`
	TokenURL    string         `json:"tokenURL"`
	UserInfoURL string         `json:"userInfoURL"`
	DisplayName string         `json:"displayName"`
	Extra       map[string]any `json:"extra"`
}
