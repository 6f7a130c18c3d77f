package expand_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records/expand"
)

func TestCostOf(t *testing.T) {
	deep := "b_via_a.a.b_via_a.a.b_via_a.a"
	for _, x := range []struct {
		expand string
		want   expand.Cost
	}{
		{"", expand.Cost{}},
		{" , ,.,..", expand.Cost{}},
		{"a", expand.Cost{Paths: 1, Steps: 1, Depth: 1}},
		{"a, a.b.c ,", expand.Cost{Paths: 2, Steps: 4, Depth: 3}},
		{deep, expand.Cost{Paths: 1, Steps: 6, Depth: 6, Backs: 3}},
		{deep + ".b_via_a.a", expand.Cost{Paths: 1, Steps: 6, Depth: 6, Backs: 3}},
		{"a.comments(post)," + deep, expand.Cost{Paths: 2, Steps: 8, Depth: 6, Backs: 3}},
		{"comments(post).x", expand.Cost{Paths: 1, Steps: 2, Depth: 2, Backs: 1}},
	} {
		if got := expand.CostOf(x.expand); got != x.want {
			t.Errorf("%q\n got %+v\nwant %+v", x.expand, got, x.want)
		}
	}
	long := strings.Repeat("a.b_via_a,", 10000)
	if n := testing.AllocsPerRun(3, func() { expand.CostOf(long) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCheck(t *testing.T) {
	most := strings.Repeat("a.b,", expand.MaxPaths)
	if err := expand.Check(most); err != nil {
		t.Errorf("%d paths: %v", expand.MaxPaths, err)
	}
	var limit *expand.LimitError
	if err := expand.Check(most + "c"); !errors.As(err, &limit) || !strings.Contains(err.Error(), "50 paths") {
		t.Errorf("%d paths: %v", expand.MaxPaths+1, err)
	}
}
