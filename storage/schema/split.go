package schema

import (
	"fmt"
	"strings"
)

// nesting follows brackets and quotes through SQL text.
type nesting struct {
	depth int
	quote byte // what ends the quoted text, 0 outside of it
}

// step goes on by one character. plain tells that it is neither quoted nor a quote or bracket itself.
func (n *nesting) step(ch byte) (plain bool) {
	switch {
	case n.quote != 0:
		if ch == n.quote {
			n.quote = 0
		}
	case ch == '\'' || ch == '"' || ch == '`':
		n.quote = ch
	case ch == '[':
		n.quote = ']'
	case ch == '(':
		n.depth++
	case ch == ')':
		n.depth--
	default:
		return true
	}
	return false
}

// splitOutside splits SQL text at every character of separators that stands outside of brackets and quotes. Separators
// are dropped, so that a part may be empty. Text with an open bracket or quote is an error that names the part.
func splitOutside(text, separators string) ([]string, error) {
	var parts []string
	var at nesting
	start := 0
	for i := 0; i < len(text); i++ {
		plain := at.step(text[i])
		if at.depth < 0 {
			return nil, errUnbalanced(text[start:])
		}
		if plain && at.depth == 0 && strings.IndexByte(separators, text[i]) >= 0 {
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	if at.quote != 0 || at.depth != 0 {
		return nil, errUnbalanced(text[start:])
	}
	return append(parts, text[start:]), nil
}

// bracketed splits SQL text that begins behind an opening bracket at the one that closes it.
func bracketed(text string) (inside, rest string, closed bool) {
	at := nesting{depth: 1}
	for i := 0; i < len(text); i++ {
		if at.step(text[i]); at.depth == 0 {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

func errUnbalanced(part string) error {
	return fmt.Errorf("unbalanced parenthesis or quoted expression: %q", part)
}
