package expand

import (
	"slices"
	"testing"
)

func TestSlabHandsOutZeroValuesOnce(t *testing.T) {
	var s slab[int]
	for range 3 {
		var parts [][]int
		for _, n := range []int{1, 7, 3, 2000, 5} {
			part := s.take(n)
			if len(part) != n || cap(part) != n || slices.ContainsFunc(part, func(v int) bool { return v != 0 }) {
				t.Fatalf("take(%d) gave %d of %d", n, len(part), cap(part))
			}
			for i := range part {
				part[i] = n
			}
			parts = append(parts, part)
		}
		for _, part := range parts {
			if slices.ContainsFunc(part, func(v int) bool { return v != len(part) }) {
				t.Errorf("%d elements were given twice", len(part))
			}
		}
		s.reset()
		if len(s.piece) > maxKeptParts {
			t.Errorf("a piece of %d is kept", len(s.piece))
		}
	}
}
