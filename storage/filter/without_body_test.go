package filter_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/filter"
)

// What is judged before the body was read is what does not depend on it.
func TestWithoutBody(t *testing.T) {
	const (
		none  = "none"
		whole = "whole"
	)
	for _, c := range []struct{ text, created, stored string }{
		{`@request.auth.id != ""`, whole, whole},
		{`@request.auth.id != "" && @request.body.a = 1`, "part", "part"},
		{`@request.auth.id != "" || @request.body.a = 1`, none, none},
		{`@request.auth.id != "" || @request.query.a = 1`, whole, whole},
		{`owner = @request.auth.id`, none, whole},
		{`owner = @request.auth.id || @request.body.a:isset = true`, none, none},
		{`@request.auth.id != "" && owner = 1`, "part", whole},
		{`@request.body.a = 1`, none, none},
		{`@request.headers.x = "1" && (@request.method = "POST" && (@request.body.a = 1 && title = "x"))`, "part", "part"},
		{`@collection.c.x ?= @request.auth.id`, whole, whole},
		{`@collection.c.x ?= @request.body.a`, none, none},
		{`geoDistance(1, 2, @request.body.lon, 4) < 5`, none, none},
		{`strftime("%Y", @now) = "2026"`, whole, whole},
	} {
		e, err := filter.Parse(c.text)
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		for own, want := range map[bool]string{false: c.created, true: c.stored} {
			if got := e.WithoutBody(own); (got == nil) != (want == none) {
				t.Errorf("%s, stored %v: %v, want %s", c.text, own, got, want)
			}
		}
	}
}
