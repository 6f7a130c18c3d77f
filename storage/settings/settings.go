package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// Settings is the document, with its keys in the order of the stored text. Durations are in seconds, sizes in bytes.
type Settings struct {
	// SuperuserIPs are the addresses and subnets that superusers may come from; empty is anywhere.
	SuperuserIPs []string     `json:"superuserIPs"`
	SMTP         SMTP         `json:"smtp"`
	Backups      Backups      `json:"backups"`
	S3           S3           `json:"s3"`
	Meta         Meta         `json:"meta"`
	RateLimits   RateLimits   `json:"rateLimits"`
	TrustedProxy TrustedProxy `json:"trustedProxy"`
	Batch        Batch        `json:"batch"`
	Logs         Logs         `json:"logs"`
}

// SMTP is the server that mail goes through. TLS asks for TLS from the start, otherwise it is used when offered.
type SMTP struct {
	Enabled    bool   `json:"enabled"`
	Port       int    `json:"port"`
	Host       string `json:"host"`
	Username   string `json:"username"`
	Password   string `json:"password"`
	AuthMethod string `json:"authMethod"`
	TLS        bool   `json:"tls"`
	LocalName  string `json:"localName"`
}

// Backups says when backups are made and where they go.
type Backups struct {
	Cron        string `json:"cron"`
	CronMaxKeep int    `json:"cronMaxKeep"`
	S3          S3     `json:"s3"`
}

// S3 is a bucket.
type S3 struct {
	Enabled        bool   `json:"enabled"`
	Bucket         string `json:"bucket"`
	Region         string `json:"region"`
	Endpoint       string `json:"endpoint"`
	AccessKey      string `json:"accessKey"`
	Secret         string `json:"secret,omitempty"`
	ForcePathStyle bool   `json:"forcePathStyle"`
}

// Meta says what the server calls itself.
type Meta struct {
	AccentColor   string `json:"accentColor"`
	AppName       string `json:"appName"`
	AppURL        string `json:"appURL"`
	SenderName    string `json:"senderName"`
	SenderAddress string `json:"senderAddress"`
	HideControls  bool   `json:"hideControls"`
}

// RateLimits bound the requests of one address.
type RateLimits struct {
	Rules       []RateLimitRule `json:"rules"`
	ExcludedIPs []string        `json:"excludedIPs"`
	Enabled     bool            `json:"enabled"`
}

// RateLimitRule allows MaxRequests in Duration seconds to what Label names.
type RateLimitRule struct {
	Label       string `json:"label"`
	Audience    string `json:"audience"`
	Duration    int64  `json:"duration"`
	MaxRequests int    `json:"maxRequests"`
}

// The audiences of a [RateLimitRule]; the empty one is everybody.
const (
	AudienceGuest = "@guest"
	AudienceAuth  = "@auth"
)

// TrustedProxy names the headers that hold the address of the client.
type TrustedProxy struct {
	Headers       []string `json:"headers"`
	UseLeftmostIP bool     `json:"useLeftmostIP"`
}

// Batch bounds batch requests. MaxBodySize 0 stands for the limit of other bodies.
type Batch struct {
	Enabled     bool  `json:"enabled"`
	MaxRequests int   `json:"maxRequests"`
	Timeout     int64 `json:"timeout"`
	MaxBodySize int64 `json:"maxBodySize"`
}

// Logs says what of requests is kept and for how many days, 0 is nothing.
type Logs struct {
	MaxDays   int  `json:"maxDays"`
	MinLevel  int  `json:"minLevel"`
	LogIP     bool `json:"logIP"`
	LogAuthID bool `json:"logAuthId"`
}

// Default returns the settings of a fresh server.
func Default() *Settings {
	return &Settings{
		SuperuserIPs: []string{},
		SMTP:         SMTP{Port: 587, Host: "smtp.example.com"},
		Backups:      Backups{CronMaxKeep: 3},
		Meta: Meta{
			AccentColor: "#1055c9", AppName: "Acme", AppURL: "http://localhost:8090",
			SenderName: "Support", SenderAddress: "support@example.com",
		},
		RateLimits: RateLimits{
			Rules: []RateLimitRule{
				{Label: "*:auth", Duration: 3, MaxRequests: 2},
				{Label: "*:create", Duration: 5, MaxRequests: 20},
				{Label: "/api/batch", Duration: 1, MaxRequests: 3},
				{Label: "/api/", Duration: 10, MaxRequests: 300},
			},
			ExcludedIPs: []string{},
		},
		TrustedProxy: TrustedProxy{Headers: []string{}},
		Batch:        Batch{MaxRequests: 50, Timeout: 3},
		Logs:         Logs{MaxDays: 5, LogIP: true},
	}
}

// Clone returns a deep copy, which the caller may change.
func (s *Settings) Clone() *Settings {
	c := *s
	// Without spare capacity, so that a list that is decoded over it meets no old elements behind its end.
	c.SuperuserIPs = slices.Clip(slices.Clone(s.SuperuserIPs))
	c.RateLimits.Rules = slices.Clip(slices.Clone(s.RateLimits.Rules))
	c.RateLimits.ExcludedIPs = slices.Clip(slices.Clone(s.RateLimits.ExcludedIPs))
	c.TrustedProxy.Headers = slices.Clip(slices.Clone(s.TrustedProxy.Headers))
	return &c
}

// Merge lays a JSON object over s: only the keys that it has change, null changes nothing but empties a list, lists
// are replaced. s must be the caller's own; after an error it is of no use. The first JSON value of body counts, an
// empty body is {}.
func (s *Settings) Merge(body []byte) error {
	err := json.NewDecoder(bytes.NewReader(body)).Decode(s)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	s.fillLists()
	return nil
}

func (s *Settings) fillLists() {
	for _, list := range []*[]string{&s.SuperuserIPs, &s.RateLimits.ExcludedIPs, &s.TrustedProxy.Headers} {
		if *list == nil {
			*list = []string{}
		}
	}
	if s.RateLimits.Rules == nil {
		s.RateLimits.Rules = []RateLimitRule{}
	}
}

// maskedSMTP is [SMTP] without its password: the field of the same key hides it.
type maskedSMTP struct {
	SMTP
	Password *string `json:"password,omitempty"`
}

// AppendAPI appends the document as clients see it, without passwords and secrets.
func (s *Settings) AppendAPI(dst []byte) []byte {
	c := s.Clone()
	c.fillLists()
	c.S3.Secret, c.Backups.S3.Secret = "", ""
	raw, err := json.Marshal(struct {
		SuperuserIPs []string     `json:"superuserIPs"`
		SMTP         maskedSMTP   `json:"smtp"`
		Backups      Backups      `json:"backups"`
		S3           S3           `json:"s3"`
		Meta         Meta         `json:"meta"`
		RateLimits   RateLimits   `json:"rateLimits"`
		TrustedProxy TrustedProxy `json:"trustedProxy"`
		Batch        Batch        `json:"batch"`
		Logs         Logs         `json:"logs"`
	}{c.SuperuserIPs, maskedSMTP{SMTP: c.SMTP}, c.Backups, c.S3, c.Meta, c.RateLimits, c.TrustedProxy, c.Batch, c.Logs})
	if err != nil { // structs of texts, numbers and lists of them always encode
		return append(dst, "{}"...)
	}
	return append(dst, raw...)
}

// RenameCollection makes the rate limit rules of a collection follow its new name and tells whether there were any.
func (s *Settings) RenameCollection(old, name string) bool {
	changed := false
	for i := range s.RateLimits.Rules {
		r := &s.RateLimits.Rules[i]
		if rest, ok := bytes.CutPrefix([]byte(r.Label), []byte(old+":")); ok {
			r.Label = name + ":" + string(rest)
			changed = true
		}
	}
	return changed
}
