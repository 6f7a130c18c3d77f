package filter

import (
	"strings"
	"unicode/utf8"
)

// maxLikePattern is the length in bytes from which on SQLite refuses a pattern.
const maxLikePattern = 50000

// like is LIKE with the backslash as its escape character.
func like(left, pattern cell) truth {
	text := left.asText()
	pattern = pattern.asText()
	switch {
	case text.kind == unknownCell || pattern.kind == unknownCell:
		return undecided
	case text.kind == nullCell || pattern.kind == nullCell:
		return null
	case len(pattern.s) >= maxLikePattern || !plainText(text.s) || !plainText(pattern.s):
		return undecided
	}
	return truthOf(matchLike(text.s, pattern.s))
}

// matchLike tells whether a text matches a pattern. It goes back to the last % only, which is enough, as what an earlier
// one could do the last one can do as well.
func matchLike(s, pattern string) bool {
	retryText, retryPattern := "", ""
	retry := false
	for {
		if rest, ok := strings.CutPrefix(pattern, "%"); ok {
			pattern, retryPattern, retryText, retry = rest, rest, s, true
			continue
		}
		if s == "" && pattern == "" {
			return true
		}
		if nextText, nextPattern, ok := matchOne(s, pattern); ok {
			s, pattern = nextText, nextPattern
			continue
		}
		if !retry || retryText == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(retryText)
		retryText = retryText[size:]
		s, pattern = retryText, retryPattern
	}
}

// matchOne matches one character; it fails at the end of either side, and at a backslash that escapes nothing.
func matchOne(s, pattern string) (restText, restPattern string, ok bool) {
	if s == "" || pattern == "" {
		return "", "", false
	}
	c, size := utf8.DecodeRuneInString(s)
	p, psize := utf8.DecodeRuneInString(pattern)
	restText, restPattern = s[size:], pattern[psize:]
	switch p {
	case '_':
		return restText, restPattern, true
	case '\\':
		if restPattern == "" {
			return "", "", false
		}
		p, psize = utf8.DecodeRuneInString(restPattern)
		restPattern = restPattern[psize:]
	}
	return restText, restPattern, folded(c) == folded(p)
}

// folded is a character as LIKE sees it: ASCII letters in one case, and the two characters at the end of the plane that
// SQLite takes for no characters.
func folded(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r == 0xFFFE || r == 0xFFFF:
		return utf8.RuneError
	}
	return r
}
