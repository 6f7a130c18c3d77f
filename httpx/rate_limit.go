package httpx

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// RateRule allows a number of requests in a window.
type RateRule struct {
	// Label is what the rule is for: "name:tag", "*:tag", "METHOD /path" or "/path"; a trailing slash makes the last two
	// prefixes.
	Label string
	// Audience is "" for everyone, "@guest" or "@auth".
	Audience string
	// MaxRequests is the size of the window in requests, Duration its length in whole seconds.
	MaxRequests, Duration int
}

// maxBuckets bounds the windows that are remembered, about 100 bytes each, so that a flood from many addresses
// cannot fill the memory.
const maxBuckets = 1 << 17

// bucketKey names one window: whose requests count together.
type bucketKey struct {
	name     string // collection id, or the rule's label
	route    *Route // of a collection route, else nil
	audience string
	client   netip.Prefix
}

type window struct {
	end  time.Time
	left int
}

// limiter counts requests in fixed windows, each opened by the first request after the one before ended.
type limiter struct {
	rules   []RateRule
	paths   bool // some rule is about paths
	now     func() time.Time
	mu      sync.Mutex
	buckets map[bucketKey]window
	swept   time.Time
}

func newLimiter(rules []RateRule) *limiter {
	ofPaths := slices.ContainsFunc(rules, func(r RateRule) bool { return strings.Contains(r.Label, "/") })
	return &limiter{rules: rules, paths: ofPaths, now: time.Now, buckets: make(map[bucketKey]window)}
}

// rateTarget is what a request counts as.
type rateTarget struct {
	method, path         string // the path as it was sent
	route                *Route
	collection, collName string // id and name, both empty on routes that are no collection's
	auth                 bool
	client               netip.Prefix
}

// allow takes one request out of its window. It returns the rule that refused and how long to wait, or nil.
func (l *limiter) allow(t *rateTarget) (*RateRule, time.Duration) {
	rule := l.choose(t)
	if rule == nil {
		return nil, 0
	}
	key := bucketKey{name: rule.Label, audience: rule.Audience, client: t.client}
	if t.collection != "" {
		key.name, key.route = t.collection, t.route
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	w, ok := l.buckets[key]
	if !ok || !now.Before(w.end) {
		if !ok {
			l.makeRoom(now)
		}
		w = window{end: now.Add(time.Duration(rule.Duration) * time.Second), left: rule.MaxRequests}
	}
	if w.left <= 0 {
		return rule, w.end.Sub(now)
	}
	w.left--
	l.buckets[key] = w
	return nil, 0
}

// choose finds the one rule that counts: labels from the most specific, for each an equal rule before a prefix.
func (l *limiter) choose(t *rateTarget) *RateRule {
	if len(l.rules) == 0 {
		return nil
	}
	if t.collection != "" && t.route != nil {
		for _, prefix := range [2]string{t.collName, "*"} {
			for _, tag := range t.route.Tags {
				if r := l.byLabel(prefix, ":", t.auth, tag); r != nil {
					return r
				}
			}
		}
	}
	if !l.paths {
		return nil
	}
	paths := ratePaths(t.path, t.route, t.collection, t.collName)
	if r := l.byLabel(t.method, " ", t.auth, paths[:]...); r != nil {
		return r
	}
	return l.byLabel("", "", t.auth, paths[:]...)
}

// byLabel looks for the label a+sep+b without joining it; bs are the ways to write b, of which "" is none. A rule that is equal to
// any of them goes before one that is a prefix.
func (l *limiter) byLabel(a, sep string, auth bool, bs ...string) *RateRule {
	var prefix *RateRule
	for i := range l.rules {
		r := &l.rules[i]
		if r.Audience != "" && (r.Audience == "@auth") != auth {
			continue
		}
		rest, ok := strings.CutPrefix(r.Label, a)
		if ok {
			rest, ok = strings.CutPrefix(rest, sep)
		}
		if !ok {
			continue
		}
		for _, b := range bs {
			switch {
			case b == "":
			case rest == b:
				return r
			case prefix == nil && strings.HasSuffix(rest, "/") && (strings.HasPrefix(b, rest) || b == rest[:len(rest)-1]):
				prefix = r
			}
		}
	}
	return prefix
}

// makeRoom keeps the map within its bound: windows that ended go first, at most once a second, then any.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxBuckets && now.Sub(l.swept) < time.Hour {
		return
	}
	if now.Sub(l.swept) >= time.Second {
		l.swept = now
		for k, w := range l.buckets {
			if !now.Before(w.end) {
				delete(l.buckets, k)
			}
		}
	}
	for k := range l.buckets {
		if len(l.buckets) < maxBuckets {
			return
		}
		delete(l.buckets, k)
	}
}

// Limit counts one more request of c's caller, as if it had been a request of its own: the parts of a batch are. path is as it
// was sent, without its query. route is the one that would have served it; collection and name are the collection's id and
// name, "" when it has none. It returns the 429 of an exhausted rule.
func (c *Context) Limit(method, path string, route *Route, collection, name string) error {
	p := c.policy
	if !p.opts.RateLimits || len(p.opts.RateRules) == 0 || c.Auth != nil && c.Auth.Superuser {
		return nil
	}
	addr := c.RealAddr()
	if len(p.free) > 0 && contains(p.free, addr) {
		return nil
	}
	rule, wait := p.limiter.allow(&rateTarget{
		method: method, path: path, route: route, collection: collection, collName: name,
		auth: c.Auth != nil, client: subscriberOf(addr),
	})
	if rule == nil {
		return nil
	}
	return &Error{Status: http.StatusTooManyRequests, RetryAfter: wait, Cause: &limited{rule: *rule}}
}

// limited is the cause of a 429 in the log.
type limited struct{ rule RateRule }

func (l *limited) Error() string {
	return "rate limit " + l.rule.Label + " " + l.rule.Audience + " is exhausted"
}

// limitRequest is the rate limit layer.
func (c *Context) limitRequest() error {
	if !c.policy.opts.RateLimits || len(c.policy.opts.RateRules) == 0 {
		return nil
	}
	var id, name string
	route := c.match.route
	if route.Collection != "" {
		ok := false
		if c.server.opts.Collection != nil {
			id, name, ok = c.server.opts.Collection(c.Param(route.Collection))
		}
		if !ok {
			return nil
		}
	}
	return c.Limit(c.method, string(c.path), route, id, name)
}
