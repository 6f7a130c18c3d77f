package records_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records"
)

// TestLaw13_ListsAskForRoom ends a list as soon as there is no room for what it has collected, on both ways to make one.
func TestLaw13_ListsAskForRoom(t *testing.T) {
	g := newRig(t, `{"type":"base","id":"pbc_parents0000","name":"parents","fields":[{"type":"text","name":"name"}]}`,
		`{"type":"base","name":"larges","fields":[{"type":"text","name":"t","max":100000},{"type":"relation","name":"parent","collectionId":"pbc_parents0000"}]}`)
	parent := g.create("parents", map[string]any{"name": "p"}).ID()
	for range 20 {
		g.create("larges", map[string]any{"t": strings.Repeat("x", 50_000), "parent": parent})
	}
	full := errors.New("no room")
	in := g.input("larges", nil)
	for _, expand := range []string{"", "parent"} {
		most := 0
		list := &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 30, Expand: expand}
		list.Room = func(n int) error {
			most = max(most, n)
			if n > 200_000 {
				return full
			}
			return nil
		}
		if out, _, err := g.store.List(t.Context(), nil, list); !errors.Is(err, full) || len(out) != 0 || most > 300_000 {
			t.Errorf("expand %q: %v after %d bytes", expand, err, most)
		}
		list.Room = func(int) error { return nil }
		if out, _, err := g.store.List(t.Context(), nil, list); err != nil || len(out) < 1_000_000 {
			t.Errorf("expand %q with room: %d bytes, %v", expand, len(out), err)
		}
	}
}
