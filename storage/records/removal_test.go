package records

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// inPieces makes every deletion of the store one in pieces, of one record each.
func (g *rig) inPieces() { g.store.sizes = pieceSizes{short: 0, part: 1} }

// remove deletes a record in pieces; between runs between them.
func (g *rig) remove(collection, id string, between func()) error {
	cmd, err := g.store.PrepareDelete(id, g.input(collection, nil))
	if err != nil {
		return err
	}
	return g.runRemoval(cmd, between)
}

func (g *rig) runRemoval(cmd target, between func()) error {
	r, err := g.store.BeginRemoval(context.Background(), cmd)
	for err == nil && r != nil {
		var done bool
		if done, err = r.Step(context.Background()); done {
			return err
		}
		if between != nil {
			between()
		}
	}
	return err
}

// rows returns what is stored in the collections, sorted.
func (g *rig) rows(columns map[string]string) []string {
	g.t.Helper()
	var list []string
	err := g.db.Read(context.Background(), func(r *sqlite.Reader) error {
		list = nil
		for name, column := range columns {
			stmt, err := r.Prepare("SELECT id, " + column + " FROM " + name)
			if err != nil {
				return err
			}
			for {
				more, err := stmt.Step()
				if err != nil {
					return err
				}
				if !more {
					break
				}
				list = append(list, name+" "+stmt.ColumnText(0)+" "+stmt.ColumnText(1))
			}
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func (g *rig) count(sql string) (n int) {
	g.t.Helper()
	err := g.db.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		stmt, err := tx.Prepare(sql)
		if err == nil {
			_, err = stmt.Step()
			n = stmt.ColumnInt(0)
		}
		return err
	}))
	if err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// idLetter is an id of one letter.
func idLetter(n int) string { return strings.Repeat(string(rune('a'+n)), 15) }

// graph has collections that refer to one another in many ways. The same seed makes the same records.
func graph(t *testing.T, seed uint64) (*rig, map[string]string) {
	g := newRig(t, `{"type":"base","name":"top","fields":[{"type":"text","name":"name"}]}`)
	id := func(name string) string { return g.catalogue.Load().Find(name).ID }
	rnd := rand.New(rand.NewPCG(seed, 0))
	options := []string{`,"maxSelect":1,"cascadeDelete":true`, `,"maxSelect":3,"cascadeDelete":true`, `,"maxSelect":1`, `,"maxSelect":3`, `,"maxSelect":3,"required":true`}
	pick := func() string { return options[rnd.IntN(len(options))] }
	g.define(fmt.Sprintf(`{"type":"base","name":"mid","fields":[{"type":"relation","name":"up","collectionId":%q%s}]}`, id("top"), pick()))
	g.define(fmt.Sprintf(`{"type":"base","name":"leaf","fields":[{"type":"relation","name":"up","collectionId":%q%s},{"type":"relation","name":"top","collectionId":%q%s}]}`,
		id("mid"), pick(), id("top"), pick()))
	const many = 8
	some := func(field string) any {
		n := 1
		if strings.Contains(field, `"maxSelect":3`) {
			n = 1 + rnd.IntN(3)
		}
		var ids []any
		for range n {
			if i := idLetter(rnd.IntN(many)); !slices.Contains(ids, any(i)) {
				ids = append(ids, i)
			}
		}
		return ids
	}
	of := func(collection, field string) any {
		f := g.catalogue.Load().Find(collection).Field(field)
		return some(fmt.Sprintf(`"maxSelect":%d`, map[bool]int{true: 3, false: 1}[strings.Contains(f.Column(), "[]")]))
	}
	for i := range many {
		g.create("top", map[string]any{"id": idLetter(i)})
	}
	for i := range many {
		g.create("mid", map[string]any{"id": idLetter(i), "up": of("mid", "up")})
	}
	for i := range many {
		g.create("leaf", map[string]any{"id": idLetter(i), "up": of("leaf", "up"), "top": of("leaf", "top")})
	}
	return g, map[string]string{"top": "name", "mid": "up", "leaf": "up || top"}
}

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
			var going *BeingDeletedError
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
				if !errors.Is(err, ErrNotFound) && !errors.As(err, new(validation.Errors)) {
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
			var going *BeingDeletedError
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
		again := NewStore(g.db, g.catalogue.Load, Options{Passwords: g.cheapPasswords()}) // as after a start
		r, err = again.UnfinishedRemoval(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if finished := g.totalOf("counters") == 0; finished != (r == nil) {
			t.Fatalf("after %d pieces: finished %v, unfinished %v", steps, finished, r)
		}
		g.store = again
		for r != nil {
			if err := g.tryUpdate("counters", ancestor, map[string]any{"name": "x"}); g.totalOf("counters") > 0 && !errors.As(err, new(*BeingDeletedError)) {
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
	cmd, err := g.store.PrepareTruncate(g.catalogue.Load().Find("counters").ID, Caller{})
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
		bound Bound
		many  int
		err   error
	}{
		"short and few":        {Short, 400, nil},
		"short and many":       {Short, maxShort, ErrInPieces},
		"transaction and few":  {Bounded, maxShort, nil},
		"transaction and many": {Bounded, maxBounded, ErrTooBig},
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
	g.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?) INSERT INTO kids (id, up) SELECT printf('%015d', i), 'zzzzzzzzzzzzzzz' FROM n", maxShortRows)
	cmd, _ := g.store.PrepareDelete(ancestor, g.input("counters", nil))
	cmd.Bound = Short
	if err := g.do(context.Background(), cmd); !errors.Is(err, ErrInPieces) {
		t.Fatalf("%v, want %v", err, ErrInPieces)
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
	if most > partSize*maxPieceParts || most == 0 {
		t.Errorf("a unit wrote %d records", most)
	}
	if n := len(g.emitted()); n != 1+20_000+20_000 {
		t.Errorf("%d records were deleted", n)
	}
}
