package records

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/cache"
	"github.com/troupebase/troupe/storage/filter"
)

// TestLaw13_FiltersAreBounded sends large filters that nobody sends twice, beside one that is in use.
func TestLaw13_FiltersAreBounded(t *testing.T) {
	g := newRig(t, counters)
	share := budget.New(2<<20).Share("filters", 100, 100)
	g.store = NewStore(g.db, g.catalogue.Load, Options{Passwords: g.cheapPasswords(), Filters: share})
	in := g.input("counters", nil)
	list := func(filter string) {
		t.Helper()
		list := &ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, Filter: filter}
		if _, _, err := g.store.List(t.Context(), nil, list); err != nil {
			t.Fatal(err)
		}
	}
	compiled := func() *plan {
		cat := g.catalogue.Load()
		e, err := g.store.parse("n = 1")
		if err != nil {
			t.Fatal(err)
		}
		c := cat.ByID(in.CollectionID)
		p, err := g.store.plan(cat, &ask{kind: askList, c: c, filter: e, hidden: in.Caller.Superuser, trust: filter.Superuser}, in.Caller.Request)
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

// TestPlansCostWhatTheySay compares what plans are said to take with what they take.
func TestPlansCostWhatTheySay(t *testing.T) {
	g := newRig(t, counters)
	cat := g.catalogue.Load()
	in := g.input("counters", nil)
	c := cat.ByID(in.CollectionID)
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const many = 100
	asked := make([]*ask, many)
	for i := range asked {
		terms := make([]string, 100)
		for k := range terms {
			terms[k] = fmt.Sprintf("n!=%d", i*1000+k)
		}
		e, err := filter.Parse(strings.Join(terms, "||"))
		if err != nil {
			t.Fatal(err)
		}
		asked[i] = &ask{kind: askList, c: c, filter: e, trust: filter.Superuser}
	}
	pc := g.store.compiled(cat)
	pc.encoder(c, layout{})
	plans := make([]*plan, many)
	said, before := int64(0), heap()
	for i, a := range asked {
		p, err := compile(cat, pc, a, in.Caller.Request)
		if err != nil {
			t.Fatal(err)
		}
		plans[i] = p
		said += p.bytes()
	}
	took := heap() - before
	runtime.KeepAlive(plans)
	runtime.KeepAlive(asked)
	if said < took*3/4 || said > took*3 {
		t.Errorf("said to take %d bytes, took %d", said, took)
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
		g.store.totals.known = cache.New[*total](maxTotals, nil)
		list := &ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, Filter: tt.filter, Sort: tt.sort}
		if _, _, err := g.store.List(t.Context(), nil, list); err != nil {
			t.Fatal(err)
		}
		if n, _ := g.store.totals.known.Size(); (n > 0) != tt.kept {
			t.Errorf("total of %q by %q is kept: %v, want %v", tt.filter, tt.sort, n > 0, tt.kept)
		}
	}
}
