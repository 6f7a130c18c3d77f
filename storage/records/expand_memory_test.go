package records_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/troupebase/troupe/storage/records"
)

// Answers are made in memory that is used again: one must never show in another.
func TestExpandsShareNoMemory(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"tags","viewRule":"","fields":[{"type":"text","name":"name"}]}`)
	g.define(fmt.Sprintf(`{"type":"base","name":"notes","listRule":"","fields":[{"type":"number","name":"n"},
		{"type":"relation","name":"tag","maxSelect":1,"collectionId":%[1]q},{"type":"relation","name":"tags","maxSelect":9,"collectionId":%[1]q}]}`,
		g.catalogue.Load().Find("tags").ID))
	var ids []any
	for i := range 20 {
		ids = append(ids, g.create("tags", map[string]any{"name": fmt.Sprint("tag ", i)}).ID())
	}
	for i := range 120 {
		g.create("notes", map[string]any{"n": float64(i), "tag": ids[i%20], "tags": []any{ids[i%20], ids[(i+7)%20]}})
	}
	in := g.input("notes", nil)
	list := func(page, perPage int, param string) string {
		out, _, err := g.store.List(t.Context(), nil, &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: page, PerPage: perPage, Sort: "n", Expand: param})
		if err != nil {
			t.Error(err)
		}
		return string(out)
	}
	type key struct {
		page, perPage int
		expand        string
	}
	asked := []key{{1, 120, "tag,tags"}, {2, 30, "tag"}, {3, 7, "tags"}, {1, 1, "tag"}, {9, 30, "tag"}, {1, 50, ""}}
	want := make([]string, len(asked))
	for i, k := range asked {
		g.open(records.Options{}) // the memory of each is new
		want[i] = list(k.page, k.perPage, k.expand)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 60 {
				k := (i*5 + w) % len(asked)
				if got := list(asked[k].page, asked[k].perPage, asked[k].expand); got != want[k] {
					t.Errorf("page %+v is not what it was", asked[k])
				}
			}
		})
	}
	wg.Wait()
}
