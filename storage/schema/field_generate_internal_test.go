package schema

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRandomIsEven(t *testing.T) {
	var r random
	const n, rounds = 7, 70_000
	var count [n]int
	for range rounds {
		count[r.below(n)]++
	}
	for i, c := range count {
		// Fifteen standard deviations: it fails when the draw is skewed, not by chance.
		if c < rounds/n-1400 || c > rounds/n+1400 {
			t.Errorf("%d was drawn %d times of %d", i, c, rounds)
		}
	}
}

func FuzzGenerate(f *testing.F) {
	for _, s := range []string{"[a-z]{3}", "(a|b)*", "(?i:x)+", "a{0,3}", "", `\pL`, "[[:alpha:]]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		g, err := newGenerator(pattern)
		if err != nil {
			return
		}
		if whole, err := regexp.Compile("^(?:" + pattern + ")$"); err == nil {
			if s := g.generate(); utf8.ValidString(s) && !whole.MatchString(s) && !strings.ContainsAny(pattern, `\.(`) {
				t.Errorf("%q generated %q", pattern, s)
			}
		}
	})
}
