package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/troupebase/troupe/httpx/api"
)

// TestAppleSecret has a client secret signed as the settings page does, and looks at it as Apple would.
func TestAppleSecret(t *testing.T) {
	const path = "/api/settings/apple/generate-client-secret"
	g := newRig(t, nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	form := func(change func(m map[string]any)) string {
		m := map[string]any{"clientId": "test.app", "teamId": "TEAM012345", "keyId": "KEY0123456", "privateKey": private, "duration": 3600}
		change(m)
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	whole := form(func(map[string]any) {})
	began := time.Now().Truncate(time.Second)
	status, out := g.sendAs(g.superuser(), "POST", path, whole)
	secret, _ := out["secret"].(string)
	claims := jwt.RegisteredClaims{}
	token, err := jwt.ParseWithClaims(secret, &claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil })
	if status != http.StatusOK || err != nil || !token.Valid {
		t.Fatalf("%d %v: %v", status, out, err)
	}
	if claims.Issuer != "TEAM012345" || claims.Subject != "test.app" || token.Header["kid"] != "KEY0123456" || token.Method.Alg() != "ES256" {
		t.Errorf("the secret says %+v, %v", claims, token.Header)
	}
	if lives := claims.ExpiresAt.Sub(began); lives < time.Hour || lives > time.Hour+patience {
		t.Errorf("it lives for %v", lives)
	}
	for _, c := range []struct {
		what, token, body string
		status            int
		message, field    string
	}{
		{"a guest", "", whole, 401, askedForAuth, ""},
		{"a user", g.token("users", "u@x.test"), whole, 403, notSuperuser, ""},
		{"no JSON", g.superuser(), "{", 400, api.LoadFailed, ""},
		{"no client", g.superuser(), form(func(m map[string]any) { delete(m, "clientId") }), 400, api.AppleRefused, "clientId"},
		{"a team of another length", g.superuser(), form(func(m map[string]any) { m["teamId"] = "TEAM" }), 400, api.AppleRefused, "teamId"},
		{"no key", g.superuser(), form(func(m map[string]any) { m["privateKey"] = "" }), 400, api.AppleRefused, "privateKey"},
		{"too long a life", g.superuser(), form(func(m map[string]any) { m["duration"] = 1 << 30 }), 400, api.AppleRefused, "duration"},
		{"another key", g.superuser(), form(func(m map[string]any) {
			m["privateKey"] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
		}), 400, api.AppleUnsigned, ""},
	} {
		status, out := g.sendAs(c.token, "POST", path, c.body)
		message, _ := out["message"].(string)
		fields, _ := out["data"].(map[string]any)
		if status != c.status || !strings.HasPrefix(message, strings.TrimSuffix(c.message, "\n")) || c.field != "" && fields[c.field] == nil || out["secret"] != nil {
			t.Errorf("%s: %d %v", c.what, status, out)
		}
	}
}
