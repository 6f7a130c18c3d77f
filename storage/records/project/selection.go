package project

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrFields says that the value of the query parameter "fields" has a modifier that cannot be read. A client is then
// answered with the status of the success and nothing else, because what it asked for has happened.
var ErrFields = errors.New("invalid fields")

// selection is what to keep of a value.
type selection struct {
	// whole keeps the value with everything in it.
	whole bool
	// excerpt shortens a text that is kept.
	excerpt *excerpt
	// keys are what to keep of the keys that are named.
	keys map[string]*selection
	// rest is what to keep of the others, nil when they are dropped.
	rest *selection
}

// of returns what to keep of a key, nil when it is dropped.
func (s *selection) of(key []byte) *selection {
	if k := s.keys[string(key)]; k != nil {
		return k
	}
	return s.rest
}

// parseFields reads a list of paths. It returns nil when there is none in it, which means everything.
func parseFields(fields string) (*selection, error) {
	var root *selection
	for entry := range entries(fields) {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		if root == nil {
			root = &selection{}
		}
		path, modifier, modified := strings.Cut(entry, ":")
		end := root.add(strings.TrimSpace(path))
		end.whole = true
		if !modified {
			continue
		}
		x, err := parseModifier(modifier)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrFields, entry, err)
		}
		end.excerpt = x
	}
	return root, nil
}

// entries yields the parts between the commas that are not inside parentheses.
func entries(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, depth := 0, 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '(':
				depth++
			case ')':
				depth = max(0, depth-1)
			case ',':
				if depth > 0 {
					continue
				}
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(s[start:])
	}
}

// add returns the selection at the end of a path below s. A star stands for the other keys only at the end of a path,
// anywhere else it is a key like any other.
func (s *selection) add(path string) *selection {
	for {
		name, deeper, found := strings.Cut(path, ".")
		if !found && name == "*" {
			if s.rest == nil {
				s.rest = &selection{}
			}
			return s.rest
		}
		if s.keys == nil {
			s.keys = make(map[string]*selection)
		}
		k := s.keys[name]
		if k == nil {
			k = &selection{}
			s.keys[name] = k
		}
		if !found {
			return k
		}
		s, path = k, deeper
	}
}

// parseModifier reads what follows the colon. What comes after the closing parenthesis is not looked at.
func parseModifier(s string) (*excerpt, error) {
	name, rest, opened := strings.Cut(s, "(")
	list, _, closed := strings.Cut(rest, ")")
	switch {
	case strings.TrimSpace(name) != "excerpt":
		return nil, errors.New("unknown modifier")
	case !opened:
		return nil, errors.New("a length is required")
	case !closed:
		return nil, errors.New("missing closing parenthesis")
	}
	args := strings.Split(list, ",")
	if len(args) > 2 {
		return nil, errors.New("too many arguments")
	}
	length, err := strconv.Atoi(strings.TrimSpace(args[0]))
	if err != nil || length <= 0 {
		return nil, errors.New("the length must be a whole number above 0")
	}
	x := &excerpt{length: length}
	if len(args) == 2 {
		// What does not read as a bool is false.
		x.ellipsis, _ = strconv.ParseBool(strings.TrimSpace(args[1]))
	}
	return x, nil
}
