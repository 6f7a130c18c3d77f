package schema

import (
	"fmt"
	"strings"
)

// splitOutside splits SQL text at every character of separators that stands outside of brackets and quotes. Separators
// are dropped, so that a part may be empty. Text with an open bracket or quote is an error that names the part.
func splitOutside(text, separators string) ([]string, error) {
	var parts []string
	start, depth := 0, 0
	var quote byte
	for i := 0; i < len(text); i++ {
		ch := text[i]
		switch {
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case ch == '\'' || ch == '"' || ch == '`':
			quote = ch
		case ch == '[':
			quote = ']'
		case ch == '(':
			depth++
		case ch == ')':
			depth--
			if depth < 0 {
				return nil, errUnbalanced(text[start:])
			}
		case depth == 0 && strings.IndexByte(separators, ch) >= 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	if quote != 0 || depth != 0 {
		return nil, errUnbalanced(text[start:])
	}
	return append(parts, text[start:]), nil
}

// bracketed splits SQL text that begins behind an opening bracket at the one that closes it.
func bracketed(text string) (inside, rest string, closed bool) {
	depth := 1
	var quote byte
	for i := 0; i < len(text); i++ {
		ch := text[i]
		switch {
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case ch == '\'' || ch == '"' || ch == '`':
			quote = ch
		case ch == '[':
			quote = ']'
		case ch == '(':
			depth++
		case ch == ')':
			if depth--; depth == 0 {
				return text[:i], text[i+1:], true
			}
		}
	}
	return text, "", false
}

func errUnbalanced(part string) error {
	return fmt.Errorf("unbalanced parenthesis or quoted expression: %q", part)
}
