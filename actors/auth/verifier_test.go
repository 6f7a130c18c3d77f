package auth_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/schema"
)

const (
	testKey    = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
	testSecret = "ssssssssssssssssssssssssssssssssssssssss"
)

func knownSecret(c *schema.Collection) { c.Auth.AuthToken.Secret = testSecret }

func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	s, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verifyClock is between two whole seconds.
var verifyClock = time.Unix(1_800_000_000, 500_000_000)

// claims are those of a good token of alice, with changes; nil takes one out.
func claims(edit jwt.MapClaims) jwt.MapClaims {
	m := jwt.MapClaims{"id": "aliceaaaaaaaaa1", "collectionId": "_pb_users_auth_", "type": "auth", "exp": 4102444800, "refreshable": true}
	for k, v := range edit {
		if v == nil {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	return m
}

// tokenCase is a token and whether it is a good one of alice.
type tokenCase struct {
	name, token string
	good        bool
}

func verifyAll(t *testing.T, cases []tokenCase) {
	g := newRig(t, knownSecret)
	g.alice()
	g.create("users", map[string]any{"id": "bobbbbbbbbbbbb2", "email": "bob@x.test", "password": "12345678"})
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			v := g.verifier(func() time.Time { return verifyClock })
			for range 2 { // the second time from memory
				s, err := v.Verify(t.Context(), tt.token, auth.AuthToken)
				switch {
				case tt.good && err != nil:
					t.Fatal(err)
				case !tt.good && !errors.Is(err, auth.ErrToken):
					t.Fatalf("got %v, %v", s, err)
				case tt.good && (s.Record.ID() != "aliceaaaaaaaaa1" || s.Identity.Email != "alice@x.test" || s.Identity.Superuser):
					t.Fatalf("got %+v", s.Identity)
				}
			}
		})
	}
}

func TestVerifyClaims(t *testing.T) {
	hs := func(edit jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodHS256, []byte(testKey+testSecret), claims(edit))
	}
	verifyAll(t, []tokenCase{
		{"valid", hs(nil), true},
		{"no refreshable", hs(jwt.MapClaims{"refreshable": nil}), true},
		{"unknown claims", hs(jwt.MapClaims{"extra": "x", "sub": "y", "aud": "z", "iss": 1}), true},
		{"no exp", hs(jwt.MapClaims{"exp": nil}), true},
		{"exp 0", hs(jwt.MapClaims{"exp": 0}), true},
		{"fractional exp", hs(jwt.MapClaims{"exp": 1_800_000_001.5}), true},
		{"exp is no number", hs(jwt.MapClaims{"exp": "4102444800"}), false},
		{"expired", hs(jwt.MapClaims{"exp": 1577836800}), false},
		{"expired this second", hs(jwt.MapClaims{"exp": verifyClock.Unix()}), false},
		{"nbf in the future", hs(jwt.MapClaims{"nbf": 4102444800}), false},
		{"iat in the future", hs(jwt.MapClaims{"iat": 4102444800}), false},
		{"nbf and iat in the past", hs(jwt.MapClaims{"nbf": 1577836800, "iat": 1577836800}), true},
		{"no id", hs(jwt.MapClaims{"id": nil}), false},
		{"empty id", hs(jwt.MapClaims{"id": ""}), false},
		{"number id", hs(jwt.MapClaims{"id": 1}), false},
		{"id in another case", hs(jwt.MapClaims{"id": "ALICEAAAAAAAAA1"}), false},
		{"no type", hs(jwt.MapClaims{"type": nil}), false},
		{"type file", hs(jwt.MapClaims{"type": "file"}), false},
		{"unknown type", hs(jwt.MapClaims{"type": "x"}), false},
		{"no collection", hs(jwt.MapClaims{"collectionId": nil}), false},
		{"collection by name", hs(jwt.MapClaims{"collectionId": "users"}), true},
		{"no auth collection", hs(jwt.MapClaims{"collectionId": "_authOrigins"}), false},
		{"another collection", hs(jwt.MapClaims{"collectionId": "_superusers"}), false},
		{"missing record", hs(jwt.MapClaims{"id": "missingmissing1"}), false},
		{"another record's key", hs(jwt.MapClaims{"id": "bobbbbbbbbbbbb2"}), false},
	})
}

func TestVerifySignatures(t *testing.T) {
	good := sign(t, jwt.SigningMethodHS256, []byte(testKey+testSecret), claims(nil))
	noType := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + strings.Split(good, ".")[1]
	mac, err := jwt.SigningMethodHS256.Sign(noType, []byte(testKey+testSecret))
	if err != nil {
		t.Fatal(err)
	}
	verifyAll(t, []tokenCase{
		{"secret first", sign(t, jwt.SigningMethodHS256, []byte(testSecret+testKey), claims(nil)), false},
		{"secret alone", sign(t, jwt.SigningMethodHS256, []byte(testSecret), claims(nil)), false},
		{"key alone", sign(t, jwt.SigningMethodHS256, []byte(testKey), claims(nil)), false},
		{"HS512", sign(t, jwt.SigningMethodHS512, []byte(testKey+testSecret), claims(nil)), false},
		{"none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil)), false},
		{"no typ header", noType + "." + base64.RawURLEncoding.EncodeToString(mac), true},
		{"signature missing", noType + ".", false},
		{"leading space", " " + good, false},
		{"garbage", "not-a-token", false},
		{"dots", "a.b.c", false},
		{"empty", "", false},
	})
}

func TestRefreshableClaim(t *testing.T) {
	g := newRig(t, knownSecret)
	g.alice()
	v := g.verifier(nil)
	for value, want := range map[any]bool{true: true, false: false, "true": true, "x": false, 1: true, 0: false} {
		token := sign(t, jwt.SigningMethodHS256, []byte(testKey+testSecret), jwt.MapClaims{
			"id": "aliceaaaaaaaaa1", "collectionId": "users", "type": "auth", "refreshable": value})
		s, err := v.Verify(t.Context(), token, auth.AuthToken)
		if err != nil || s.Claims.Refreshable != want {
			t.Errorf("%v: got %v, %v", value, s, err)
		}
	}
}

func TestIssue(t *testing.T) {
	g := newRig(t, knownSecret)
	alice := g.alice()
	at := time.Unix(4102444800-432000, 999)
	got, err := auth.Issue(alice, auth.Grant{Kind: auth.AuthToken, Refreshable: true}, at)
	if err != nil {
		t.Fatal(err)
	}
	// A token of the reference with the same key, from its recorded answers.
	const want = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJjb2xsZWN0aW9uSWQiOiJfcGJfdXNlcnNfYXV0aF8iLCJleHAiOjQxMDI0NDQ4MDAsImlkIjoiYWxpY2VhYWFhYWFhYWExIiwicmVmcmVzaGFibGUiOnRydWUsInR5cGUiOiJhdXRoIn0.rT1bhRdhpeURbkC2m3gzBWgS49xFFrTxdIqoCyrodtQ"
	if got != want {
		t.Errorf("got %s", got)
	}
	v := g.verifier(func() time.Time { return at })
	for _, kind := range []auth.Kind{auth.FileToken, auth.VerificationToken, auth.PasswordResetToken, auth.EmailChangeToken} {
		token, err := auth.Issue(alice, auth.Grant{Kind: kind, NewEmail: "new@x.test"}, at)
		if err != nil {
			t.Fatal(err)
		}
		s, err := v.Verify(t.Context(), token, kind)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if mailed := kind != auth.FileToken; mailed != (s.Claims.Email == "alice@x.test") {
			t.Errorf("%s: email %q", kind, s.Claims.Email)
		}
		if change := kind == auth.EmailChangeToken; change != (s.Claims.NewEmail == "new@x.test") {
			t.Errorf("%s: new email %q", kind, s.Claims.NewEmail)
		}
		if _, err := v.Verify(t.Context(), token, auth.AuthToken); !errors.Is(err, auth.ErrToken) {
			t.Errorf("%s counts as an auth token: %v", kind, err)
		}
		if _, err := v.Verify(t.Context(), got, kind); !errors.Is(err, auth.ErrToken) {
			t.Errorf("an auth token counts as %s: %v", kind, err)
		}
	}
	if _, err := auth.Issue(alice, auth.Grant{Kind: "x"}, at); err == nil {
		t.Error("a token of an unknown kind")
	}
	blank := alice.Clone()
	blank.Set("tokenKey", "")
	if _, err := auth.Issue(blank, auth.Grant{Kind: auth.AuthToken}, at); err == nil {
		t.Error("a token that the secret alone signs")
	}
}

// TestLaw4_TokensEndWithTheWrite: whatever ends a token has ended it when the write is answered, also one that was
// remembered.
func TestLaw4_TokensEndWithTheWrite(t *testing.T) {
	g := newRig(t, nil)
	v := g.verifier(nil)
	alice := g.alice()
	issue := func() string {
		t.Helper()
		token, err := auth.Issue(alice, auth.Grant{Kind: auth.AuthToken, Refreshable: true}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token, auth.AuthToken); err != nil {
			t.Fatal(err)
		}
		return token
	}
	ended := func(what, token string) {
		t.Helper()
		if s, err := v.Verify(t.Context(), token, auth.AuthToken); !errors.Is(err, auth.ErrToken) {
			t.Errorf("%s: got %v, %v", what, s, err)
		}
	}
	token := issue()
	alice = g.update(alice, map[string]any{"name": "Alice"})
	s, err := v.Verify(t.Context(), token, auth.AuthToken)
	if err != nil || s.Record.Text("name") != "Alice" {
		t.Fatalf("after another field: %v, %v", s, err)
	}
	alice = g.update(alice, map[string]any{"password": "87654321"})
	ended("password", token)

	token = issue()
	alice = g.update(alice, map[string]any{"email": "other@x.test"})
	ended("email", token)

	token = issue()
	g.change("users", func(c *schema.Collection) { c.Name = "members" })
	if _, err := v.Verify(t.Context(), token, auth.AuthToken); err != nil {
		t.Errorf("rename: %v", err)
	}
	g.change("members", knownSecret)
	ended("secret", token)

	if alice, err = g.store.Load(t.Context(), alice.Collection.ID, alice.ID()); err != nil {
		t.Fatal(err)
	}
	token = issue()
	g.delete(alice)
	ended("delete", token)
}

func TestRememberedTokenExpires(t *testing.T) {
	g := newRig(t, nil)
	now := time.Now()
	v := g.verifier(func() time.Time { return now })
	token, err := auth.Issue(g.alice(), auth.Grant{Kind: auth.AuthToken, Duration: time.Minute}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token, auth.AuthToken); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	for range 2 {
		if _, err := v.Verify(t.Context(), token, auth.AuthToken); !errors.Is(err, auth.ErrToken) {
			t.Fatal(err)
		}
	}
}

func TestRememberedTokenAllocatesNothing(t *testing.T) {
	g := newRig(t, nil)
	v := g.verifier(nil)
	token, err := auth.Issue(g.alice(), auth.Grant{Kind: auth.AuthToken}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	first, err := v.Verify(ctx, token, auth.AuthToken)
	if err != nil {
		t.Fatal(err)
	}
	allocs := testing.AllocsPerRun(1000, func() {
		s, err := v.Verify(ctx, token, auth.AuthToken)
		if err != nil || s != first {
			t.Fatal("not remembered", err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
