package contract_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// todo is what does not pass: by file name the steps that differ on purpose, or no steps for a whole case that is not built yet.
type todo map[string][]int

// readTodo reads lines such as "NAME.json" and "NAME.json:3,7", each with a comment behind #.
func readTodo(file string) (todo, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read ratchet: %w", err)
	}
	t := make(todo)
	for line := range strings.Lines(string(raw)) {
		line, _, _ = strings.Cut(line, "#")
		name, steps, some := strings.Cut(strings.TrimSpace(line), ":")
		if name == "" {
			continue
		}
		t[name] = nil
		if !some {
			continue
		}
		for text := range strings.SplitSeq(steps, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				return nil, fmt.Errorf("read ratchet: %q is no list of steps", steps)
			}
			t[name] = append(t[name], n)
		}
	}
	return t, nil
}

// verdict holds the steps of a case that failed, counted from 1, against the list.
func (t todo) verdict(name string, failed []int) (skip bool, complaints []string) {
	steps, listed := t[name]
	switch {
	case listed && len(steps) == 0 && len(failed) == 0:
		return false, []string{"it passes now: take it off contract.todo"}
	case listed && len(steps) == 0:
		return true, nil
	}
	for _, n := range steps {
		if !slices.Contains(failed, n) {
			complaints = append(complaints, fmt.Sprintf("step %d passes now: take it off contract.todo", n))
		}
	}
	for _, n := range failed {
		if !slices.Contains(steps, n) {
			complaints = append(complaints, fmt.Sprintf("step %d is not as recorded", n))
		}
	}
	return false, complaints
}
