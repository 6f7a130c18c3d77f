package contract_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A path such as $.a[0]["b c"][*] names values within JSON.
var pathStep = regexp.MustCompile(`\.([^.\[\]]+)|\[(?:(\d+|\*)|"([^"]*)")\]`)

// pathSteps are the keys and numbers of a path; "*" means every element.
func pathSteps(path string) []string {
	var steps []string
	for _, m := range pathStep.FindAllStringSubmatch(strings.TrimPrefix(path, "$"), -1) {
		steps = append(steps, m[1]+m[2]+m[3])
	}
	return steps
}

// lookup returns the value at a path.
func lookup(v any, path string) (any, bool) {
	for _, step := range pathSteps(path) {
		switch x := v.(type) {
		case map[string]any:
			child, ok := x[step]
			if !ok {
				return nil, false
			}
			v = child
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// without returns v without what a path names, v itself stays as it is: keys go, elements of arrays become null so that the
// others keep their places.
func without(v any, steps []string) any {
	if len(steps) == 0 {
		return nil
	}
	last := len(steps) == 1
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for key, child := range x {
			switch {
			case steps[0] != "*" && steps[0] != key:
				out[key] = child
			case !last:
				out[key] = without(child, steps[1:])
			}
		}
		return out
	case []any:
		out := slices.Clone(x)
		for i, child := range x {
			switch {
			case steps[0] != "*" && steps[0] != strconv.Itoa(i):
			case last:
				out[i] = nil
			default:
				out[i] = without(child, steps[1:])
			}
		}
		return out
	}
	return v
}
