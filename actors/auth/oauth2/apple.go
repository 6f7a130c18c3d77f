package oauth2

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/troupebase/troupe/storage/validation"
)

const (
	appleIssuer = "https://appleid.apple.com"
	appleKeys   = "https://appleid.apple.com/auth/keys"
)

func appleClaims(ctx context.Context, v *visit) (*object, error) {
	rules := idRules{audience: v.p.set.ClientID, issuers: []string{appleIssuer}, keys: appleKeys, expires: true}
	claims, err := v.c.claims(ctx, v.extra("id_token"), rules)
	if err != nil {
		return nil, err
	}
	return &object{root: claims}, nil
}

func rememberedName(_ context.Context, v *visit, u *User) error {
	u.Name = v.c.names.take(v.code.Code, v.c.now())
	return nil
}

// The bounds of names that are remembered between the redirect and the sign-in.
const (
	nameLife      = time.Minute
	maxNameLength = 150
	maxCodeLength = 4096
	maxNames      = 1000
)

// names are what Apple told at the redirect, once and never again.
type names struct {
	mu     sync.Mutex
	byCode map[string]name
}

type name struct {
	text  string
	until time.Time
}

// Remember keeps the name that Apple's redirect tells, for the sign-in with that code. user is the JSON text that came
// along.
func (c *Client) Remember(code, user string) {
	var said struct {
		Name struct {
			FirstName string `json:"firstName"`
			LastName  string `json:"lastName"`
		} `json:"name"`
	}
	if code == "" || len(code) > maxCodeLength || json.Unmarshal([]byte(user), &said) != nil {
		return
	}
	text := strings.TrimSpace(said.Name.FirstName + " " + said.Name.LastName)
	if len(text) > maxNameLength {
		end := maxNameLength
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = strings.TrimSpace(text[:end])
	}
	if text != "" {
		c.names.put(code, text, c.now())
	}
}

// Forget drops what [Client.Remember] kept.
func (c *Client) Forget(code string) { c.names.take(code, c.now()) }

func (n *names) put(code, text string, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for known, kept := range n.byCode {
		if now.After(kept.until) {
			delete(n.byCode, known)
		}
	}
	if len(n.byCode) < maxNames {
		n.byCode[code] = name{text, now.Add(nameLife)}
	}
}

func (n *names) take(code string, now time.Time) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept, ok := n.byCode[code]
	delete(n.byCode, code)
	if !ok || now.After(kept.until) {
		return ""
	}
	return kept.text
}

// AppleSecret describes a client secret for Apple, which is a token that the owner of a key signs.
type AppleSecret struct {
	// ClientID is the app or service, TeamID the developer's, KeyID the one of PrivateKey.
	ClientID string `json:"clientId"`
	TeamID   string `json:"teamId"`
	KeyID    string `json:"keyId"`
	// PrivateKey is in PEM.
	PrivateKey string `json:"privateKey"`
	// Duration is the secret's life in seconds.
	Duration int64 `json:"duration"`
}

const (
	appleIDLength       = 10
	maxAppleDuration    = 15777000 // six months, Apple takes no more
	minAppleDuration    = 1
	appleSecretAudience = appleIssuer
)

var privateKeyText = regexp.MustCompile(`(?s)-----BEGIN PRIVATE KEY----.+-----END PRIVATE KEY-----`)

// Validate checks the form. It fails with validation.Errors.
func (s *AppleSecret) Validate() error {
	errs := validation.Errors{}
	if s.ClientID == "" {
		errs.Set("clientId", validation.Required)
	}
	errs.Set("teamId", exactly(s.TeamID, appleIDLength))
	errs.Set("keyId", exactly(s.KeyID, appleIDLength))
	switch {
	case s.PrivateKey == "":
		errs.Set("privateKey", validation.Required)
	case !privateKeyText.MatchString(s.PrivateKey):
		errs.Set("privateKey", validation.New("validation_match_invalid", "Must be in a valid format."))
	}
	switch {
	case s.Duration == 0:
		errs.Set("duration", validation.Required)
	case s.Duration < minAppleDuration:
		errs.Set("duration", validation.New("validation_min_greater_equal_than_required", fmt.Sprintf("Must be no less than %d.", minAppleDuration)).
			With(map[string]any{"threshold": minAppleDuration}))
	case s.Duration > maxAppleDuration:
		errs.Set("duration", validation.New("validation_max_less_equal_than_required", fmt.Sprintf("Must be no greater than %d.", maxAppleDuration)).
			With(map[string]any{"threshold": maxAppleDuration}))
	}
	return errs.Or()
}

func exactly(s string, n int) error {
	switch {
	case s == "":
		return validation.Required
	case len(s) != n:
		return validation.New("validation_length_invalid", fmt.Sprintf("The length must be exactly %d.", n)).With(map[string]any{"min": n, "max": n})
	}
	return nil
}

// Sign makes the secret. It fails for a key that is none for ES256; the error says so and does not show the key.
func (s *AppleSecret) Sign(now time.Time) (string, error) {
	private, err := jwt.ParseECPrivateKeyFromPEM([]byte(s.PrivateKey))
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer: s.TeamID, Subject: s.ClientID, Audience: jwt.ClaimStrings{appleSecretAudience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Duration(s.Duration) * time.Second)),
	})
	token.Header["kid"] = s.KeyID
	return token.SignedString(private)
}
