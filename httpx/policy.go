package httpx

import (
	"net/netip"
	"reflect"
)

// PolicyOptions are the settings that the layers before a handler look at.
type PolicyOptions struct {
	// SuperuserIPs are the addresses and subnets superusers may come from; empty means anywhere.
	SuperuserIPs []string
	// ProxyHeaders are the trusted headers that hold the client's address, in order.
	ProxyHeaders []string
	// LeftmostIP takes the leftmost address of such a header instead of the rightmost.
	LeftmostIP bool
	// RateLimits tells whether RateRules are applied.
	RateLimits bool
	// RateRules are the rules in the order of the settings.
	RateRules []RateRule
	// RateFree are the addresses and subnets that are never limited.
	RateFree []string
}

// Policy is a snapshot of the settings that this layer needs, with the rate counters that belong to them. It is safe for
// concurrent use.
type Policy struct {
	opts       PolicyOptions
	superusers []netip.Prefix
	free       []netip.Prefix
	limiter    *limiter
}

func newPolicy(opts PolicyOptions, old *Policy) *Policy {
	p := &Policy{
		opts:       opts,
		superusers: ParsePrefixes(opts.SuperuserIPs),
		free:       ParsePrefixes(opts.RateFree),
	}
	if old != nil && old.opts.RateLimits == opts.RateLimits && reflect.DeepEqual(old.opts.RateRules, opts.RateRules) {
		p.limiter = old.limiter
	} else {
		p.limiter = newLimiter(opts.RateRules)
	}
	return p
}

// SuperuserAllowed tells whether a superuser may come from the request's address. Sign-in handlers ask it; requests with
// a token are stopped before their handler.
func (c *Context) SuperuserAllowed() bool {
	return len(c.policy.opts.SuperuserIPs) == 0 || contains(c.policy.superusers, c.RealAddr())
}

// ProxyHeaders returns the trusted proxy headers of the settings; it must not be changed.
func (c *Context) ProxyHeaders() []string { return c.policy.opts.ProxyHeaders }
