package records

import (
	"context"
	"encoding/json"
	"testing"
)

func (g *rig) totalOf(collection string) int {
	g.t.Helper()
	in := g.input(collection, nil)
	out, _, err := g.store.List(context.Background(), nil, &ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 30})
	if err != nil {
		g.t.Fatal(err)
	}
	var page struct{ TotalItems int }
	if err := json.Unmarshal(out, &page); err != nil {
		g.t.Fatal(err)
	}
	return page.TotalItems
}

func TestLaw4_TotalCachedBeforeWriteIsNotServedAfterIt(t *testing.T) {
	g := newRig(t, counters, `{"type":"view","name":"seen","viewQuery":"SELECT id, name FROM counters"}`)
	for want := range 5 {
		for range 2 { // the second one may come from the cache
			for _, collection := range []string{"counters", "seen"} {
				if n := g.totalOf(collection); n != want {
					t.Fatalf("%s has %d records, want %d", collection, n, want)
				}
			}
		}
		g.create("counters", map[string]any{"name": string(rune('a' + want))})
	}
}
