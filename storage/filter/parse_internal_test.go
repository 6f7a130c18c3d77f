package filter

import (
	"testing"
)

func TestLikePattern(t *testing.T) {
	for in, want := range map[string]string{
		"a": "%a%", "": "%%", "a%": "a%", "%": "%", "_": `%\_%`, `\`: `%\\%`, `\\`: `%\\%`, `100\%`: `%100\%%`, `a\_%`: `a\_%`, `a\b`: `%a\\b%`,
	} {
		if got := likePattern(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
