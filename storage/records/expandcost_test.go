package records

import (
	"errors"
	"strings"
	"testing"
)

func TestCostOfExpand(t *testing.T) {
	deep := "b_via_a.a.b_via_a.a.b_via_a.a"
	for _, x := range []struct {
		expand string
		want   ExpandCost
	}{
		{"", ExpandCost{}},
		{" , ,.,..", ExpandCost{}},
		{"a", ExpandCost{Paths: 1, Steps: 1, Depth: 1}},
		{"a, a.b.c ,", ExpandCost{Paths: 2, Steps: 4, Depth: 3}},
		{deep, ExpandCost{Paths: 1, Steps: 6, Depth: 6, Backs: 3}},
		{deep + ".b_via_a.a", ExpandCost{Paths: 1, Steps: 6, Depth: 6, Backs: 3}},
		{"a.comments(post)," + deep, ExpandCost{Paths: 2, Steps: 8, Depth: 6, Backs: 3}},
		{"comments(post).x", ExpandCost{Paths: 1, Steps: 2, Depth: 2, Backs: 1}},
	} {
		if got := CostOfExpand(x.expand); got != x.want {
			t.Errorf("%q\n got %+v\nwant %+v", x.expand, got, x.want)
		}
	}
	long := strings.Repeat("a.b_via_a,", 10000)
	if n := testing.AllocsPerRun(3, func() { CostOfExpand(long) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheckExpand(t *testing.T) {
	most := strings.Repeat("a.b,", MaxExpandPaths)
	if err := CheckExpand(most); err != nil {
		t.Errorf("%d paths: %v", MaxExpandPaths, err)
	}
	var limit *LimitError
	if err := CheckExpand(most + "c"); !errors.As(err, &limit) || !strings.Contains(err.Error(), "50 paths") {
		t.Errorf("%d paths: %v", MaxExpandPaths+1, err)
	}
}
