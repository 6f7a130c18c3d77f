package records_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/records"
)

// TestLaw13_FiltersAreBounded sends large filters that nobody sends twice, beside one that is in use.
func TestLaw13_FiltersAreBounded(t *testing.T) {
	g := newRig(t, counters)
	share := budget.New(2<<20).Share("filters", 100, 100)
	g.open(records.Options{Filters: share})
	in := g.input("counters", nil)
	list := func(filter string) {
		t.Helper()
		list := &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, Filter: filter}
		if _, _, err := g.store.List(t.Context(), nil, list); err != nil {
			t.Fatal(err)
		}
	}
	compiled := func() records.Plan {
		p, err := g.store.PlanOf(records.AskList, "counters", "n = 1", "", in.Caller)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := compiled()
	list("n = 1")
	for i := range 200 {
		terms := make([]string, 190)
		for k := range terms {
			terms[k] = fmt.Sprintf("n!=%d", i*1000+k)
		}
		list(strings.Join(terms, "||"))
		if compiled() != first {
			t.Fatalf("after %d others a filter in use is compiled again", i+1)
		}
	}
	if u := share.Usage(); u.Used > u.Limit || u.Used < u.Limit/4 {
		t.Errorf("%d of %d bytes are kept", u.Used, u.Limit)
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
		g.open(records.Options{})
		list := &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, Filter: tt.filter, Sort: tt.sort}
		if _, _, err := g.store.List(t.Context(), nil, list); err != nil {
			t.Fatal(err)
		}
		if n := g.store.TotalsKept(); (n > 0) != tt.kept {
			t.Errorf("total of %q by %q is kept: %v, want %v", tt.filter, tt.sort, n > 0, tt.kept)
		}
	}
}
