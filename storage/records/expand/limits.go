package expand

import (
	"fmt"
	"strings"
)

// MaxPaths is how many paths an expand parameter may have. Clients ask for as many as a page shows relations of,
// a dozen at the most; each may be a query for every step, and 300 of them took 8 s of a core.
const MaxPaths = 50

// Cost is what can be said of an expand parameter before anything is read.
type Cost struct {
	// Paths is the number of paths, Steps that of all their steps: about as many queries are made.
	Paths, Steps int
	// Depth is the length of the longest path. Steps beyond the sixth are left out and do not count.
	Depth int
	// Backs is how many back relations the path with the most of them goes through. Each multiplies what is found.
	Backs int
}

// CostOf returns the cost of an expand parameter. It looks at the text only, in one pass and without allocating,
// so that whoever is going to remember a parameter can ask first.
func CostOf(expand string) Cost {
	var cost Cost
	for path := range strings.SplitSeq(expand, ",") {
		if path = strings.Trim(path, ". "); path == "" {
			continue
		}
		cost.Paths++
		depth, backs := 0, 0
		for step := range strings.SplitSeq(path, ".") {
			if depth++; depth > maxDepth {
				depth--
				break
			}
			if strings.Contains(step, "_via_") || strings.Contains(step, "(") {
				backs++
			}
		}
		cost.Steps += depth
		cost.Depth, cost.Backs = max(cost.Depth, depth), max(cost.Backs, backs)
	}
	return cost
}

// LimitError says that an answer would go beyond a limit; its text names the limit and is meant for the client.
type LimitError struct{ text string }

// Error returns the limit.
func (e *LimitError) Error() string { return e.text }

// Check refuses an expand parameter with more paths than anybody needs. It fails with a *[LimitError]. What an
// accepted one may read is bounded where it is read.
func Check(expand string) error {
	if strings.Count(expand, ",") < MaxPaths {
		return nil
	}
	if CostOf(expand).Paths > MaxPaths {
		return &LimitError{fmt.Sprintf("An expand may have at most %d paths.", MaxPaths)}
	}
	return nil
}
