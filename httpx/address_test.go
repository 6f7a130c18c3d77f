package httpx

import (
	"net/netip"
	"testing"
)

func TestClientOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1": "2001:db8:1:2::/64",
		"2001:db8:1:3::1":      "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
		"::1":                  "::/64",
	} {
		if got := ClientOf(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is charged to %q, want %q", addr, got, want)
		}
	}
	if got := ClientOf(netip.Addr{}); got != "" {
		t.Errorf("no address is charged to %q", got)
	}
}
