package schema_test

import (
	"fmt"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// TestProvidersKeepTheirOwnSecrets: whatever order, length and names a list has that leaves secrets out, no provider gets the
// secret, address or extras of another one.
func TestProvidersKeepTheirOwnSecrets(t *testing.T) {
	for name, c := range map[string]struct{ sent, want string }{
		"reordered":          {`[{"name":"github"},{"name":"google"}]`, "github:gh-secret:x google:go-secret:"},
		"the first is gone":  {`[{"name":"github"}]`, "github:gh-secret:x"},
		"a new one in front": {`[{"name":"gitlab","clientId":"new"},{"name":"google"},{"name":"github"}]`, "gitlab:: google:go-secret: github:gh-secret:x"},
		"another in place":   {`[{"name":"gitlab"},{"name":"github"}]`, "gitlab:: github:gh-secret:x"},
		"a new secret":       {`[{"name":"google"},{"name":"github","clientSecret":"n","extra":null}]`, "google:go-secret: github:n:"},
		"without names":      {`[{"clientId":"i"},{}]`, "google:go-secret: github:gh-secret:x"},
		"the same twice":     {`[{"name":"github","extra":{"k":"y"}},{"name":"github"}]`, "github:gh-secret:y github:gh-secret:x"},
		"null":               {`null`, ""},
		"nobody":             {`[]`, ""},
	} {
		col, err := schema.DecodeNew([]byte(`{"name":"m","type":"auth"}`))
		if err != nil {
			t.Fatal(err)
		}
		col.Auth.OAuth2.Providers = []schema.OAuth2Provider{
			{Name: "google", ClientSecret: "go-secret"}, {Name: "github", ClientSecret: "gh-secret", Extra: map[string]any{"k": "x"}},
		}
		now := col.Clone()
		if err := now.Decode([]byte(`{"oauth2":{"enabled":true,"providers":` + c.sent + `}}`)); err != nil {
			t.Fatal(name, err)
		}
		got := ""
		for i, p := range now.Auth.OAuth2.Providers {
			if i > 0 {
				got += " "
			}
			extra, _ := p.Extra["k"].(string)
			got += fmt.Sprintf("%s:%s:%s", p.Name, p.ClientSecret, extra)
		}
		if got != c.want || !now.Auth.OAuth2.Enabled {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if col.Auth.OAuth2.Providers[1].Extra["k"] != "x" {
			t.Errorf("%s: the stored definition was changed", name)
		}
	}
}
