package schema

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// Provider names an OAuth2 provider that collections can be set up with.
type Provider struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	// Logo is an SVG image as text: a disc with the initial of the provider.
	Logo string `json:"logo"`
}

// providerNames are names and display names in the order that clients list them in.
var providerNames = [...][2]string{
	{"apple", "Apple"}, {"google", "Google"}, {"microsoft", "Microsoft"}, {"yandex", "Yandex"},
	{"facebook", "Facebook"}, {"instagram2", "Instagram"}, {"github", "GitHub"}, {"gitlab", "GitLab"},
	{"bitbucket", "Bitbucket"}, {"gitee", "Gitee"}, {"gitea", "Gitea/Forgejo"}, {"discord", "Discord"},
	{"twitter", "X/Twitter"}, {"kakao", "Kakao"}, {"vk", "ВКонтакте"}, {"linear", "Linear"},
	{"notion", "Notion"}, {"monday", "monday.com"}, {"lark", "Lark"}, {"box", "Box"},
	{"spotify", "Spotify"}, {"trakt", "Trakt"}, {"twitch", "Twitch"}, {"patreon", "Patreon"},
	{"strava", "Strava"}, {"wakatime", "WakaTime"}, {"livechat", "LiveChat"}, {"mailcow", "mailcow"},
	{"planningcenter", "Planning Center"}, {"oidc", "OIDC"}, {"oidc2", "OIDC"}, {"oidc3", "OIDC"},
}

// Providers returns the OAuth2 providers in the order that clients list them in.
func Providers() []Provider {
	list := make([]Provider, len(providerNames))
	for i, p := range providerNames {
		list[i] = Provider{Name: p[0], DisplayName: p[1], Logo: initialLogo(p[1])}
	}
	return list
}

// ProviderByName returns the OAuth2 provider of that name.
func ProviderByName(name string) (Provider, bool) {
	for _, p := range providerNames {
		if p[0] == name {
			return Provider{Name: p[0], DisplayName: p[1], Logo: initialLogo(p[1])}, true
		}
	}
	return Provider{}, false
}

// isProvider tells whether there is an OAuth2 provider of that name.
func isProvider(name string) bool {
	for _, p := range providerNames {
		if p[0] == name {
			return true
		}
	}
	return false
}

// asciiText escapes a text for XML. Clients hand logos to btoa, which takes nothing beyond Latin-1.
func asciiText(s string) string {
	var out strings.Builder
	for _, r := range html.EscapeString(s) {
		if r < utf8.RuneSelf {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "&#%d;", r)
		}
	}
	return out.String()
}

func initialLogo(name string) string {
	_, n := utf8.DecodeRuneInString(name)
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">` +
		`<circle cx="16" cy="16" r="15" fill="#e4e9ec"/>` +
		`<text x="16" y="22" font-family="sans-serif" font-size="17" font-weight="600" text-anchor="middle" fill="#3d4a57">` +
		asciiText(strings.ToUpper(name[:n])) + `</text></svg>`
}

// Scaffolds returns a blank collection of each type as clients see it before it is saved: without id, name and dates.
func Scaffolds() map[Type]*Collection {
	auth := NewCollection(Auth, "")
	addAuthIndexes(auth, randomText(10, "abcdefghijklmnopqrstuvwxyz0123456789"))
	return map[Type]*Collection{Base: NewCollection(Base, ""), Auth: auth, View: NewCollection(View, "")}
}
