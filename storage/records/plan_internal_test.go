package records

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// decodeCounters has records with a name and a number.
func decodeCounters(t *testing.T) *schema.Collection {
	t.Helper()
	c, err := schema.DecodeNew([]byte(`{"id":"counters","type":"base","name":"counters","fields":[
		{"type":"text","name":"id","primaryKey":true},{"type":"text","name":"name"},{"type":"number","name":"n"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPlansCostWhatTheySay compares what plans are said to take with what they take.
func TestPlansCostWhatTheySay(t *testing.T) {
	c := decodeCounters(t)
	cat := schema.NewCatalogue(1, []*schema.Collection{c})
	s := NewStore(nil, func() *schema.Catalogue { return cat }, Options{})
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
	pc := s.compiled(cat)
	pc.encoder(c, layout{})
	plans := make([]*plan, many)
	said, before := int64(0), heap()
	for i, a := range asked {
		p, err := compile(cat, pc, a, &filter.Request{Context: "default"})
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
