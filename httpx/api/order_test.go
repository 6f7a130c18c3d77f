package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var jsonKey = regexp.MustCompile(`"(\w+)":`)

// TestKeysInOrder: answers with fixed keys have them in the recorded order; clients show them so.
func TestKeysInOrder(t *testing.T) {
	p := newIDP(t)
	g := newRig(t, nil)
	p.members(g, "")
	keys := func(raw []byte) string {
		var list []string
		for _, m := range jsonKey.FindAllSubmatch(raw, -1) {
			list = append(list, string(m[1]))
		}
		return strings.Join(list, " ")
	}
	const provider = "name displayName logo state authURL authUrl codeVerifier codeChallenge codeChallengeMethod "
	_, _, raw := g.raw("GET", "/api/collections/members/auth-methods", "", nil)
	want := "password identityFields enabled oauth2 providers " + provider + provider + "enabled mfa enabled duration otp enabled duration authProviders " +
		provider + provider + "usernamePassword emailPassword"
	if got := keys(raw); got != want {
		t.Errorf("auth-methods:\n%s\nwant\n%s", got, want)
	}
	body := fmt.Sprintf(`{"provider":%q,"code":%q}`, "oidc", "ann ann@x.test")
	_, _, raw = g.raw("POST", "/api/collections/members/auth-with-oauth2", body, http.Header{"Content-Type": {"application/json"}})
	if got := keys(raw); !strings.HasPrefix(got, "meta id name username email avatarURL avatarUrl accessToken refreshToken expiry rawUser ") || !strings.HasSuffix(got, " token") {
		t.Errorf("auth-with-oauth2: %s", got)
	}
}
