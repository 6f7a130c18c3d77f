package httpx

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

func rateRoutes() []*Route {
	list := &Route{Method: "GET", Path: "/api/collections/{c}/records", Collection: "c", Tags: []string{"list"}, Handler: echo}
	auth := &Route{Method: "POST", Path: "/api/collections/{c}/auth-with-otp", Collection: "c", Tags: []string{"authWithOTP", "auth"}, Handler: echo}
	return []*Route{
		{Method: "GET", Path: "/api/health", Handler: echo}, list, auth,
		{Method: "GET", Path: "/part/{how}", Handler: func(c *Context) error {
			path := "/api/collections/id_docs/records"
			if c.Param("how") == "encoded" {
				path = "/api/collections/%64ocs/records"
			}
			if err := c.Limit("GET", path, list, "id_docs", "docs"); err != nil {
				return err
			}
			return echo(c)
		}},
		{Method: "GET", Path: "/part", Handler: func(c *Context) error {
			if err := c.Limit("GET", "/api/collections/docs/records", list, "id_docs", "docs"); err != nil {
				return err
			}
			return echo(c)
		}},
	}
}

// rated starts a server whose rules are "label audience max".
func rated(t *testing.T, rules ...string) *site {
	return start(t, rateRoutes(), func(o *Options) {
		auths(o)
		o.Policy = PolicyOptions{RateLimits: true, RateFree: []string{"9.9.0.0/16"}, ProxyHeaders: []string{"X-Real-IP"}}
		for _, text := range rules {
			part := strings.Split(text, "|")
			n, err := strconv.Atoi(part[2])
			if err != nil {
				t.Fatal(err)
			}
			o.Policy.RateRules = append(o.Policy.RateRules, RateRule{Label: part[0], Audience: part[1], MaxRequests: n, Duration: 100})
		}
	})
}

func TestRateLimits(t *testing.T) {
	const list, other, byID = "GET /api/collections/docs/records", "GET /api/collections/other/records", "GET /api/collections/id_docs/records"
	for name, c := range map[string]struct {
		rules []string
		steps []string // "METHOD target[ token]=status"
	}{
		"a path": {[]string{"/api/health||2"}, []string{"GET /api/health=200", "GET /api/health?x=1=200", "GET /api/health=429",
			"HEAD /api/health=429", "GET /api/health u@users=429", "GET /api/health r@_superusers=200", "OPTIONS /api/health=204", "GET /api/nope=404"}},
		"a method":           {[]string{"GET /api/health||1"}, []string{"GET /api/health=200", "GET /api/health=429", "HEAD /api/health=200", "POST /api/health=404"}},
		"a prefix":           {[]string{"/api/||2"}, []string{"GET /api/health=200", "GET /api/nope=404", "GET /api/x=429", "GET /nope=404", "GET /api=429", list + "=200", list + "=200", list + "=429"}},
		"no prefix":          {[]string{"/api||1"}, []string{"GET /api/health=200", "GET /api/health=200", "GET /api=404", "GET /api=429"}},
		"equal first":        {[]string{"/api/||1", "/api/health||9"}, []string{"GET /api/health=200", "GET /api/health=200", "GET /api/x=404", "GET /api/y=429"}},
		"everything":         {[]string{"/||1"}, []string{"GET /x=404", "GET /y=429"}},
		"a tag":              {[]string{"docs:list||2"}, []string{list + "=200", byID + "=200", list + "=429", byID + "=429", other + "=200"}},
		"any collection":     {[]string{"*:list||1"}, []string{list + "=200", list + "=429", other + "=200", other + "=429"}},
		"own tag first":      {[]string{"*:list||1", "docs:list||2"}, []string{list + "=200", list + "=200", list + "=429"}},
		"second tag":         {[]string{"*:auth||1"}, []string{"POST /api/collections/users/auth-with-otp=200", "POST /api/collections/users/auth-with-otp=429"}},
		"audiences":          {[]string{"docs:list|@guest|1", "docs:list|@auth|2"}, []string{list + "=200", list + "=429", list + " u@users=200", list + " v@users=200", list + " u@users=429"}},
		"auth only":          {[]string{"docs:list|@auth|1"}, []string{list + "=200", list + "=200", list + " u@users=200", list + " u@users=429"}},
		"missing collection": {[]string{"/api/||1"}, []string{"GET /api/collections/missing/records=200", "GET /api/collections/missing/records=200"}},
		"a path and its spellings": {[]string{"/api/||50", "/api/collections/docs/records||1"}, []string{list + "=200", list + "=429", byID + "=429",
			"GET /api/collections/%64ocs/records=429", "GET /api/collections/docs/%72ecords=429", "GET /api/collections/DOCS/records=429", "GET /api/collections/docs/records?x=429",
			other + "=200"}},
		"a path by the id":    {[]string{"GET /api/collections/id_docs/records||1"}, []string{list + "=200", byID + "=429", list + "=429"}},
		"a part and its path": {[]string{"/api/collections/docs/records||1"}, []string{"GET /part/id=200", "GET /part/encoded=429", list + "=429"}},
		"a slash at the end":  {[]string{"/api/nope||1"}, []string{"GET /api/nope=404", "GET /api/nope/=429", "GET /api/%6eope=429"}},
		"a part of a batch":   {[]string{"docs:list||2"}, []string{list + "=200", "GET /part=200", "GET /part=429", list + "=429"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := rated(t, c.rules...)
			for i, step := range c.steps {
				at := strings.LastIndexByte(step, '=')
				part := strings.Split(step[:at], " ")
				token := ""
				if len(part) == 3 {
					token = part[2]
				}
				got := w.get(part[0], part[1], "Authorization: "+token)
				if strconv.Itoa(got.StatusCode) != step[at+1:] {
					t.Fatalf("step %d, %s: %d %s", i, step, got.StatusCode, got.body)
				}
			}
		})
	}
}

func TestExhaustedAnswer(t *testing.T) {
	w := rated(t, "/api/health||1")
	w.get("GET", "/api/health")
	got := w.get("GET", "/api/health")
	if got.body != `{"data":{},"message":"Too Many Requests.","status":429}`+"\n" || got.Header.Get("Retry-After") != "100" || got.Header.Get("Vary") != "Origin" {
		t.Errorf("%s %v", got.body, got.Header)
	}
	for _, ip := range []string{"8.8.8.8", "9.9.1.1", "9.9.1.1", "9.9.1.1"} {
		if got := w.get("GET", "/api/health", "X-Real-IP: "+ip); got.StatusCode != 200 {
			t.Errorf("%s: %d", ip, got.StatusCode)
		}
	}
	if got := w.get("GET", "/api/health", "X-Real-IP: 8.8.8.8"); got.StatusCode != 429 {
		t.Errorf("another address is counted: %d", got.StatusCode)
	}
}

func TestCountersOutliveUnrelatedSettings(t *testing.T) {
	w := rated(t, "/api/health||1")
	w.get("GET", "/api/health")
	opts := w.s.policy.Load().opts
	opts.LeftmostIP = true
	w.s.SetPolicy(opts)
	if got := w.get("GET", "/api/health"); got.StatusCode != 429 {
		t.Errorf("after saving something else: %d", got.StatusCode)
	}
	opts.RateRules = []RateRule{{Label: "/api/health", MaxRequests: 1, Duration: 50}}
	w.s.SetPolicy(opts)
	if got := w.get("GET", "/api/health"); got.StatusCode != 200 {
		t.Errorf("after changing the rules: %d", got.StatusCode)
	}
	opts.RateLimits = false
	w.s.SetPolicy(opts)
	if got := w.get("GET", "/api/health"); got.StatusCode != 200 {
		t.Errorf("switched off: %d", got.StatusCode)
	}
}

func TestWindowsAreFixed(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter([]RateRule{{Label: "/a", MaxRequests: 2, Duration: 10}})
	l.now = func() time.Time { return now }
	at := func(seconds int, want bool) {
		t.Helper()
		now = time.Unix(1000+int64(seconds), 0)
		rule, wait := l.allow(&rateTarget{method: "GET", path: "/a"})
		if (rule == nil) != want || rule != nil && wait != time.Duration(10-seconds%10)*time.Second {
			t.Errorf("at %d s: %v, wait %v", seconds, rule == nil, wait)
		}
	}
	at(0, true)
	at(9, true)
	at(9, false)
	at(10, true)
	at(11, true)
	at(19, false)
	at(20, true)
}

func TestBucketsAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLimiter([]RateRule{{Label: "/a", MaxRequests: 1, Duration: 10}})
	l.now = func() time.Time { return now }
	flood := func(n int) {
		for i := range n {
			addr := netip.AddrFrom4([4]byte{1, byte(i >> 16), byte(i >> 8), byte(i)})
			if rule, _ := l.allow(&rateTarget{method: "GET", path: "/a", client: subscriberOf(addr)}); rule != nil {
				t.Fatalf("address %d was counted twice", i)
			}
		}
	}
	flood(maxBuckets + 100)
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(l.buckets))
	}
	now = now.Add(time.Minute)
	if rule, _ := l.allow(&rateTarget{method: "GET", path: "/a"}); rule != nil || len(l.buckets) != 1 {
		t.Errorf("%d buckets are left of windows that ended", len(l.buckets))
	}
}

// TestWhoIsLimited: requests count together by subscriber, however an address is written.
func TestWhoIsLimited(t *testing.T) {
	for name, addresses := range map[string][]string{
		"one address":   {"8.8.8.8", "::ffff:8.8.8.8", "::FFFF:808:808", "0:0:0:0:0:ffff:8.8.8.8"},
		"a /64 of IPv6": {"2001:db8::1", "2001:db8::ffff:2", "2001:0DB8:0:0:1:2:3:4", "2001:db8::1%eth0"},
	} {
		w := rated(t, "/api/health||1")
		for i, address := range addresses {
			want := 429
			if i == 0 {
				want = 200
			}
			if got := w.get("GET", "/api/health", "X-Real-IP: "+address); got.StatusCode != want {
				t.Errorf("%s, %s: %d, want %d", name, address, got.StatusCode, want)
			}
		}
		if got := w.get("GET", "/api/health", "X-Real-IP: 2001:db8:0:1::1"); got.StatusCode != 200 {
			t.Errorf("%s: another one is counted: %d", name, got.StatusCode)
		}
	}
}
