package oauth2

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

func TestNames(t *testing.T) {
	c := (&stub{t: t}).client()
	now := testNow
	c.now = func() time.Time { return now }
	told := func(first, last string) string {
		return fmt.Sprintf(`{"name":{"firstName":%q,"lastName":%q}}`, first, last)
	}
	for code, user := range map[string]string{
		"a": told("Jo", ""), "b": told("", " "), "c": `{"name":"Jo"}`, "d": "no JSON", "e": told(strings.Repeat("ä", 200), ""),
		"": told("Jo", ""), strings.Repeat("x", maxCodeLength+1): told("Jo", ""),
	} {
		c.Remember(code, user)
	}
	long := c.names.take("e", now)
	if len(long) != maxNameLength || !utf8.ValidString(long) {
		t.Errorf("%d bytes: %q", len(long), long)
	}
	if len(c.names.byCode) != 1 || c.names.take("a", now) != "Jo" || c.names.take("a", now) != "" {
		t.Errorf("%v", c.names.byCode)
	}
	c.Remember("a", told("Jo", ""))
	c.Forget("a")
	if got := c.names.take("a", now); got != "" {
		t.Errorf("%q was not forgotten", got)
	}
	for i := range maxNames + 10 {
		c.Remember(fmt.Sprint(i), told("Jo", ""))
	}
	if len(c.names.byCode) != maxNames {
		t.Errorf("%d names are kept", len(c.names.byCode))
	}
	now = now.Add(nameLife + time.Second)
	if got := c.names.take("1", now); got != "" {
		t.Errorf("%q after its time", got)
	}
	c.Remember("late", told("Jo", ""))
	if len(c.names.byCode) != 1 {
		t.Errorf("%d names are kept after their time", len(c.names.byCode))
	}
}

func appleKey(t *testing.T, curve elliptic.Curve) (*ecdsa.PrivateKey, string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return k, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestAppleSecret(t *testing.T) {
	k, text := appleKey(t, elliptic.P256())
	s := AppleSecret{ClientID: "com.app", TeamID: "1234567890", KeyID: "ABCDEFGHIJ", PrivateKey: text, Duration: 60}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	secret, err := s.Sign(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.RegisteredClaims
	token, err := jwt.ParseWithClaims(secret, &claims, func(*jwt.Token) (any, error) { return &k.PublicKey, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(appleIssuer), jwt.WithIssuer("1234567890"), jwt.WithSubject("com.app"))
	if err != nil || token.Header["kid"] != "ABCDEFGHIJ" || claims.ExpiresAt.Sub(claims.IssuedAt.Time) != time.Minute {
		t.Errorf("%v, %v", claims, err)
	}
	_, other := appleKey(t, elliptic.P384())
	for name, key := range map[string]string{"another curve": other, "no key": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"} {
		s.PrivateKey = key
		if _, err := s.Sign(time.Now()); err == nil || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAppleSecretIsChecked(t *testing.T) {
	_, key := appleKey(t, elliptic.P256())
	for _, tt := range []struct {
		form AppleSecret
		want string
	}{
		{AppleSecret{}, `{"clientId":"validation_required","duration":"validation_required","keyId":"validation_required","privateKey":"validation_required","teamId":"validation_required"}`},
		{AppleSecret{ClientID: "c", TeamID: "short", KeyID: "xxxxxxxxxxx", PrivateKey: "foo", Duration: -1},
			`{"duration":"validation_min_greater_equal_than_required","keyId":"validation_length_invalid","privateKey":"validation_match_invalid","teamId":"validation_length_invalid"}`},
		{AppleSecret{ClientID: "c", TeamID: "1234567890", KeyID: "1234567890", PrivateKey: key, Duration: maxAppleDuration + 1}, `{"duration":"validation_max_less_equal_than_required"}`},
		{AppleSecret{ClientID: "c", TeamID: "1234567890", KeyID: "1234567890", PrivateKey: key, Duration: maxAppleDuration}, `{}`},
	} {
		raw, err := json.Marshal(tt.form.Validate())
		if err != nil {
			t.Fatal(err)
		}
		var errs map[string]struct{ Code string }
		if err := json.Unmarshal(raw, &errs); err != nil {
			t.Fatal(err)
		}
		codes := map[string]string{}
		for field, e := range errs {
			codes[field] = e.Code
		}
		if got, _ := json.Marshal(codes); string(got) != tt.want {
			t.Errorf("got %s", got)
		}
	}
}
