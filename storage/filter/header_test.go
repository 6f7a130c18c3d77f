package filter_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/filter"
)

func TestHeaderName(t *testing.T) {
	for in, want := range map[string]string{"X-Foo-Bar": "x_foo_bar", "Content-Type": "content_type", "A--b": "a_b", "x1": "x1", "-x-": "x", "": "", "--a--B--": "a_b", "plain": "plain", "A b.c": "a_b_c"} {
		if got := filter.HeaderName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
