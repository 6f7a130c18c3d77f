package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	xoauth2 "golang.org/x/oauth2"
)

// The bounds of what is asked of a provider.
const (
	// visitTimeout is how long the exchange of a code and the questions after it may take together.
	visitTimeout = 30 * time.Second
	// maxAnswer is how many bytes an answer may have; a user and a key set have a few thousand.
	maxAnswer = 1 << 20
	// maxQuestion is how many bytes of what a client sends go to a provider: codes have a few hundred, some a few thousand.
	maxQuestion = 64 << 10
	// maxVisits is how many sign-ins may wait for providers at once, so that one that does not answer holds no more than
	// that many connections of clients.
	maxVisits = 256
	// maxRedirects is how often a provider may send us elsewhere.
	maxRedirects = 5
	// defaultLeeway is how far the clocks of providers may be off.
	defaultLeeway = 5 * time.Minute
)

// Why nobody was signed in. The causes are for logs only.
var (
	// ErrToken says that the provider gave no access token for the code.
	ErrToken = errors.New("the provider gave no access token")
	// ErrUser says that the provider did not say who it is, or not credibly.
	ErrUser = errors.New("the provider did not say who the user is")
	// ErrBusy says that too many sign-ins wait for providers; the caller may try again.
	ErrBusy = errors.New("too many sign-ins wait for their providers")
)

// Options configure a [Client]. The zero value is what a server wants.
type Options struct {
	// HTTP asks providers. Their addresses are the operator's own settings, so it may reach any; nil is a client with
	// bounds that follows no redirect of a request that carries a secret.
	HTTP *http.Client
	// Pictures downloads pictures. Their addresses are whatever a provider's users make of them; nil is a client that reaches
	// public addresses only.
	Pictures *http.Client
	// Leeway is how far the clocks of providers may be off; zero or less is five minutes.
	Leeway time.Duration
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Client asks providers. It is safe for concurrent use; make one with [NewClient].
type Client struct {
	http, pictures *http.Client
	leeway         time.Duration
	now            func() time.Time
	visits         chan struct{}
	names          names
}

// NewClient returns a client.
func NewClient(o Options) *Client {
	c := &Client{http: o.HTTP, pictures: o.Pictures, leeway: o.Leeway, now: o.Now, visits: make(chan struct{}, maxVisits)}
	if c.http == nil {
		c.http = &http.Client{Transport: transport(&net.Dialer{Timeout: dialTimeout}), CheckRedirect: followSafely}
		c.http.Transport.(*http.Transport).Proxy = http.ProxyFromEnvironment
	}
	if c.pictures == nil {
		c.pictures = &http.Client{Transport: transport(&net.Dialer{Timeout: dialTimeout, Control: publicOnly}), CheckRedirect: followSafely}
	}
	if c.leeway <= 0 {
		c.leeway = defaultLeeway
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.names.byCode = make(map[string]name)
	return c
}

const (
	dialTimeout      = 10 * time.Second
	maxAnswerHeader  = 64 << 10
	idleConnections  = 32
	idleConnectionIs = 90 * time.Second
)

func transport(d *net.Dialer) *http.Transport {
	return &http.Transport{
		DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialTimeout, MaxResponseHeaderBytes: maxAnswerHeader,
		MaxIdleConns: idleConnections, IdleConnTimeout: idleConnectionIs,
	}
}

// followSafely follows redirects of plain questions, and none that would take a secret along or leave TLS.
func followSafely(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	from := via[len(via)-1]
	if via[0].Method != http.MethodGet || from.URL.Scheme == "https" && req.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}

// Code is what a person comes back with from a provider.
type Code struct {
	Code string
	// Verifier is the CodeVerifier of the [Attempt].
	Verifier string
	// RedirectURL is where the provider sent the person, "" when it is not to be told.
	RedirectURL string
}

// visit is one user on the way.
type visit struct {
	c     *Client
	p     *Provider
	code  Code
	token *xoauth2.Token
	said  *object
}

// User turns a code into a user. It fails with [ErrToken], [ErrUser] or [ErrBusy].
func (c *Client) User(ctx context.Context, p *Provider, code Code) (*User, error) {
	if len(code.Code)+len(code.Verifier)+len(code.RedirectURL) > maxQuestion {
		return nil, fmt.Errorf("%w: the code is longer than %d bytes", ErrToken, maxQuestion)
	}
	select {
	case c.visits <- struct{}{}:
		defer func() { <-c.visits }()
	default:
		return nil, ErrBusy
	}
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	v := &visit{c: c, p: p, code: code}
	if err := v.exchange(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	u, err := v.user(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUser, err)
	}
	u.AccessToken, u.RefreshToken, u.Expiry = v.token.AccessToken, v.token.RefreshToken, v.token.Expiry
	return u, nil
}

// exchange gets the access token.
func (v *visit) exchange(ctx context.Context) (err error) {
	conf := v.p.config()
	conf.RedirectURL = v.code.RedirectURL
	var options []xoauth2.AuthCodeOption
	if v.p.pkce() {
		options = append(options, xoauth2.SetAuthURLParam("code_verifier", v.code.Verifier))
	}
	ctx = context.WithValue(ctx, xoauth2.HTTPClient, v.c.http)
	v.token, err = conf.Exchange(ctx, v.code.Code, options...)
	var refused *xoauth2.RetrieveError
	if errors.As(err, &refused) {
		// Its text holds the whole answer, in which a token may stand.
		return fmt.Errorf("status %d, error %q", refused.Response.StatusCode, cut(refused.ErrorCode))
	}
	return err
}

// maxShown is how much of a provider's text is put into an error.
const maxShown = 200

func cut(s string) string {
	if len(s) > maxShown {
		return s[:maxShown]
	}
	return s
}

// user asks who it is.
func (v *visit) user(ctx context.Context) (_ *User, err error) {
	ask := v.p.known.raw
	if ask == nil {
		ask = userInfo
	}
	if v.said, err = ask(ctx, v); err != nil {
		return nil, err
	}
	u, err := v.p.known.read.user(v.said)
	if err == nil && v.p.known.then != nil {
		if err = v.p.known.then(ctx, v, u); err == nil {
			err = v.said.err
		}
	}
	return u, err
}

// extra returns a text that came with the access token.
func (v *visit) extra(key string) string {
	s, _ := v.token.Extra(key).(string)
	return s
}

// userInfo asks the address for user info.
func userInfo(ctx context.Context, v *visit) (*object, error) {
	raw, err := v.ask(ctx, v.p.userURL(), v.p.known.query)
	if err != nil {
		return nil, err
	}
	return decodeObject(raw)
}

// statusError says that a provider answered with an error.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

// ask asks an address of the provider with the access token: a GraphQL query when there is one. It fails with a
// [statusError] for a status of 400 or more.
func (v *visit) ask(ctx context.Context, url, query string) ([]byte, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if query != "" {
		text, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			return nil, err
		}
		method, body = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if query != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range v.p.known.headers {
		req.Header.Set(name, strings.ReplaceAll(value, clientIDHere, v.p.set.ClientID))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+v.token.AccessToken)
	return v.c.do(req)
}

// do returns the body of an answer.
func (c *Client) do(req *http.Request) (raw []byte, err error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode >= http.StatusMultipleChoices {
		return nil, statusError(res.StatusCode)
	}
	raw, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(raw) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return raw, err
}
