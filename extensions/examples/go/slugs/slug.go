//go:build wasip1

package main

// slugify keeps ASCII letters, in lower case, and digits; each run of anything else becomes one dash, none at the ends.
func slugify(title string) string {
	slug := make([]byte, 0, len(title))
	gap := false
	for i := range len(title) {
		c := lower(title[i])
		if !isAlphanumeric(c) {
			gap = len(slug) > 0
			continue
		}
		if gap {
			slug = append(slug, '-')
			gap = false
		}
		slug = append(slug, c)
	}
	return string(slug)
}

// containsWord reports whether text has word, which is in lower case, between other characters than ASCII letters and
// digits.
func containsWord(text, word string) bool {
	for i := 0; i+len(word) <= len(text); i++ {
		if i > 0 && isAlphanumeric(lower(text[i-1])) {
			continue
		}
		n := 0
		for n < len(word) && lower(text[i+n]) == word[n] {
			n++
		}
		if end := i + n; n == len(word) && (end == len(text) || !isAlphanumeric(lower(text[end]))) {
			return true
		}
	}
	return false
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}
