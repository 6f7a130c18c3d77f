package records

import (
	"fmt"
	"testing"
)

func TestPlansAreBounded(t *testing.T) {
	g := newRig(t, counters)
	in := g.input("counters", nil)
	for i := range maxPlans + 100 {
		list := &ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, SkipTotal: true, Filter: fmt.Sprintf("n = %d", i)}
		if _, _, err := g.store.List(t.Context(), nil, list); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(g.store.compiled(g.catalogue.Load()).plans); n > maxPlans || n == 0 {
		t.Errorf("%d plans are kept, want at most %d", n, maxPlans)
	}
}

func TestVolatileTotalsAreNotKept(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"events","fields":[{"type":"date","name":"at"},{"type":"number","name":"n"}]}`)
	in := g.input("events", nil)
	for _, tt := range []struct {
		filter, sort string
		kept         bool
	}{
		{"n > 0", "", true},
		{"n > 0", "-n", true},
		{"at > @now", "", false},
		{"at >= @todayStart", "", false},
		{"n > 0 && at < @tomorrow", "", false},
		{"n > 0", "@random", false},
	} {
		g.store.totals.known = nil
		list := &ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, Filter: tt.filter, Sort: tt.sort}
		if _, _, err := g.store.List(t.Context(), nil, list); err != nil {
			t.Fatal(err)
		}
		if got := len(g.store.totals.known) > 0; got != tt.kept {
			t.Errorf("total of %q by %q is kept: %v, want %v", tt.filter, tt.sort, got, tt.kept)
		}
	}
}
