package filter

import "strings"

// reference is an identifier taken apart once, when the expression is parsed. It is immutable.
type reference struct {
	macro   macro        // of the "@now" family
	request *requestPath // of "@request.…"
	parts   []string     // of a field path, without the modifier
	// modifier is what follows the colon in the last part; it may be empty although there is a colon.
	modifier string
	modified bool
	// foreign tells that the identifier is none of these, or wrong.
	foreign bool
}

func refer(identifier string) *reference {
	if m, ok := macros[identifier]; ok {
		return &reference{macro: m}
	}
	if p, ok := parseRequestPath(identifier); ok {
		return &reference{request: &p}
	}
	if strings.HasPrefix(identifier, "@") || !identifierShape.MatchString(identifier) {
		return &reference{foreign: true}
	}
	r := &reference{parts: strings.Split(identifier, ".")}
	if len(r.parts) == 1 {
		r.parts[0], r.modifier, r.modified = strings.Cut(identifier, ":")
	}
	return r
}
