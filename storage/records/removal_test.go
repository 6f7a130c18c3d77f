package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// A deletion in pieces does what one in a single unit does, and after no piece does a record refer to one that is gone.
func TestRemovalDoesWhatADeletionDoes(t *testing.T) {
	seeds := uint64(40)
	if raceDetector {
		seeds = 5 // which makes the same steps
	}
	for seed := range seeds {
		plain, columns := graph(t, seed)
		pieces, _ := graph(t, seed)
		pieces.inPieces()
		before := plain.rows(columns)
		plainErr := plain.tryDelete("top", idLetter(0))
		steps := 0
		piecesErr := pieces.remove("top", idLetter(0), func() {
			steps++
			for _, ref := range [][3]string{{"mid", "up", "top"}, {"leaf", "up", "mid"}, {"leaf", "top", "top"}} {
				dangling := pieces.count(fmt.Sprintf("SELECT COUNT(*) FROM %s r, json_each(CASE WHEN json_valid(r.%s) THEN r.%[2]s ELSE json_array(r.%[2]s) END) j WHERE j.value != '' AND j.value NOT IN (SELECT id FROM %s)",
					ref[0], ref[1], ref[2]))
				if dangling > 0 {
					t.Fatalf("seed %d: after %d pieces %d values of %s.%s name records that are gone", seed, steps, dangling, ref[0], ref[1])
				}
			}
		})
		if !errors.Is(piecesErr, plainErr) {
			t.Fatalf("seed %d: %v in pieces, %v in one", seed, piecesErr, plainErr)
		}
		want, got := plain.rows(columns), pieces.rows(columns)
		if !slices.Equal(want, got) {
			t.Fatalf("seed %d:\nin pieces %q\nin one    %q", seed, got, want)
		}
		if plainErr != nil && !slices.Equal(got, before) {
			t.Fatalf("seed %d: a refused deletion changed something", seed)
		}
		if n := pieces.count("SELECT (SELECT COUNT(*) FROM _troupe_deletion) + (SELECT COUNT(*) FROM _troupe_deletion_parts)"); n != 0 {
			t.Fatalf("seed %d: %d notes are left", seed, n)
		}
		if plainErr == nil {
			pieces.create("top", map[string]any{"id": idLetter(0)}) // nothing is kept from others any more
		}
	}
}

// While a deletion is under way its records are nobody else's, whatever order the pieces have.
func TestRemovalKeepsOthersAway(t *testing.T) {
	const one, two, kid, other = "aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb", "kkkkkkkkkkkkkkk", "lllllllllllllll"
	writes := map[string]struct {
		write func(g *rig) error
		kept  bool
	}{
		"refer to what will be gone": {func(g *rig) error { _, err := g.tryCreate("kids", map[string]any{"up": one}); return err }, true},
		"let another refer to it":    {func(g *rig) error { return g.tryUpdate("kids", other, map[string]any{"up": one}) }, true},
		"change what will be gone":   {func(g *rig) error { return g.tryUpdate("kids", kid, map[string]any{"up": two}) }, true},
		"delete what will be gone":   {func(g *rig) error { return g.tryDelete("kids", kid) }, true},
		"change the record itself":   {func(g *rig) error { return g.tryUpdate("counters", one, map[string]any{"name": "x"}) }, true},
		"refer to something else":    {func(g *rig) error { _, err := g.tryCreate("kids", map[string]any{"up": two}); return err }, false},
		"change something else":      {func(g *rig) error { return g.tryUpdate("kids", other, map[string]any{"up": two}) }, false},
		"delete something else":      {func(g *rig) error { return g.tryDelete("kids", other) }, false},
	}
	for name, c := range writes {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, counters)
			g.child(`,"maxSelect":1,"cascadeDelete":true`)
			g.create("counters", map[string]any{"id": one, "name": "1"})
			g.create("counters", map[string]any{"id": two, "name": "2"})
			g.create("kids", map[string]any{"id": kid, "up": one})
			g.create("kids", map[string]any{"id": other, "up": two})
			g.inPieces()
			cmd, _ := g.store.PrepareDelete(one, g.input("counters", nil))
			r, err := g.store.BeginRemoval(context.Background(), cmd)
			if err != nil || r == nil {
				t.Fatal(r, err)
			}
			err = c.write(g)
			var going *records.BeingDeletedError
			switch {
			case !c.kept && err != nil:
				t.Fatal(err)
			case c.kept && (!errors.As(err, &going) || !errors.Is(err, sqlite.ErrBusy)):
				t.Fatalf("%v, want a BeingDeletedError", err)
			}
			for done := false; !done; {
				if done, err = r.Step(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if going != nil {
				<-going.Done
				err := c.write(g)
				if !errors.Is(err, records.ErrNotFound) && !errors.As(err, new(validation.Errors)) {
					t.Errorf("afterwards: %v, want that the record is not there", err)
				}
			}
		})
	}
}

// Whoever refers to a record while its deletion is being worked out is found, or refused: nothing is left behind.
func TestRemovalFindsWhatIsWrittenMeanwhile(t *testing.T) {
	g := newRig(t, counters)
	g.child(`,"maxSelect":1,"cascadeDelete":true`)
	g.create("counters", map[string]any{"id": ancestor, "name": "1"})
	g.inPieces()
	ctx, stop := context.WithCancel(context.Background())
	written := make(chan int)
	began := make(chan struct{})
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			_, err := g.tryCreate("kids", map[string]any{"up": ancestor})
			var going *records.BeingDeletedError
			if errors.As(err, &going) {
				<-going.Done
			} else if err != nil {
				break // the record is gone
			}
			if n == 20 {
				close(began)
			}
		}
		written <- n
	}()
	<-began
	err := g.remove("counters", ancestor, nil)
	stop()
	t.Log(<-written, "records were created")
	if err != nil {
		t.Fatal(err)
	}
	if left := g.totalOf("kids"); left != 0 {
		t.Errorf("%d records refer to one that is gone", left)
	}
}

// What was decided before the process ended goes on afterwards; what was only being noted is forgotten.
func TestRemovalGoesOnAfterAnEnd(t *testing.T) {
	for steps := range 12 {
		g := family(t, 10) // 1 + 10 + 10 records
		g.inPieces()
		cmd, _ := g.store.PrepareDelete(ancestor, g.input("counters", nil))
		r, err := g.store.BeginRemoval(context.Background(), cmd)
		if err != nil {
			t.Fatal(err)
		}
		for n, done := 0, false; n < steps && !done; n++ {
			if done, err = r.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		again := records.NewStore(g.db, g.catalogue.Load, records.Options{Passwords: g.cheapPasswords()}) // as after a start
		r, err = again.UnfinishedRemoval(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if finished := g.totalOf("counters") == 0; finished != (r == nil) {
			t.Fatalf("after %d pieces: finished %v, unfinished %v", steps, finished, r)
		}
		g.store = again
		for r != nil {
			if err := g.tryUpdate("counters", ancestor, map[string]any{"name": "x"}); g.totalOf("counters") > 0 && !errors.As(err, new(*records.BeingDeletedError)) {
				t.Fatalf("after %d pieces: %v, want that the record is being deleted", steps, err)
			}
			done, err := r.Step(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if done {
				break
			}
		}
		if left := g.totalOf("counters") + g.totalOf("kids") + g.totalOf("grandkids"); left != 0 {
			t.Errorf("after %d pieces: %d records are left", steps, left)
		}
	}
}

func TestRemovalThatHadNotBegunIsForgotten(t *testing.T) {
	g := family(t, 10)
	g.exec("INSERT INTO _troupe_deletion VALUES (1, 'x', 0)")
	g.exec("INSERT INTO _troupe_deletion_parts (collection, action, records) VALUES (?, 'delete', ?)", g.catalogue.Load().Find("counters").ID, `["`+ancestor+`"]`)
	r, err := g.store.UnfinishedRemoval(context.Background())
	if err != nil || r != nil {
		t.Fatal(r, err)
	}
	if n := g.count("SELECT COUNT(*) FROM _troupe_deletion_parts"); n != 0 {
		t.Errorf("%d parts are left", n)
	}
	g.load("counters", ancestor)
}
