package filter

import (
	"strings"
	"unicode"
)

// HeaderName is the form in which rules name a header: lower case, with every run of characters other than letters and
// digits as "_".
func HeaderName(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('_')
			gap = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
