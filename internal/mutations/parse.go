package main

import (
	"fmt"
	"strings"
)

// mutation is one broken promise: in file, new stands where old stood, and the tests run of pkg notice.
type mutation struct {
	name, file, pkg, run, old, new string
}

// parse reads the list. Its head says what it looks like.
func parse(text string) ([]mutation, error) {
	var all []mutation
	_, text, _ = strings.Cut(text, "\n== ")
	for i, block := range strings.Split(text, "\n== ") {
		m, err := parseOne(block)
		if err != nil {
			return nil, fmt.Errorf("mutation %d: %w", i+1, err)
		}
		all = append(all, m)
	}
	return all, nil
}

func parseOne(block string) (m mutation, err error) {
	head, change, ok := strings.Cut(block, "\n<<<\n")
	old, rest, ok2 := strings.Cut(change, "\n>>>\n")
	if !ok || !ok2 {
		return m, fmt.Errorf("%q has no <<< and >>>", head)
	}
	lines := strings.Split(head, "\n")
	m.name, m.old, m.new = lines[0], old, strings.TrimRight(rest, "\n")
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "file":
			m.file = value
		case "test":
			m.pkg, m.run, _ = strings.Cut(value, " ")
		default:
			return m, fmt.Errorf("%s: unknown line %q", m.name, line)
		}
	}
	if m.file == "" || m.pkg == "" || m.run == "" || m.old == "" || m.old == m.new {
		return m, fmt.Errorf("%s: file, test or change is missing", m.name)
	}
	return m, nil
}
