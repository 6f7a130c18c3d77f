package httpx

import "testing"

func TestOverrides(t *testing.T) {
	tests := []struct {
		method, path, otherMethod, other string
		want                             bool
	}{
		{"POST", "/api/collections/users/auth", "POST", "/api/collections/{collection}/auth", true},
		{"POST", "/api/collections/users/auth", "GET", "/api/collections/{collection}/auth", false},
		{"", "/api/collections/users/auth", "POST", "/api/collections/{collection}/auth", true},
		{"HEAD", "/a/b", "GET", "/a/{x}", true},
		{"GET", "/a/b", "HEAD", "/a/{x}", true},
		{"POST", "/api/%63ollections/users/auth", "POST", "/api/collections/{collection}/auth", true},
		{"POST", "/api/collections/users/{rest...}", "POST", "/api/collections/{collection}/auth", true},
		{"POST", "/api/collections/{c}/auth", "POST", "/api/collections/{collection}/auth", true},
		{"POST", "/api/collections/{c}/{what}", "POST", "/api/collections/{collection}/auth", false},
		{"POST", "/api/{rest...}", "POST", "/api/collections/{collection}/auth", false},
		{"POST", "/{rest...}", "POST", "/api/collections/{collection}/auth", false},
		{"POST", "/api/collections/users/other", "POST", "/api/collections/{collection}/auth", false},
		{"POST", "/api/collections/users", "POST", "/api/collections/{collection}/auth", false},
		{"POST", "/api/collections/users/auth/x", "POST", "/api/collections/{collection}/auth", false},
		{"GET", "/_/evil.js", "GET", "/_/{path...}", true},
		{"GET", "/_/{path...}", "GET", "/_/{path...}", true},
		{"GET", "/_", "GET", "/_/{path...}", false},
		{"HEAD", "/a", "GET", "/a", true},
		{"", "/a", "GET", "/a", false},
		{"GET", "/a", "", "/a", true},
		{"GET", "/a/{$}", "GET", "/a/{x}", false},
		{"GET", "bad", "GET", "/{x...}", false},
		{"GET", "/{x}/b", "GET", "/a/{y}", false},
	}
	for _, test := range tests {
		r := &Route{Method: test.method, Path: test.path, Handler: echo}
		other := &Route{Method: test.otherMethod, Path: test.other, Handler: echo}
		if got := r.Overrides(other); got != test.want {
			t.Errorf("%s overrides %s: %v", r, other, got)
		}
	}
}
