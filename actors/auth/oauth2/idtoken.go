package oauth2

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// The bounds of keys: RFC 7518 asks for 2048 bits of RSA, and beyond 8192 a check costs too much.
const (
	minModulus  = 2048
	maxModulus  = 8192
	maxExponent = 1<<31 - 1
)

var (
	errNoIDToken = errors.New("there is no id_token")
	errNoKey     = errors.New("no key of the set fits the id_token")
	errUnsigned  = errors.New("the id_token is not signed")
	errIssuer    = errors.New("the id_token has another issuer")
)

// idRules are what an id_token must meet beside its times.
type idRules struct {
	audience string
	// issuers are those that are trusted; none means all.
	issuers []string
	// keys is the address of the key set; "" leaves the signature unchecked.
	keys string
	// expires asks for an expiry.
	expires bool
}

// The algorithms by type of key. What shares a secret with the signer is not among them, so no public key can be taken for
// one.
var (
	rsaAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	okpAlgorithms = []string{"EdDSA"}
)

func (c *Client) parser(algorithms []string, options ...jwt.ParserOption) *jwt.Parser {
	options = append(options, jwt.WithJSONNumber(), jwt.WithLeeway(c.leeway), jwt.WithIssuedAt(), jwt.WithTimeFunc(c.now))
	if algorithms != nil {
		options = append(options, jwt.WithValidMethods(algorithms))
	}
	return jwt.NewParser(options...)
}

// unsigned returns the claims of a token whose times hold. Nothing is known of who signed it: it has to come from the
// provider itself.
func (c *Client) unsigned(token string) (jwt.MapClaims, error) {
	if token == "" {
		return nil, errNoIDToken
	}
	claims := jwt.MapClaims{}
	parsed, _, err := c.parser(nil).ParseUnverified(token, claims)
	if err != nil {
		return nil, fmt.Errorf("read the id_token: %w", err)
	}
	if parsed.Method == jwt.SigningMethodNone {
		return nil, errUnsigned
	}
	return claims, c.validate(claims)
}

func (c *Client) validate(claims jwt.MapClaims, options ...jwt.ParserOption) error {
	options = append(options, jwt.WithLeeway(c.leeway), jwt.WithIssuedAt(), jwt.WithTimeFunc(c.now))
	if err := jwt.NewValidator(options...).Validate(claims); err != nil {
		return fmt.Errorf("check the id_token: %w", err)
	}
	return nil
}

// claims returns what an id_token says when it meets the rules.
func (c *Client) claims(ctx context.Context, token string, r idRules) (jwt.MapClaims, error) {
	claims, err := c.unsigned(token)
	if err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{jwt.WithAudience(r.audience)}
	if r.expires {
		options = append(options, jwt.WithExpirationRequired())
	}
	if err := c.validate(claims, options...); err != nil {
		return nil, err
	}
	if issuer, _ := claims["iss"].(string); len(r.issuers) > 0 && !slices.Contains(r.issuers, issuer) {
		return nil, errIssuer
	}
	if r.keys == "" {
		return claims, nil
	}
	set, err := c.keySet(ctx, r.keys)
	if err != nil {
		return nil, fmt.Errorf("get the key set: %w", err)
	}
	return c.signed(token, set)
}

// signed returns the claims of a token that was signed by a key of the set.
func (c *Client) signed(token string, set keySet) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := c.parser(slices.Concat(rsaAlgorithms, okpAlgorithms)).ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return set.find(kid, t.Method.Alg())
	})
	if err != nil {
		return nil, fmt.Errorf("check the id_token: %w", err)
	}
	return claims, nil
}

// keySet is a JSON Web Key Set.
type keySet struct {
	Keys []key `json:"keys"`
}

// key is a public key. Members of other types of keys are not read.
type key struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv"`
	N         string `json:"n"`
	E         string `json:"e"`
	X         string `json:"x"`
}

func (c *Client) keySet(ctx context.Context, address string) (set keySet, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return set, err
	}
	raw, err := c.do(req)
	if err != nil {
		return set, err
	}
	return set, decode(raw, &set)
}

// find returns the key with that id, which must be meant for the algorithm.
func (s keySet) find(id, algorithm string) (crypto.PublicKey, error) {
	if id == "" {
		return nil, errNoKey
	}
	for i := range s.Keys {
		if k := &s.Keys[i]; k.ID == id && k.Algorithm == algorithm && (k.Use == "" || k.Use == "sig") {
			return k.public()
		}
	}
	return nil, errNoKey
}

func (k *key) public() (crypto.PublicKey, error) {
	switch {
	case k.Type == "RSA" && slices.Contains(rsaAlgorithms, k.Algorithm):
		return k.rsa()
	case k.Type == "OKP" && k.Curve == "Ed25519" && slices.Contains(okpAlgorithms, k.Algorithm):
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, errNoKey
		}
		return ed25519.PublicKey(x), nil
	}
	return nil, errNoKey
}

func (k *key) rsa() (*rsa.PublicKey, error) {
	n, err := base64.RawURLEncoding.DecodeString(k.N)
	if err != nil {
		return nil, errNoKey
	}
	e, err := base64.RawURLEncoding.DecodeString(k.E)
	if err != nil {
		return nil, errNoKey
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if bits := modulus.BitLen(); bits < minModulus || bits > maxModulus || exponent.Cmp(big.NewInt(maxExponent)) > 0 || exponent.Int64() < 3 {
		return nil, errNoKey
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}
