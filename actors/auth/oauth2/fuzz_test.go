package oauth2

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzIDToken: whatever a token says of itself, only one that the provider's key signed passes, and with the claims that
// were signed.
func FuzzIDToken(f *testing.F) {
	s := newSigners(f)
	set := s.set()
	good := sign(f, jwt.SigningMethodEdDSA, "ed", s.ed, claimsOf(nil))
	f.Add(good)
	f.Add(sign(f, jwt.SigningMethodNone, "none", jwt.UnsafeAllowNoneSignatureType, claimsOf(nil)))
	f.Add(sign(f, jwt.SigningMethodHS256, "hs", s.rsa.N.Bytes(), claimsOf(nil)))
	f.Add("..")
	f.Add("e30.e30.")
	c := (&stub{}).client()
	want, err := c.signed(good, set)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := c.signed(token, set)
		if err == nil && !reflect.DeepEqual(claims, want) {
			t.Errorf("%q passes as %v", token, claims)
		}
		if claims, err := c.unsigned(token); err == nil && claims == nil {
			t.Error("no claims and no failure")
		}
	})
}

// FuzzKeySet: no key set makes a forged token pass or the check panic.
func FuzzKeySet(f *testing.F) {
	s := newSigners(f)
	seed, err := json.Marshal(s.set())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, "rs")
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","alg":"HS256","n":"","e":""},null]}`), "a")
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"EdDSA","x":"!"}]}`), "a")
	c := (&stub{}).client()
	f.Fuzz(func(t *testing.T, raw []byte, kid string) {
		var set keySet
		if decode(raw, &set) != nil {
			return
		}
		forged := sign(t, jwt.SigningMethodHS256, kid, []byte("secret"), claimsOf(nil))
		none := sign(t, jwt.SigningMethodNone, kid, jwt.UnsafeAllowNoneSignatureType, claimsOf(nil))
		for _, token := range []string{forged, none, sign(t, jwt.SigningMethodEdDSA, kid, s.ed, claimsOf(nil))} {
			if _, err := c.signed(token, set); err == nil && token != sign(t, jwt.SigningMethodEdDSA, kid, s.ed, claimsOf(nil)) {
				t.Errorf("%s passes", token)
			}
		}
	})
}

// FuzzUser: no answer of a provider panics, and none gives an email that was not verified.
func FuzzUser(f *testing.F) {
	for _, tt := range userCases {
		f.Add([]byte(tt.said))
	}
	f.Add([]byte(`{"data":[1],"response":[[]],"images":{"0":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for i := range table {
			k := &table[i]
			o, err := decodeObject(raw)
			if err != nil {
				return
			}
			u, err := k.read.user(o)
			if (u == nil) == (err == nil) {
				t.Fatalf("%s: %v, %v", k.name, u, err)
			}
			if err == nil && u.Email != "" && k.read.verified != nil && !k.read.verified(o) {
				t.Errorf("%s: %s is not verified", k.name, u.Email)
			}
		}
	})
}

// FuzzRemember: nothing that comes with Apple's redirect panics or is kept beyond its bounds.
func FuzzRemember(f *testing.F) {
	f.Add("code", `{"name":{"firstName":"Jo","lastName":"Doe"}}`)
	f.Add("", `{"name":null}`)
	f.Add("c", `{"name":{"firstName":"`+string(make([]byte, 10))+`"}}`)
	f.Fuzz(func(t *testing.T, code, user string) {
		c := (&stub{}).client()
		c.Remember(code, user)
		if got := c.names.take(code, testNow); len(got) > maxNameLength {
			t.Errorf("%d bytes", len(got))
		}
	})
}
