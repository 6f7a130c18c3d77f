package expand

import (
	"errors"
	"strings"
	"testing"
)

func TestCostOf(t *testing.T) {
	deep := "b_via_a.a.b_via_a.a.b_via_a.a"
	for _, x := range []struct {
		expand string
		want   Cost
	}{
		{"", Cost{}},
		{" , ,.,..", Cost{}},
		{"a", Cost{Paths: 1, Steps: 1, Depth: 1}},
		{"a, a.b.c ,", Cost{Paths: 2, Steps: 4, Depth: 3}},
		{deep, Cost{Paths: 1, Steps: 6, Depth: 6, Backs: 3}},
		{deep + ".b_via_a.a", Cost{Paths: 1, Steps: 6, Depth: 6, Backs: 3}},
		{"a.comments(post)," + deep, Cost{Paths: 2, Steps: 8, Depth: 6, Backs: 3}},
		{"comments(post).x", Cost{Paths: 1, Steps: 2, Depth: 2, Backs: 1}},
	} {
		if got := CostOf(x.expand); got != x.want {
			t.Errorf("%q\n got %+v\nwant %+v", x.expand, got, x.want)
		}
	}
	long := strings.Repeat("a.b_via_a,", 10000)
	if n := testing.AllocsPerRun(3, func() { CostOf(long) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheck(t *testing.T) {
	most := strings.Repeat("a.b,", MaxPaths)
	if err := Check(most); err != nil {
		t.Errorf("%d paths: %v", MaxPaths, err)
	}
	var limit *LimitError
	if err := Check(most + "c"); !errors.As(err, &limit) || !strings.Contains(err.Error(), "50 paths") {
		t.Errorf("%d paths: %v", MaxPaths+1, err)
	}
}
