package oauth2

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// userCase is an answer of a provider at its own addresses and what it becomes; want is id|name|username|avatar|email, or
// "" for a failure.
type userCase struct {
	name, provider, said, want string
	more                       map[string]string // further answers
	token                      map[string]any
	extra                      map[string]any
}

const githubEmails, giteaEmails, bitbucketEmails = "GET https://api.github.com/user/emails", "GET https://gitea.com/api/v1/user/emails",
	"GET https://api.bitbucket.org/2.0/user/emails"

var userCases = []userCase{
	{provider: "google", said: `{"sub":"1","name":"N","picture":"P","email":"e@x.test","email_verified":true}`, want: "1|N||P|e@x.test"},
	{provider: "google", said: `{"SUB":"1","Email":"e@x.test","Email_Verified":true}`, want: "1||||e@x.test", name: "keys in another case"},
	{provider: "google", said: `{"sub":"1","email":"e@x.test"}`, want: "1||||", name: "not verified"},
	{provider: "google", said: `{"sub":"1","email_verified":"true"}`, name: "verified is a text"},
	{provider: "google", said: `{"sub":null,"name":null}`, want: "||||", name: "nulls"},
	{provider: "google", said: `{"sub":1}`, name: "the id is a number"},
	{provider: "google", said: `[]`, name: "a list"},
	{provider: "google", said: `{`, name: "broken"},
	{provider: "google", said: `{} {}`, name: "two answers"},
	{provider: "microsoft", said: `{"id":"1","displayName":"N","mail":"e@x.test"}`, want: "1|N|||e@x.test"},
	{provider: "yandex", said: `{"id":"1","real_name":"N","login":"U","default_email":"e@x.test","default_avatar_id":"A"}`, want: "1|N|U|https://avatars.yandex.net/get-yapic/A/islands-200|e@x.test"},
	{provider: "yandex", said: `{"id":"1","is_avatar_empty":true,"default_avatar_id":"A"}`, want: "1||||"},
	{provider: "facebook", said: `{"id":"1","name":"N","email":"e@x.test","picture":{"data":{"url":"P"}}}`, want: "1|N||P|e@x.test"},
	{provider: "facebook", said: `{"id":"1","picture":"P"}`, name: "the picture is a text"},
	{provider: "instagram2", said: `{"id":"x","user_id":"1","name":"N","username":"U","profile_picture_url":"P","email":"e@x.test"}`, want: "1|N|U|P|"},
	{provider: "github", said: `{"id":1,"name":"N","login":"U","avatar_url":"P","email":"not@x.test"}`, want: "1|N|U|P|e@x.test",
		more: map[string]string{githubEmails: `[{"email":"a@x.test","verified":true},{"email":"b@x.test","primary":true},{"email":"e@x.test","primary":true,"verified":true}]`}},
	{provider: "github", said: `{"id":1}`, want: "1||||", name: "no emails"},
	{provider: "github", said: `{"id":1.5}`, name: "half an id"},
	{provider: "github", said: `{"id":1}`, more: map[string]string{githubEmails: `{}`}, name: "emails of another shape"},
	{provider: "github", said: `{}`, want: "0||||", name: "no id"},
	{provider: "gitlab", said: `{"id":9007199254740993,"name":"N","username":"U","avatar_url":"P","email":"e@x.test","confirmed_at":"2020-01-01T00:00:00Z"}`, want: "9007199254740993|N|U|P|e@x.test"},
	{provider: "gitlab", said: `{"id":1,"email":"e@x.test","confirmed_at":"yesterday"}`, want: "1||||", name: "not confirmed"},
	{provider: "bitbucket", said: `{"uuid":"1","display_name":"N","username":"U","links":{"avatar":{"href":"P"}},"account_status":"active"}`, want: "1|N|U|P|e@x.test",
		more: map[string]string{bitbucketEmails: `{"values":[{"email":"a@x.test","is_primary":true},{"email":"e@x.test","is_primary":true,"is_confirmed":true}]}`}},
	{provider: "bitbucket", said: `{"uuid":"1"}`, name: "not active"},
	{provider: "gitee", said: `{"id":1,"name":"N","login":"U","avatar_url":"P","email":"e@x.test"}`, want: "1|N|U|P|e@x.test"},
	{provider: "gitee", said: `{"id":1,"email":"hidden"}`, want: "1||||e@x.test", name: "an email that is none",
		more: map[string]string{"GET " + giteeEmails: `[{"email":"a@x.test","state":"confirmed","scope":[]},{"email":"e@x.test","state":"confirmed","scope":["primary"]}]`}},
	{provider: "gitee", said: `{"id":1}`, want: "1||||", name: "no emails"},
	{provider: "gitea", said: `{"id":1,"full_name":"N","login":"U","avatar_url":"P","active":true,"email":"not@x.test"}`, want: "1|N|U|P|e@x.test",
		more: map[string]string{giteaEmails: `[{"email":"e@x.test","primary":true,"verified":true}]`}},
	{provider: "gitea", said: `{"id":1}`, name: "not active"},
	{provider: "discord", said: `{"id":"1","global_name":"N","username":"U","avatar":"A","email":"e@x.test","verified":true}`, want: "1|N|U|https://cdn.discordapp.com/avatars/1/A.png|e@x.test"},
	{provider: "discord", said: `{"id":"1","username":"U","discriminator":"12","email":"e@x.test"}`, want: "1|U#12|U||"},
	{provider: "discord", said: `{"id":"1","username":"U","discriminator":"0"}`, want: "1|U|U||"},
	{provider: "discord", said: `{"id":"1","discriminator":12}`, name: "the discriminator is a number"},
	{provider: "twitter", said: `{"data":{"id":"1","name":"N","username":"U","profile_image_url":"P","confirmed_email":"e@x.test"}}`, want: "1|N|U|P|e@x.test"},
	{provider: "kakao", said: `{"id":1,"properties":{"nickname":"U","profile_image":"P"},"kakao_account":{"email":"e@x.test","is_email_valid":true,"is_email_verified":true}}`, want: "1||U|P|e@x.test"},
	{provider: "kakao", said: `{"id":1,"kakao_account":{"email":"e@x.test","is_email_verified":true}}`, want: "1||||"},
	{provider: "vk", said: `{"response":[{"id":1,"first_name":"F","last_name":"","screen_name":"U","photo_max":"P"}]}`, want: "1|F|U|P|e@x.test", token: map[string]any{"email": "e@x.test"}},
	{provider: "vk", said: `{"response":[]}`, name: "nobody"},
	{provider: "vk", said: `{"response":{}}`, name: "an object"},
	{provider: "notion", said: `{"bot":{"owner":{"user":{"id":"1","name":"N","avatar_url":"P","person":{"email":"e@x.test"}}}}}`, want: "1|N||P|e@x.test"},
	{provider: "lark", said: `{"data":{"union_id":"1","name":"N","avatar_url":"P","email":"e@x.test"}}`, want: "1|N||P|"},
	{provider: "box", said: `{"id":"1","name":"N","avatar_url":"P","login":"e@x.test","status":"active"}`, want: "1|N||P|e@x.test"},
	{provider: "box", said: `{"id":"1","status":"inactive"}`, name: "not active"},
	{provider: "spotify", said: `{"id":"1","display_name":"N","images":[{"url":"P"}],"email":"e@x.test"}`, want: "1|N||P|"},
	{provider: "spotify", said: `{"id":"1","images":[]}`, want: "1||||"},
	{provider: "trakt", said: `{"user":{"ids":{"uuid":"1"},"name":"N","username":"U","images":{"avatar":{"full":"P"}}}}`, want: "1|N|U|P|"},
	{provider: "twitch", said: `{"data":[{"id":"1","display_name":"N","login":"U","profile_image_url":"P","email":"e@x.test"}]}`, want: "1|N|U|P|e@x.test"},
	{provider: "twitch", said: `{"data":[]}`, name: "nobody"},
	{provider: "patreon", said: `{"data":{"id":"1","attributes":{"full_name":"N","vanity":"U","image_url":"P","email":"e@x.test","is_email_verified":true}}}`, want: "1|N|U|P|e@x.test"},
	{provider: "strava", said: `{"id":1,"firstname":"F","lastname":"L","username":"U","profile":"P"}`, want: "1|F L|U|P|"},
	{provider: "strava", said: `{"firstname":"F"}`, want: "|F |||"},
	{provider: "wakatime", said: `{"data":{"id":"1","display_name":"N","username":"U","photo":"P","photo_public":true,"email":"e@x.test","is_email_confirmed":true}}`, want: "1|N|U|P|e@x.test"},
	{provider: "wakatime", said: `{"data":{"id":"1","photo":"P","email":"e@x.test"}}`, want: "1||||"},
	{provider: "livechat", said: `{"account_id":"1","name":"N","avatar_url":"P","email":"e@x.test","email_verified":true}`, want: "1|N||P|e@x.test"},
	{provider: "planningcenter", said: `{"data":{"id":"1","attributes":{"name":"N","avatar":"P","status":"active"}}}`, want: "1|N||P|"},
	{provider: "planningcenter", said: `{"data":{"id":"1","attributes":{}}}`, name: "not active"},
}

func (tt *userCase) client(t *testing.T, address string) (*Client, *stub) {
	s := &stub{t: t, answers: map[string]string{"GET " + address: tt.said}, token: tt.token}
	maps.Copy(s.answers, tt.more)
	return s.client(), s
}

func shown(u *User) string {
	if u == nil {
		return ""
	}
	return strings.Join([]string{u.ID, u.Name, u.Username, u.AvatarURL, u.Email}, "|")
}

func TestUsers(t *testing.T) {
	for _, tt := range userCases {
		t.Run(tt.provider+" "+tt.name, func(t *testing.T) {
			p := provider(t, schema.OAuth2Provider{Name: tt.provider, Extra: tt.extra})
			c, s := tt.client(t, p.userURL())
			u, err := c.User(t.Context(), p, Code{Code: "c"})
			if shown(u) != tt.want || (tt.want == "") != errors.Is(err, ErrUser) {
				t.Fatalf("got %s, %v", shown(u), err)
			}
			if err == nil && (u.AccessToken != "the access token" || u.Raw == nil) {
				t.Errorf("%+v", u)
			}
			for _, r := range s.asked[1:] {
				if r.Header.Get("Authorization") != "Bearer the access token" {
					t.Errorf("%s is asked without the token", r.URL)
				}
			}
		})
	}
}

// TestUsersAtOwnAddresses: what a collection sets goes before what is known.
func TestUsersAtOwnAddresses(t *testing.T) {
	set := schema.OAuth2Provider{
		Name: "gitea", TokenURL: "https://own.test/token", UserInfoURL: "https://own.test/api/user?x=1",
	}
	s := &stub{t: t, answers: map[string]string{
		"GET https://own.test/api/user?x=1":        `{"id":1,"active":true}`,
		"GET https://own.test/api/user/emails?x=1": `[{"email":"e@x.test","primary":true,"verified":true}]`,
	}}
	u, err := s.client().User(t.Context(), provider(t, set), Code{Code: "c"})
	if err != nil || u.Email != "e@x.test" || s.asked[0].URL.String() != set.TokenURL {
		t.Errorf("%s, %v", shown(u), err)
	}
}

func TestQueriesAndHeaders(t *testing.T) {
	for _, tt := range []struct {
		set     schema.OAuth2Provider
		method  string
		said    string
		want    string
		headers map[string]string
	}{
		{schema.OAuth2Provider{Name: "linear"}, "POST", `{"data":{"viewer":{"id":"1","name":"N","displayName":"U","avatarUrl":"P","email":"e@x.test","active":true}}}`, "1|N|U|P|e@x.test", map[string]string{"Content-Type": "application/json"}},
		{schema.OAuth2Provider{Name: "linear"}, "POST", `{"data":{"viewer":{"id":"1"}}}`, "", nil},
		{schema.OAuth2Provider{Name: "monday"}, "POST", `{"data":{"me":{"id":"1","name":"N","photo_small":"P","email":"e@x.test","is_verified":true,"enabled":true}}}`, "1|N||P|e@x.test", nil},
		{schema.OAuth2Provider{Name: "monday"}, "POST", `{"data":{"me":{"id":"1","email":"e@x.test","enabled":true}}}`, "1||||", nil},
		{schema.OAuth2Provider{Name: "notion"}, "GET", `{}`, "||||", map[string]string{"Notion-Version": "2022-06-28"}},
		{schema.OAuth2Provider{Name: "trakt"}, "GET", `{}`, "||||", map[string]string{"Trakt-Api-Key": "cid", "Trakt-Api-Version": "2", "Content-Type": "application/json"}},
		{schema.OAuth2Provider{Name: "twitch"}, "GET", `{"data":[{"id":"1"}]}`, "1||||", map[string]string{"Client-Id": "cid"}},
		{schema.OAuth2Provider{Name: "mailcow", UserInfoURL: "https://own.test/u", TokenURL: "https://own.test/t"}, "GET", `{"id":"1","full_name":"N","username":"u@x.test","email":"e@x.test","active":1}`, "1|N|u||e@x.test", nil},
		{schema.OAuth2Provider{Name: "mailcow", UserInfoURL: "https://own.test/u", TokenURL: "https://own.test/t"}, "GET", `{"id":"1","active":2}`, "", nil},
		{schema.OAuth2Provider{Name: "mailcow", UserInfoURL: "https://own.test/u", TokenURL: "https://own.test/t"}, "GET", `{"id":"1","active":true}`, "", nil},
		{schema.OAuth2Provider{Name: "oidc", UserInfoURL: "https://own.test/u", TokenURL: "https://own.test/t"}, "GET", `{"sub":"1","preferred_username":"U","email":"e@x.test","email_verified":1}`, "1||U||e@x.test", nil},
		{schema.OAuth2Provider{Name: "oidc3", UserInfoURL: "https://own.test/u", TokenURL: "https://own.test/t"}, "GET", `{"sub":"1","email":"e@x.test","email_verified":"no"}`, "1||||", nil},
	} {
		p := provider(t, tt.set)
		s := &stub{t: t, answers: map[string]string{tt.method + " " + p.userURL(): tt.said}}
		u, err := s.client().User(t.Context(), p, Code{Code: "c"})
		if shown(u) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: got %s, %v", tt.set.Name, shown(u), err)
		}
		for name, want := range tt.headers {
			if got := s.asked[1].Header.Get(name); got != want {
				t.Errorf("%s: header %s is %q", tt.set.Name, name, got)
			}
		}
	}
}

func TestInstagramShowsPermissions(t *testing.T) {
	p := provider(t, schema.OAuth2Provider{Name: "instagram2"})
	for said, want := range map[string]any{`{"user_id":"1"}`: "p", `{"user_id":"1","permissions":"own"}`: "own"} {
		s := &stub{t: t, answers: map[string]string{"GET " + p.userURL(): said}, token: map[string]any{"permissions": "p"}}
		u, err := s.client().User(t.Context(), p, Code{Code: "c"})
		if err != nil || u.Raw["permissions"] != want {
			t.Errorf("%v, %v", u, err)
		}
	}
}
