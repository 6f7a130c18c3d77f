package httpx

import (
	"net"
	"net/netip"
	"strings"
)

// RemoteAddr returns the address of the peer; it is the zero value for connections without one.
func (c *Context) RemoteAddr() netip.Addr {
	if !c.remote.IsValid() {
		if c.conn != nil {
			c.remote = c.conn.addr
		} else {
			c.remote = addrOf(c.ctx.RemoteAddr())
		}
	}
	return c.remote
}

// RemoteIP returns the peer's address as text, IPv6 in full.
func (c *Context) RemoteIP() string { return addrText(c.RemoteAddr()) }

// RealAddr returns the client's address: what the trusted proxy headers say, otherwise the peer's.
func (c *Context) RealAddr() netip.Addr {
	if !c.real.IsValid() {
		c.real = c.findReal()
	}
	return c.real
}

// RealIP returns the client's address as text, IPv6 in full.
func (c *Context) RealIP() string {
	if c.realIP == "" {
		c.realIP = addrText(c.RealAddr())
	}
	return c.realIP
}

// Client returns whom the request is charged to; see [ClientOf].
func (c *Context) Client() string {
	switch {
	case c.client != "":
	case c.conn != nil && len(c.policy.opts.ProxyHeaders) == 0:
		c.client = c.conn.client
	default:
		c.client = ClientOf(c.RealAddr())
	}
	return c.client
}

// subscriberBits is how much of an IPv6 address is given to one subscriber: whoever has one address of a /64 has all of them.
const subscriberBits = 64

// ClientOf returns whom something from an address is charged to: the address itself, of IPv6 its /64. It is "" without an address.
func ClientOf(addr netip.Addr) string {
	p := subscriberOf(addr)
	switch {
	case !p.IsValid():
		return ""
	case p.Addr().Is6():
		return p.String()
	}
	return p.Addr().String()
}

// subscriberOf returns what one subscriber has of the addresses around one; the zero value is nobody's.
func subscriberOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, subscriberBits).Masked()
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}

func (c *Context) findReal() netip.Addr {
	for _, name := range c.policy.opts.ProxyHeaders {
		lines := c.ctx.Request.Header.PeekAll(name)
		if len(lines) == 0 {
			continue
		}
		if addr, ok := pickAddr(string(lines[len(lines)-1]), c.policy.opts.LeftmostIP); ok {
			return addr
		}
	}
	return c.RemoteAddr()
}

// pickAddr returns the first bare address among the comma-separated parts of a proxy header, from the right unless
// leftmost.
func pickAddr(line string, leftmost bool) (netip.Addr, bool) {
	for line != "" {
		var part string
		if leftmost {
			part, line, _ = strings.Cut(line, ",")
		} else if i := strings.LastIndexByte(line, ','); i >= 0 {
			part, line = line[i+1:], line[:i]
		} else {
			part, line = line, ""
		}
		if addr, err := netip.ParseAddr(strings.TrimSpace(part)); err == nil {
			return addr.Unmap(), true
		}
	}
	return netip.Addr{}, false
}

func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		addr, _ := netip.AddrFromSlice(tcp.IP)
		return addr.Unmap().WithZone(tcp.Zone)
	}
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return ap.Addr().Unmap()
	}
	return netip.Addr{}
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.StringExpanded()
}

// ParsePrefixes reads addresses and CIDR subnets; entries that are neither are left out, as the settings never hold any.
func ParsePrefixes(list []string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		s = strings.TrimSpace(s)
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p.Masked())
		} else if a, err := netip.ParseAddr(s); err == nil {
			a = a.Unmap().WithZone("")
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
