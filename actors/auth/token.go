package auth

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// Kind is what a token is good for. Its text is the claim "type".
type Kind string

// The kinds of tokens. Each has its own secret and duration in the options of the collection.
const (
	AuthToken          Kind = "auth"
	FileToken          Kind = "file"
	VerificationToken  Kind = "verification"
	PasswordResetToken Kind = "passwordReset"
	EmailChangeToken   Kind = "emailChange"
)

// ErrToken says that a token cannot be used: malformed, expired, of another kind, badly signed, or its record is gone. The
// reason is for logs only.
var ErrToken = errors.New("invalid or expired token")

// options returns secret and duration of the tokens of this kind.
func (k Kind) options(o *schema.AuthOptions) (schema.TokenOptions, bool) { return o.Token(string(k)) }

// remembered tells whether tokens of this kind come again and again.
func (k Kind) remembered() bool { return k == AuthToken || k == FileToken }

// Claims are what a token says. A Claims is not changed once it was made.
type Claims struct {
	// ID and CollectionID name the record; of a token from elsewhere CollectionID may be the collection's name.
	ID, CollectionID string
	Kind             Kind
	// Refreshable tells of an auth token that it may be exchanged for a fresh one.
	Refreshable bool
	// Email is the record's email when a token that was mailed was made, NewEmail what it asks to be changed to.
	Email, NewEmail string
	// Expires is when the token ends; the zero time is never.
	Expires time.Time
}

// Grant describes a token to be made. The zero value of everything but Kind is what is usual.
type Grant struct {
	Kind Kind
	// Refreshable is meant for auth tokens, the other kinds have no such claim.
	Refreshable bool
	// NewEmail is meant for email change tokens.
	NewEmail string
	// Duration is the token's life; zero is that of the collection's options.
	Duration time.Duration
}

// Issue makes a token for a stored record of an auth collection. Two tokens of the same grant in the same second are the
// same.
func Issue(r *records.Record, g Grant, now time.Time) (string, error) {
	c := r.Collection
	if !c.IsAuth() || c.Auth == nil {
		return "", fmt.Errorf("issue %s token: %s is no auth collection", g.Kind, c.Name)
	}
	options, ok := g.Kind.options(c.Auth)
	if !ok {
		return "", fmt.Errorf("issue token: unknown kind %q", g.Kind)
	}
	key := signingKey(r.Text("tokenKey"), options.Secret)
	if key == nil {
		return "", fmt.Errorf("issue %s token: the record has no token key or %s no secret", g.Kind, c.Name)
	}
	life := g.Duration
	if life == 0 {
		life = time.Duration(options.Duration) * time.Second
	}
	claims := jwt.MapClaims{
		"id":           r.ID(),
		"collectionId": c.ID,
		"type":         string(g.Kind),
		"exp":          now.Add(life).Unix(),
	}
	switch g.Kind {
	case AuthToken:
		claims["refreshable"] = g.Refreshable
	case EmailChangeToken:
		claims["email"], claims["newEmail"] = r.Text("email"), g.NewEmail
	case VerificationToken, PasswordResetToken:
		claims["email"] = r.Text("email")
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("issue %s token: %w", g.Kind, err)
	}
	return token, nil
}

// signingKey joins the two halves of a key. It is nil when one of them is missing: an opened data directory may hold such
// records, and nobody may sign for them.
func signingKey(tokenKey, secret string) []byte {
	if tokenKey == "" || secret == "" {
		return nil
	}
	return []byte(tokenKey + secret)
}

// unsigned takes a token apart without believing it: signed is what its signature is of. The times in it are checked, no
// leeway is given.
func unsigned(token string, now time.Time) (c *Claims, signed *jwt.Token, err error) {
	claims := jwt.MapClaims{}
	signed, parts, err := jwt.NewParser().ParseUnverified(token, claims)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if signed.Method.Alg() != jwt.SigningMethodHS256.Alg() {
		return nil, nil, fmt.Errorf("%w: algorithm %s", ErrToken, signed.Method.Alg())
	}
	clock := func() time.Time { return now }
	if err := jwt.NewValidator(jwt.WithIssuedAt(), jwt.WithTimeFunc(clock)).Validate(claims); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	c, err = readClaims(claims)
	if err != nil {
		return nil, nil, err
	}
	signed.Raw = token[:len(parts[0])+1+len(parts[1])]
	return c, signed, nil
}

func readClaims(m jwt.MapClaims) (*Claims, error) {
	text := func(name string) string {
		s, _ := m[name].(string)
		return s
	}
	c := &Claims{ID: text("id"), CollectionID: text("collectionId"), Kind: Kind(text("type")), Email: text("email"), NewEmail: text("newEmail")}
	if c.ID == "" || c.CollectionID == "" || c.Kind == "" {
		return nil, fmt.Errorf("%w: id, collectionId or type is missing", ErrToken)
	}
	exp, err := m.GetExpirationTime()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if exp != nil {
		c.Expires = exp.Time
	}
	switch v := m["refreshable"].(type) {
	case bool:
		c.Refreshable = v
	case float64:
		c.Refreshable = v != 0
	case string:
		c.Refreshable, _ = strconv.ParseBool(v)
	}
	return c, nil
}

// textClaim reads one claim of a token without believing anything of it; "" when there is none, or no token. It serves
// messages about tokens that cannot be used.
func textClaim(token, name string) string {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return ""
	}
	s, _ := claims[name].(string)
	return s
}

// expired tells whether the token has ended.
func (c *Claims) expired(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }
