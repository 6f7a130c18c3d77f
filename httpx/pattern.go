package httpx

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxPattern bounds a pattern's bytes. Request lines may be longer, but not for a path that somebody wrote down.
const maxPattern = 4 << 10

// segmentKind is what a segment of a pattern stands for.
type segmentKind int

const (
	literalSegment segmentKind = iota
	paramSegment
	restSegment
)

// segment is one part of a pattern: the decoded text of a literal, or the name of a parameter.
type segment struct {
	kind segmentKind
	text string
}

// parsePattern takes the path of a route apart. An empty literal at the end is a trailing slash.
func parsePattern(path string) ([]segment, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, errors.New("the path must begin with a slash")
	}
	if len(path) > maxPattern {
		return nil, fmt.Errorf("the path is longer than %d bytes", maxPattern)
	}
	var out []segment
	var names []string
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		s, err := parseSegment(part, i == len(parts)-1)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
		if s.kind == literalSegment {
			continue
		}
		if s.text != "" && slices.Contains(names, s.text) {
			return nil, fmt.Errorf("parameter %q comes twice", s.text)
		}
		if names = append(names, s.text); len(names) > maxParams {
			return nil, fmt.Errorf("more than %d parameters", maxParams)
		}
	}
	return out, nil
}

func parseSegment(part string, last bool) (segment, error) {
	if !strings.ContainsAny(part, "{}") {
		return parseLiteral(part, last)
	}
	name, opened := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	name, rest := strings.CutSuffix(name, "...")
	switch {
	case !opened || !closed:
		return segment{}, fmt.Errorf("malformed segment %q", part)
	case (rest || name == "$") && !last:
		return segment{}, fmt.Errorf("%q is not the last segment", part)
	case name == "$" && !rest:
		return segment{}, nil
	case rest && (name == "" || isName(name)):
		return segment{restSegment, name}, nil
	case !rest && isName(name):
		return segment{paramSegment, name}, nil
	}
	return segment{}, fmt.Errorf("malformed segment %q", part)
}

func parseLiteral(part string, last bool) (segment, error) {
	switch {
	case part == "" && !last:
		return segment{}, errors.New("no request has an empty segment in its path")
	case part == "." || part == "..":
		return segment{}, fmt.Errorf("no request has the segment %q in its path", part)
	}
	if text, ok := unescape([]byte(part), false); ok {
		part = text
	}
	return segment{literalSegment, part}, nil
}

// isName tells whether s is an identifier, as Go's multiplexer wants parameters to be.
func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// shape is what a pattern has in common with those that match the same paths: all but the names.
func shape(segments []segment) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		switch s.kind {
		case literalSegment:
			// Quoted, so that no literal looks like a parameter or holds a slash.
			fmt.Fprintf(&b, "%q", s.text)
		case paramSegment:
			b.WriteString("{}")
		case restSegment:
			b.WriteString("{...}")
		}
	}
	return b.String()
}

// splitPattern cuts the method off a pattern of the form "METHOD /path"; without one it is "".
func splitPattern(pattern string) (method, path string) {
	if i := strings.IndexAny(pattern, " \t"); i >= 0 && !strings.HasPrefix(pattern, "/") {
		return pattern[:i], strings.TrimLeft(pattern[i:], " \t")
	}
	return "", pattern
}

// isMethod tells whether s can be the method of a request, or is "", which stands for all.
func isMethod(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return true
}
