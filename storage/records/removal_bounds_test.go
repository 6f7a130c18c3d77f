package records_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// What a unique index refuses is refused with the decision, before anything is gone.
func TestRemovalIsRefusedByAUniqueIndexBeforeItBegins(t *testing.T) {
	g := family(t, 10)
	target := g.catalogue.Load().Find("counters").ID
	g.define(`{"name":"badges","type":"base","fields":[{"name":"of","type":"relation","collectionId":"` + target + `","maxSelect":1}],"indexes":["CREATE UNIQUE INDEX badges_of ON badges (of)"]}`)
	g.exec("INSERT INTO badges (id, of) VALUES ('aaaaaaaaaaaaaaa', ''), ('bbbbbbbbbbbbbbb', ?)", ancestor)
	g.inPieces()
	g.emitted()
	if err := g.remove("counters", ancestor, func() { t.Fatal("it has begun") }); !errors.As(err, new(*sqlite.UniqueError)) {
		t.Fatalf("%v, want what the index says", err)
	}
	if n := len(g.emitted()); n != 0 {
		t.Errorf("%d changes were made", n)
	}
	g.exec("DELETE FROM badges WHERE of = ''")
	if err := g.remove("counters", ancestor, nil); err != nil {
		t.Fatal(err)
	}
	if left := g.totalOf("kids"); left != 0 {
		t.Errorf("%d records are left", left)
	}
}

// Triggers of somebody else may refuse anything: with them a deletion is one unit, all or nothing.
func TestRemovalWithTriggersIsOneUnit(t *testing.T) {
	g := family(t, 10)
	g.exec("CREATE TRIGGER keep BEFORE DELETE ON kids WHEN old.id = '000000000000003' BEGIN SELECT RAISE(ABORT, 'kept'); END")
	g.inPieces()
	g.emitted()
	err := g.remove("counters", ancestor, func() { t.Fatal("it has begun") })
	if err == nil || !strings.Contains(err.Error(), "kept") {
		t.Fatalf("%v, want what the trigger says", err)
	}
	if n := len(g.emitted()); n != 0 {
		t.Errorf("%d changes were made", n)
	}
}

func TestTruncateInPieces(t *testing.T) {
	g := family(t, 10)
	g.create("counters", map[string]any{"name": "2"})
	g.inPieces()
	cmd, err := g.store.PrepareTruncate(g.catalogue.Load().Find("counters").ID, records.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	created := 0
	err = g.runRemoval(cmd, func() {
		created++
		g.create("counters", map[string]any{"name": fmt.Sprint("later ", created)})
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := g.totalOf("counters"); n != created || created == 0 {
		t.Errorf("%d records are left, %d were created meanwhile", n, created)
	}
	if n := g.totalOf("kids"); n != 0 {
		t.Errorf("%d that refer to what is gone are left", n)
	}
}

func TestBoundsOfDeletions(t *testing.T) {
	for name, c := range map[string]struct {
		bound records.Bound
		many  int
		err   error
	}{
		"short and few":        {records.Short, 400, nil},
		"short and many":       {records.Short, records.MaxShort, records.ErrInPieces},
		"transaction and few":  {records.Bounded, records.MaxShort, nil},
		"transaction and many": {records.Bounded, records.MaxBounded, records.ErrTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			g := family(t, 0)
			g.breed(c.many)
			cmd, _ := g.store.PrepareDelete(ancestor, g.input("counters", nil))
			cmd.Bound = c.bound
			before := g.totalOf("kids")
			err := g.do(context.Background(), cmd)
			if !errors.Is(err, c.err) {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if left := g.totalOf("kids"); c.err != nil && left != before || c.err == nil && left != 0 {
				t.Errorf("%d of %d records are left", left, before)
			}
		})
	}
}

// Law 8: a unit does not look through a big table for references where no index helps. The deletion is worked out on a Reader.
func TestLaw8_BigTablesAreNotReadUnderTheWriter(t *testing.T) {
	g := family(t, 0)
	g.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?) INSERT INTO kids (id, up) SELECT printf('%015d', i), 'zzzzzzzzzzzzzzz' FROM n", records.MaxShortRows)
	cmd, _ := g.store.PrepareDelete(ancestor, g.input("counters", nil))
	cmd.Bound = records.Short
	if err := g.do(context.Background(), cmd); !errors.Is(err, records.ErrInPieces) {
		t.Fatalf("%v, want %v", err, records.ErrInPieces)
	}
	r, err := g.store.BeginRemoval(context.Background(), cmd)
	if err != nil || r != nil {
		t.Fatalf("%v, %v: what is small is done at once", r, err)
	}
	if left := g.totalOf("counters"); left != 0 {
		t.Error("the record is still there")
	}
}

// Law 8: no unit of a deletion in pieces writes more than some records, however many there are.
func TestLaw8_PiecesAreSmall(t *testing.T) {
	g := family(t, 0)
	g.breed(20_000)
	g.emitted()
	most, last := 0, 0
	if err := g.remove("counters", ancestor, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		most, last = max(most, len(g.changes)-last), len(g.changes)
	}); err != nil {
		t.Fatal(err)
	}
	if most > records.PartSize*records.MaxPieceParts || most == 0 {
		t.Errorf("a unit wrote %d records", most)
	}
	if n := len(g.emitted()); n != 1+20_000+20_000 {
		t.Errorf("%d records were deleted", n)
	}
}
