package oauth2

// table are all providers; names and display names for people are in package schema.
var table = []known{
	{
		name: "apple", scopes: []string{"name", "email"}, authParams: map[string]string{"response_mode": "form_post"},
		authURL: "https://appleid.apple.com/auth/authorize", tokenURL: "https://appleid.apple.com/auth/token",
		raw:  appleClaims,
		read: reading{id: "sub", email: "email", verified: isTruthy("email_verified")},
		then: rememberedName,
	},
	{
		name:    "google",
		scopes:  []string{"https://www.googleapis.com/auth/userinfo.profile", "https://www.googleapis.com/auth/userinfo.email"},
		authURL: "https://accounts.google.com/o/oauth2/v2/auth", tokenURL: "https://oauth2.googleapis.com/token",
		userURL: "https://www.googleapis.com/oauth2/v3/userinfo",
		read:    reading{id: "sub", name: "name", avatar: "picture", email: "email", verified: isTrue("email_verified")},
	},
	{
		name: "microsoft", scopes: []string{"User.Read"}, openIDClaim: "idTokenEmailClaim",
		authURL:  "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
		tokenURL: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
		userURL:  "https://graph.microsoft.com/v1.0/me",
		read:     reading{id: "id", name: "displayName", email: "mail"},
		then:     claimedEmail,
	},
	{
		name: "yandex", scopes: []string{"login:email", "login:avatar", "login:info"},
		authURL: "https://oauth.yandex.com/authorize", tokenURL: "https://oauth.yandex.com/token",
		userURL: "https://login.yandex.ru/info",
		read:    reading{id: "id", name: "real_name", username: "login", email: "default_email"},
		then:    yandexAvatar,
	},
	{
		name: "facebook", scopes: []string{"email"},
		authURL: "https://www.facebook.com/v3.2/dialog/oauth", tokenURL: "https://graph.facebook.com/v3.2/oauth/access_token",
		userURL: "https://graph.facebook.com/me?fields=name,email,picture.type(large)",
		read:    reading{id: "id", name: "name", avatar: "picture.data.url", email: "email"},
	},
	{
		name: "instagram2", scopes: []string{"instagram_business_basic"},
		authURL: "https://www.instagram.com/oauth/authorize", tokenURL: "https://api.instagram.com/oauth/access_token",
		userURL: "https://graph.instagram.com/me?fields=id,username,account_type,user_id,name,profile_picture_url,followers_count,follows_count,media_count",
		read:    reading{id: "user_id", name: "name", username: "username", avatar: "profile_picture_url"},
		then:    instagramPermissions,
	},
	{
		name: "github", scopes: []string{"read:user", "user:email"},
		authURL: "https://github.com/login/oauth/authorize", tokenURL: "https://github.com/login/oauth/access_token",
		userURL: "https://api.github.com/user",
		read:    reading{number: "id", name: "name", username: "login", avatar: "avatar_url"},
		then:    listedEmail,
	},
	{
		name: "gitlab", scopes: []string{"read_user"},
		authURL: "https://gitlab.com/oauth/authorize", tokenURL: "https://gitlab.com/oauth/token",
		userURL: "https://gitlab.com/api/v4/user",
		read: reading{
			number: "id", name: "name", username: "username", avatar: "avatar_url", email: "email", verified: isTime("confirmed_at"),
		},
	},
	{
		name: "bitbucket", scopes: []string{"account"}, noPKCE: true,
		authURL: "https://bitbucket.org/site/oauth2/authorize", tokenURL: "https://bitbucket.org/site/oauth2/access_token",
		userURL: "https://api.bitbucket.org/2.0/user",
		read: reading{
			id: "uuid", name: "display_name", username: "username", avatar: "links.avatar.href", active: isText("account_status", "active"),
		},
		then: bitbucketEmail,
	},
	{
		name: "gitee", scopes: []string{"user_info", "emails"},
		authURL: "https://gitee.com/oauth/authorize", tokenURL: "https://gitee.com/oauth/token",
		userURL: "https://gitee.com/api/v5/user",
		read:    reading{number: "id", name: "name", username: "login", avatar: "avatar_url", email: "email"},
		then:    giteeEmail,
	},
	{
		name: "gitea", scopes: []string{"read:user", "user:email"},
		authURL: "https://gitea.com/login/oauth/authorize", tokenURL: "https://gitea.com/login/oauth/access_token",
		userURL: "https://gitea.com/api/v1/user",
		read:    reading{number: "id", name: "full_name", username: "login", avatar: "avatar_url", active: isTrue("active")},
		then:    listedEmail,
	},
	{
		name: "discord", scopes: []string{"identify", "email"},
		authURL: "https://discord.com/api/oauth2/authorize", tokenURL: "https://discord.com/api/oauth2/token",
		userURL: "https://discord.com/api/users/@me",
		read:    reading{id: "id", name: "global_name", username: "username", email: "email", verified: isTrue("verified")},
		then:    discordNames,
	},
	{
		name: "twitter", scopes: []string{"users.read", "users.email", "tweet.read"},
		authURL: "https://x.com/i/oauth2/authorize", tokenURL: "https://api.x.com/2/oauth2/token",
		userURL: "https://api.x.com/2/users/me?user.fields=id,name,username,profile_image_url,confirmed_email",
		read: reading{
			id: "data.id", name: "data.name", username: "data.username", avatar: "data.profile_image_url", email: "data.confirmed_email",
		},
	},
	{
		name: "kakao", scopes: []string{"account_email", "profile_nickname", "profile_image"},
		authURL: "https://kauth.kakao.com/oauth/authorize", tokenURL: "https://kauth.kakao.com/oauth/token",
		userURL: "https://kapi.kakao.com/v2/user/me",
		read: reading{
			number: "id", username: "properties.nickname", avatar: "properties.profile_image", email: "kakao_account.email",
			verified: both(isTrue("kakao_account.is_email_valid"), isTrue("kakao_account.is_email_verified")),
		},
	},
	{
		name: "vk", scopes: []string{"email"}, noPKCE: true,
		authURL: "https://oauth.vk.com/authorize", tokenURL: "https://oauth.vk.com/access_token",
		userURL: "https://api.vk.com/method/users.get?fields=photo_max,screen_name&v=5.131",
		read: reading{
			number: "response.0.id", username: "response.0.screen_name", avatar: "response.0.photo_max", active: hasAny("response"),
		},
		then: vkUser,
	},
	{
		name: "linear", scopes: []string{"read"}, noPKCE: true,
		authURL: "https://linear.app/oauth/authorize", tokenURL: "https://api.linear.app/oauth/token",
		userURL: "https://api.linear.app/graphql", query: "query Me { viewer { id displayName name email avatarUrl active } }",
		read: reading{
			id: "data.viewer.id", name: "data.viewer.name", username: "data.viewer.displayName", avatar: "data.viewer.avatarUrl",
			email: "data.viewer.email", active: isTrue("data.viewer.active"),
		},
	},
	{
		name:    "notion",
		authURL: "https://api.notion.com/v1/oauth/authorize", tokenURL: "https://api.notion.com/v1/oauth/token",
		userURL: "https://api.notion.com/v1/users/me", headers: map[string]string{"Notion-Version": "2022-06-28"},
		read: reading{
			id: "bot.owner.user.id", name: "bot.owner.user.name", avatar: "bot.owner.user.avatar_url", email: "bot.owner.user.person.email",
		},
	},
	{
		name: "monday", scopes: []string{"me:read"},
		authURL: "https://auth.monday.com/oauth2/authorize", tokenURL: "https://auth.monday.com/oauth2/token",
		userURL: "https://api.monday.com/v2", query: "query { me { id enabled name email is_verified photo_small } }",
		read: reading{
			id: "data.me.id", name: "data.me.name", avatar: "data.me.photo_small", email: "data.me.email",
			verified: isTrue("data.me.is_verified"), active: isTrue("data.me.enabled"),
		},
	},
	{
		name:     "lark",
		authURL:  "https://accounts.feishu.cn/open-apis/authen/v1/authorize",
		tokenURL: "https://open.feishu.cn/open-apis/authen/v2/oauth/token",
		userURL:  "https://open.feishu.cn/open-apis/authen/v1/user_info",
		read:     reading{id: "data.union_id", name: "data.name", avatar: "data.avatar_url"},
	},
	{
		name: "box", scopes: []string{"root_readonly"},
		authURL: "https://account.box.com/api/oauth2/authorize", tokenURL: "https://api.box.com/oauth2/token",
		userURL: "https://api.box.com/2.0/users/me",
		read:    reading{id: "id", name: "name", avatar: "avatar_url", email: "login", active: isText("status", "active")},
	},
	{
		name: "spotify", scopes: []string{"user-read-private"},
		authURL: "https://accounts.spotify.com/authorize", tokenURL: "https://accounts.spotify.com/api/token",
		userURL: "https://api.spotify.com/v1/me",
		read:    reading{id: "id", name: "display_name", avatar: "images.0.url"},
	},
	{
		name:    "trakt",
		authURL: "https://trakt.tv/oauth/authorize", tokenURL: "https://api.trakt.tv/oauth/token",
		userURL: "https://api.trakt.tv/users/settings",
		headers: map[string]string{"Content-Type": "application/json", "trakt-api-key": clientIDHere, "trakt-api-version": "2"},
		read:    reading{id: "user.ids.uuid", name: "user.name", username: "user.username", avatar: "user.images.avatar.full"},
	},
	{
		name: "twitch", scopes: []string{"user:read:email"},
		authURL: "https://id.twitch.tv/oauth2/authorize", tokenURL: "https://id.twitch.tv/oauth2/token",
		userURL: "https://api.twitch.tv/helix/users", headers: map[string]string{"Client-Id": clientIDHere},
		read: reading{
			id: "data.0.id", name: "data.0.display_name", username: "data.0.login", avatar: "data.0.profile_image_url", email: "data.0.email",
			active: hasAny("data"),
		},
	},
	{
		name: "patreon", scopes: []string{"identity", "identity[email]"},
		authURL: "https://www.patreon.com/oauth2/authorize", tokenURL: "https://www.patreon.com/api/oauth2/token",
		userURL: "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=full_name,email,vanity,image_url,is_email_verified",
		read: reading{
			id: "data.id", name: "data.attributes.full_name", username: "data.attributes.vanity", avatar: "data.attributes.image_url",
			email: "data.attributes.email", verified: isTrue("data.attributes.is_email_verified"),
		},
	},
	{
		name: "strava", scopes: []string{"profile:read_all"},
		authURL: "https://www.strava.com/oauth/authorize", tokenURL: "https://www.strava.com/api/v3/oauth/token",
		userURL: "https://www.strava.com/api/v3/athlete",
		read:    reading{number: "id", username: "username", avatar: "profile"},
		then:    stravaUser,
	},
	{
		name: "wakatime", scopes: []string{"email"},
		authURL: "https://wakatime.com/oauth/authorize", tokenURL: "https://wakatime.com/oauth/token",
		userURL: "https://wakatime.com/api/v1/users/current",
		read: reading{
			id: "data.id", name: "data.display_name", username: "data.username", avatar: "data.photo",
			email: "data.email", verified: isTrue("data.is_email_confirmed"),
		},
		then: wakatimePhoto,
	},
	{
		name:    "livechat",
		authURL: "https://accounts.livechat.com/", tokenURL: "https://accounts.livechat.com/token",
		userURL: "https://accounts.livechat.com/v2/accounts/me",
		read:    reading{id: "account_id", name: "name", avatar: "avatar_url", email: "email", verified: isTrue("email_verified")},
	},
	{
		name: "mailcow", scopes: []string{"profile"},
		read: reading{id: "id", name: "full_name", username: "username", email: "email", active: isOne("active")},
		then: mailcowUsername,
	},
	{
		name: "planningcenter", scopes: []string{"people"},
		authURL:  "https://api.planningcenteronline.com/oauth/authorize",
		tokenURL: "https://api.planningcenteronline.com/oauth/token",
		userURL:  "https://api.planningcenteronline.com/people/v2/me",
		read: reading{
			id: "data.id", name: "data.attributes.name", avatar: "data.attributes.avatar", active: isText("data.attributes.status", "active"),
		},
	},
	openID("oidc"), openID("oidc2"), openID("oidc3"),
}

// openID is any provider that speaks OpenID Connect; its addresses come from the collection.
func openID(name string) known {
	return known{
		name: name, scopes: []string{"openid", "email", "profile"}, raw: openIDClaims,
		read: reading{
			id: "sub", name: "name", username: "preferred_username", avatar: "picture", email: "email", verified: isTruthy("email_verified"),
		},
	}
}
