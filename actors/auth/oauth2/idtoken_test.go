package oauth2

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/troupebase/troupe/storage/schema"
)

// signers are the keys of a provider and of a stranger.
type signers struct {
	rsa, stranger, short *rsa.PrivateKey
	ed                   ed25519.PrivateKey
	ec                   *ecdsa.PrivateKey
}

func newSigners(t testing.TB) *signers {
	t.Helper()
	make := func(bits int) *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	s := &signers{rsa: make(2048), stranger: make(2048), short: make(1024)}
	var err error
	if _, s.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if s.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return s
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaKey(id, algorithm string, k *rsa.PublicKey) key {
	return key{Type: "RSA", ID: id, Algorithm: algorithm, N: base64url(k.N.Bytes()), E: base64url(big.NewInt(int64(k.E)).Bytes())}
}

// set is the provider's key set, in which some keys cannot be used.
func (s *signers) set() keySet {
	public := s.ed.Public().(ed25519.PublicKey)
	bad := rsaKey("exponent", "RS256", &s.rsa.PublicKey)
	bad.E = base64url([]byte{1})
	encrypts := rsaKey("encrypts", "RS256", &s.rsa.PublicKey)
	encrypts.Use = "enc"
	return keySet{Keys: []key{
		rsaKey("plain", "", &s.rsa.PublicKey),
		rsaKey("rs", "RS256", &s.rsa.PublicKey),
		rsaKey("ps", "PS512", &s.rsa.PublicKey),
		rsaKey("hs", "HS256", &s.rsa.PublicKey),
		rsaKey("none", "none", &s.rsa.PublicKey),
		rsaKey("mixed", "EdDSA", &s.rsa.PublicKey),
		rsaKey("short", "RS256", &s.short.PublicKey),
		rsaKey("", "RS256", &s.rsa.PublicKey),
		bad, encrypts,
		{Type: "OKP", ID: "ed", Algorithm: "EdDSA", Curve: "Ed25519", X: base64url(public)},
		{Type: "OKP", ID: "edshort", Algorithm: "EdDSA", Curve: "Ed25519", X: base64url(public[:31])},
		{Type: "OKP", ID: "x", Algorithm: "EdDSA", Curve: "X25519", X: base64url(public)},
		{Type: "oct", ID: "secret", Algorithm: "HS256", X: base64url([]byte("secret"))},
		{Type: "EC", ID: "ec", Algorithm: "ES256", Curve: "P-256", X: base64url(s.ec.X.Bytes())},
	}}
}

func sign(t testing.TB, method jwt.SigningMethod, kid string, with any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(with)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func claimsOf(change map[string]any) jwt.MapClaims {
	claims := jwt.MapClaims{"sub": "1", "aud": "cid", "iss": "https://idp.test", "exp": testNow.Add(time.Hour).Unix(), "email": "e@x.test", "email_verified": "1"}
	for k, v := range change {
		if v == nil {
			delete(claims, k)
		} else {
			claims[k] = v
		}
	}
	return claims
}

const keysURL = "https://own.test/keys"

func idProvider(t testing.TB, extra map[string]any) *Provider {
	return provider(t, schema.OAuth2Provider{Name: "oidc", TokenURL: "https://own.test/token", Extra: extra})
}

// TestSignatures: only a key of the set counts, with its own algorithm. Most of these are attacks.
func TestSignatures(t *testing.T) {
	s := newSigners(t)
	set, err := json.Marshal(s.set())
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&s.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := claimsOf(nil)
	for _, tt := range []struct {
		name, token string
		ok          bool
	}{
		{"RS256", sign(t, jwt.SigningMethodRS256, "rs", s.rsa, good), true},
		{"PS512", sign(t, jwt.SigningMethodPS512, "ps", s.rsa, good), true},
		{"EdDSA", sign(t, jwt.SigningMethodEdDSA, "ed", s.ed, good), true},
		{"a stranger's key", sign(t, jwt.SigningMethodRS256, "rs", s.stranger, good), false},
		{"no kid", sign(t, jwt.SigningMethodRS256, "", s.rsa, good), false},
		{"unknown kid", sign(t, jwt.SigningMethodRS256, "other", s.rsa, good), false},
		{"a key without an algorithm", sign(t, jwt.SigningMethodRS256, "plain", s.rsa, good), false},
		{"another algorithm of the same family", sign(t, jwt.SigningMethodRS512, "rs", s.rsa, good), false},
		{"another padding", sign(t, jwt.SigningMethodPS256, "rs", s.rsa, good), false},
		{"another type", sign(t, jwt.SigningMethodRS256, "ed", s.rsa, good), false},
		{"EdDSA for an RSA key", sign(t, jwt.SigningMethodEdDSA, "mixed", s.ed, good), false},
		{"none", sign(t, jwt.SigningMethodNone, "rs", jwt.UnsafeAllowNoneSignatureType, good), false},
		{"none, and the key says so", sign(t, jwt.SigningMethodNone, "none", jwt.UnsafeAllowNoneSignatureType, good), false},
		{"the public key as a secret", sign(t, jwt.SigningMethodHS256, "rs", asPEM, good), false},
		{"the modulus as a secret, and the key says HS256", sign(t, jwt.SigningMethodHS256, "hs", s.rsa.N.Bytes(), good), false},
		{"a secret of the set", sign(t, jwt.SigningMethodHS256, "secret", []byte("secret"), good), false},
		{"the client's secret", sign(t, jwt.SigningMethodHS256, "rs", []byte("the secret"), good), false},
		{"1024 bits", sign(t, jwt.SigningMethodRS256, "short", s.short, good), false},
		{"the exponent 1", sign(t, jwt.SigningMethodRS256, "exponent", s.rsa, good), false},
		{"a key for encryption", sign(t, jwt.SigningMethodRS256, "encrypts", s.rsa, good), false},
		{"31 bytes", sign(t, jwt.SigningMethodEdDSA, "edshort", s.ed, good), false},
		{"another curve", sign(t, jwt.SigningMethodEdDSA, "x", s.ed, good), false},
		{"EC", sign(t, jwt.SigningMethodES256, "ec", s.ec, good), false},
		{"expired", sign(t, jwt.SigningMethodRS256, "rs", s.rsa, claimsOf(map[string]any{"exp": 1})), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stub := &stub{t: t, answers: map[string]string{"GET " + keysURL: string(set)}, token: map[string]any{"id_token": tt.token}}
			u, err := stub.client().User(t.Context(), idProvider(t, map[string]any{extraKeys: keysURL}), Code{Code: "c"})
			if tt.ok != (err == nil) || tt.ok && shown(u) != "1||||e@x.test" {
				t.Errorf("%s, %v", shown(u), err)
			}
		})
	}
}

// TestClaims: without a key set the provider's own word counts, but not for somebody else and not for ever.
func TestClaims(t *testing.T) {
	secret := []byte("whatever")
	at := func(d time.Duration) int64 { return testNow.Add(d).Unix() }
	for _, tt := range []struct {
		name   string
		change map[string]any
		extra  map[string]any
		ok     bool
	}{
		{"good", nil, nil, true},
		{"no expiry", map[string]any{"exp": nil}, nil, true},
		{"expired, within the leeway", map[string]any{"exp": at(-4 * time.Minute)}, nil, true},
		{"expired", map[string]any{"exp": at(-6 * time.Minute)}, nil, false},
		{"expiry is a text", map[string]any{"exp": "4102444800"}, nil, false},
		{"made in the future, within the leeway", map[string]any{"iat": at(4 * time.Minute)}, nil, true},
		{"made in the future", map[string]any{"iat": at(6 * time.Minute)}, nil, false},
		{"not yet", map[string]any{"nbf": at(6 * time.Minute)}, nil, false},
		{"another audience", map[string]any{"aud": "other"}, nil, false},
		{"no audience", map[string]any{"aud": nil}, nil, false},
		{"one of the audiences", map[string]any{"aud": []string{"other", "cid"}}, nil, true},
		{"an audience in another case", map[string]any{"aud": "CID"}, nil, false},
		{"one of the issuers", nil, map[string]any{extraIssuers: []any{"https://a.test", "https://idp.test"}}, true},
		{"another issuer", map[string]any{"iss": "https://evil.test"}, map[string]any{extraIssuers: []any{"https://idp.test"}}, false},
		{"no issuer", map[string]any{"iss": nil}, map[string]any{extraIssuers: []any{"https://idp.test"}}, false},
		{"no issuers", map[string]any{"iss": "https://evil.test"}, map[string]any{extraIssuers: []any{}}, true},
		{"issuers that cannot be read", nil, map[string]any{extraIssuers: "https://idp.test"}, false},
		{"an issuer that cannot be read", nil, map[string]any{extraIssuers: []any{1.0}}, false},
		{"keys that cannot be read", nil, map[string]any{extraKeys: true}, false},
		{"keys that are not there", nil, map[string]any{extraKeys: keysURL}, false},
		{"the subject is a number", map[string]any{"sub": 1}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := sign(t, jwt.SigningMethodHS256, "", secret, claimsOf(tt.change))
			s := &stub{t: t, token: map[string]any{"id_token": token}}
			_, err := s.client().User(t.Context(), idProvider(t, tt.extra), Code{Code: "c"})
			if tt.ok != (err == nil) {
				t.Error(err)
			}
		})
	}
	for name, token := range map[string]any{
		"none": sign(t, jwt.SigningMethodNone, "", jwt.UnsafeAllowNoneSignatureType, claimsOf(nil)), "empty": "", "garbage": "abc", "a number": 1, "missing": nil,
	} {
		s := &stub{t: t, token: map[string]any{"id_token": token}}
		if _, err := s.client().User(t.Context(), idProvider(t, nil), Code{Code: "c"}); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestLeeway(t *testing.T) {
	s := &stub{t: t, token: map[string]any{"id_token": sign(t, jwt.SigningMethodHS256, "", []byte("x"), claimsOf(map[string]any{"exp": testNow.Add(-time.Minute).Unix()}))}}
	c := s.client()
	c.leeway = 30 * time.Second
	if _, err := c.User(t.Context(), idProvider(t, nil), Code{Code: "c"}); err == nil {
		t.Error("a minute passes for half of one")
	}
}

func TestApple(t *testing.T) {
	keys := newSigners(t)
	set, err := json.Marshal(keys.set())
	if err != nil {
		t.Fatal(err)
	}
	p := provider(t, schema.OAuth2Provider{Name: "apple"})
	apple := map[string]any{"iss": appleIssuer, "email_verified": true}
	with := func(change map[string]any) string {
		claims := claimsOf(apple)
		for k, v := range claimsOf(change) {
			if _, changed := change[k]; changed {
				claims[k] = v
			}
		}
		for k, v := range change {
			if v == nil {
				delete(claims, k)
			}
		}
		return sign(t, jwt.SigningMethodRS256, "rs", keys.rsa, claims)
	}
	for _, tt := range []struct {
		name, token, want string
	}{
		{"good", with(nil), "1|Jo Doe|||e@x.test"},
		{"not verified", with(map[string]any{"email_verified": "false"}), "1|Jo Doe|||"},
		{"no expiry", with(map[string]any{"exp": nil}), ""},
		{"another issuer", with(map[string]any{"iss": "https://idp.test"}), ""},
		{"another audience", with(map[string]any{"aud": "other"}), ""},
		{"a stranger's key", sign(t, jwt.SigningMethodRS256, "rs", keys.stranger, claimsOf(apple)), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stub{t: t, answers: map[string]string{"GET " + appleKeys: string(set)}, token: map[string]any{"id_token": tt.token}}
			c := s.client()
			c.Remember("the code", `{"name":{"firstName":" Jo","lastName":"Doe "},"email":"x"}`)
			u, err := c.User(t.Context(), p, Code{Code: "the code"})
			if shown(u) != tt.want || (err == nil) != (tt.want != "") {
				t.Fatalf("%s, %v", shown(u), err)
			}
			if err == nil {
				if u, err := c.User(t.Context(), p, Code{Code: "the code"}); err != nil || u.Name != "" {
					t.Errorf("the name comes twice: %v, %v", u, err)
				}
			}
		})
	}
}

func TestMicrosoftClaims(t *testing.T) {
	said := map[string]any{"verified_primary_email": "primary@x.test", "email": "plain@x.test", "xms_edov": "1"}
	for _, tt := range []struct {
		choice string
		change map[string]any
		want   string
		fails  bool
		// noToken tells that the provider sends no id_token.
		noToken bool
	}{
		{choice: "", want: "mail@x.test", noToken: true},
		{choice: "verified_primary_email", want: "", noToken: true},
		{choice: "email", want: "", noToken: true},
		{choice: "something", want: "mail@x.test", noToken: true},
		{choice: "", want: "mail@x.test"},
		{choice: "something", want: "mail@x.test"},
		{choice: "verified_primary_email", want: "primary@x.test"},
		{choice: "verified_primary_email", change: map[string]any{"verified_primary_email": nil}, want: ""},
		{choice: "verified_primary_email", change: map[string]any{"verified_primary_email": []string{"x"}}, want: ""},
		{choice: "email_and_xms_edov", want: "plain@x.test"},
		{choice: "email_and_xms_edov", change: map[string]any{"xms_edov": false}, want: ""},
		{choice: "email", change: map[string]any{"xms_edov": nil}, want: "plain@x.test"},
		{choice: "any_verified", want: "primary@x.test"},
		{choice: "any_verified", change: map[string]any{"verified_primary_email": nil}, want: "plain@x.test"},
		{choice: "any_verified", change: map[string]any{"verified_primary_email": nil, "xms_edov": 0}, want: ""},
		{choice: "email", change: map[string]any{"exp": 1}, fails: true},
	} {
		claims := claimsOf(said)
		for k, v := range tt.change {
			claims[k] = v
		}
		p := provider(t, schema.OAuth2Provider{Name: "microsoft", Extra: map[string]any{"idTokenEmailClaim": tt.choice}})
		s := &stub{
			t: t, answers: map[string]string{"GET " + p.userURL(): `{"id":"1","mail":"mail@x.test"}`},
			token: map[string]any{"id_token": sign(t, jwt.SigningMethodHS256, "", []byte("x"), claims)},
		}
		if tt.noToken {
			s.token = nil
		}
		u, err := s.client().User(t.Context(), p, Code{Code: "c"})
		if tt.fails != (err != nil) || err == nil && u.Email != tt.want {
			t.Errorf("%s %v: %v, %v", tt.choice, tt.change, shown(u), err)
		}
	}
}
