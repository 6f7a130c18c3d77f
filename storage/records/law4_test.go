package records_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

func (g *rig) totalOf(collection string) int {
	g.t.Helper()
	in := g.input(collection, nil)
	out, _, err := g.store.List(context.Background(), nil, &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 30})
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

// totalsRig has parents, kids that go with them, and callers whose totals are remembered in different ways.
func totalsRig(t testing.TB) *rig {
	g := newRig(t, `{"type":"base","name":"parents","listRule":"","fields":[{"type":"text","name":"name"},{"type":"number","name":"n"}],
		"indexes":["CREATE UNIQUE INDEX idx_parent ON parents (name)"]}`)
	g.define(fmt.Sprintf(`{"type":"base","name":"kids","listRule":"n > 3","fields":[{"type":"number","name":"n"},
		{"type":"relation","name":"of","maxSelect":1,"cascadeDelete":true,"collectionId":%q}]}`, g.catalogue.Load().Find("parents").ID))
	return g
}

// total asks for the total of a list.
func (g *rig) total(collection, filterText string, superuser bool) int {
	g.t.Helper()
	in := g.input(collection, nil)
	in.Caller.Superuser = superuser
	out, _, err := g.store.List(context.Background(), nil,
		&records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 1, Filter: filterText})
	if err != nil {
		g.t.Error(err)
		return -1
	}
	var page struct{ TotalItems int }
	if err := json.Unmarshal(out, &page); err != nil {
		g.t.Error(err)
	}
	return page.TotalItems
}

// told is what a program is told.
func (g *rig) told(collection, filterText string, superuser bool) int {
	g.t.Helper()
	in := g.input(collection, nil)
	in.Caller.Superuser = superuser
	n, err := g.store.Count(context.Background(), nil, &records.FindInput{CollectionID: in.CollectionID, Caller: &in.Caller, Filter: filterText, Sort: "-id"})
	if err != nil {
		g.t.Error(err)
	}
	return n
}

// counted is what SQLite counts.
func (g *rig) counted(sql string) (n int) {
	g.t.Helper()
	err := g.db.Read(context.Background(), func(r *sqlite.Reader) error {
		stmt, err := r.Prepare("SELECT COUNT(*) FROM " + sql)
		if err == nil {
			_, err = stmt.Step()
		}
		if err == nil {
			n = stmt.ColumnInt(0)
		}
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

// randomID returns the id of some record, "" when there is none.
func (g *rig) randomID(collection string) (id string) {
	g.t.Helper()
	err := g.db.Read(context.Background(), func(r *sqlite.Reader) error {
		stmt, err := r.Prepare("SELECT id FROM " + collection + " ORDER BY random() LIMIT 1")
		if err != nil {
			return err
		}
		if found, err := stmt.Step(); err != nil || !found {
			return err
		}
		id = stmt.ColumnText(0)
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// totalsSteps are what happens to the records. Some fail, as they should now and then.
var totalsSteps = []func(g *rig, random *rand.Rand) error{
	func(g *rig, random *rand.Rand) error {
		_, err := g.tryCreate("parents", map[string]any{"name": fmt.Sprint(random.IntN(40)), "n": float64(random.IntN(10))})
		return err
	},
	func(g *rig, random *rand.Rand) error {
		_, err := g.tryCreate("kids", map[string]any{"n": float64(random.IntN(10)), "of": g.randomID("parents")})
		return err
	},
	func(g *rig, random *rand.Rand) error {
		return g.tryUpdate("kids", g.randomID("kids"), map[string]any{"n": float64(random.IntN(10))})
	},
	func(g *rig, random *rand.Rand) error { return g.tryDelete("kids", g.randomID("kids")) },
	func(g *rig, random *rand.Rand) error { return g.tryDelete("parents", g.randomID("parents")) },
	func(g *rig, random *rand.Rand) error { // all or nothing
		batch := new(records.Batch)
		for range random.IntN(4) + 1 {
			cmd, err := g.store.PrepareCreate(context.Background(), g.input("parents", map[string]any{"name": fmt.Sprint(random.IntN(40))}))
			if err != nil {
				return err
			}
			batch.Commands = append(batch.Commands, cmd)
		}
		return g.do(context.Background(), batch)
	},
	func(g *rig, random *rand.Rand) error {
		if random.IntN(10) > 0 {
			return nil
		}
		cmd, err := g.store.PrepareTruncate(g.catalogue.Load().Find("parents").ID, records.Caller{})
		if err != nil {
			return err
		}
		return g.do(context.Background(), cmd)
	},
	func(g *rig, random *rand.Rand) error {
		return g.db.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
			_, err := tx.Console(context.Background(), fmt.Sprintf("DELETE FROM kids WHERE n = %d", random.IntN(10)))
			return err
		}))
	},
}

func TestLaw4_TotalsAfterRandomCommands(t *testing.T) {
	g := totalsRig(t)
	random := rand.New(rand.NewPCG(5, 6))
	failed := 0
	for i := range 600 {
		if i%100 == 99 {
			g.define(fmt.Sprintf(`{"type":"base","name":"more%d","fields":[]}`, i))
		}
		if err := totalsSteps[random.IntN(len(totalsSteps))](g, random); err != nil {
			failed++
		}
		for _, tt := range []struct {
			collection, filter string
			superuser          bool
			want               string
		}{
			{"parents", "", false, "parents"},
			{"parents", "", true, "parents"},
			{"parents", "n > 4", false, "parents WHERE n > 4"},
			{"kids", "", true, "kids"},
			{"kids", "", false, "kids WHERE n > 3"},
			{"kids", "of.n < 5", true, "kids JOIN parents ON parents.id = kids.of WHERE parents.n < 5"},
		} {
			if got, want := g.total(tt.collection, tt.filter, tt.superuser), g.counted(tt.want); got != want {
				t.Fatalf("step %d: total of %s by %q is %d, want %d", i, tt.collection, tt.filter, got, want)
			}
			if got, want := g.told(tt.collection, tt.filter, tt.superuser), g.counted(tt.want); got != want {
				t.Fatalf("step %d: count of %s by %q is %d, want %d", i, tt.collection, tt.filter, got, want)
			}
		}
	}
	if failed < 50 || failed > 450 {
		t.Errorf("%d of 600 steps failed, want some of both", failed)
	}
}

// A total counts what was answered before it was asked for, and nothing that was not begun when it was answered.
func TestLaw4_TotalsBesideWriters(t *testing.T) {
	g := totalsRig(t)
	var added, adding, removed, removing atomic.Int64
	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(w)))
			var mine []string
			for range 150 {
				if len(mine) > 0 && random.IntN(3) == 0 {
					removing.Add(1)
					if err := g.tryDelete("parents", mine[0]); err != nil {
						t.Error(err)
					}
					removed.Add(1)
					mine = mine[1:]
					continue
				}
				adding.Add(1)
				r, err := g.tryCreate("parents", map[string]any{"name": fmt.Sprint(random.IntN(5000)), "n": 9.0})
				if err != nil {
					adding.Add(-1)
					continue
				}
				added.Add(1)
				mine = append(mine, r.ID())
			}
		})
	}
	for _, filterText := range []string{"", "", "n > 4", "n > 4"} {
		readers.Go(func() {
			for !stop.Load() {
				in, out := added.Load(), removed.Load()
				got := int64(g.total("parents", filterText, false))
				least, most := in-removing.Load(), adding.Load()-out
				if got < least || got > most {
					t.Errorf("total by %q is %d, want %d to %d", filterText, got, least, most)
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
	if got, want := g.total("parents", "", false), g.counted("parents"); got != want {
		t.Errorf("%d in the end, want %d", got, want)
	}
}

// Where only rows were added the new ones are counted and nothing else, which shows when the old ones change unnoticed.
func TestTotalsAreCarriedOn(t *testing.T) {
	g := totalsRig(t)
	id := g.create("parents", map[string]any{"name": "a", "n": 9.0}).ID()
	expect := func(want int) {
		t.Helper()
		if got := g.total("parents", "n > 4", false); got != want {
			t.Errorf("total is %d, want %d", got, want)
		}
		if got := g.told("parents", "n > 4", false); got != want {
			t.Errorf("a program counts %d, want %d", got, want)
		}
	}
	expect(1)
	err := g.db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec("UPDATE parents SET n = 0") }))
	if err != nil {
		t.Fatal(err)
	}
	g.create("parents", map[string]any{"name": "b", "n": 9.0})
	g.create("parents", map[string]any{"name": "c", "n": 1.0})
	expect(2)
	g.create("parents", map[string]any{"name": "d", "n": 9.0})
	expect(3)
	if err := g.tryUpdate("parents", id, map[string]any{"name": "e"}); err != nil {
		t.Fatal(err)
	}
	expect(2)
}

// A total is carried on only where each row speaks for itself.
func TestWhichTotalsAreCarriedOn(t *testing.T) {
	g := totalsRig(t)
	for _, tt := range []struct {
		collection, filter string
		want               bool
	}{
		{"parents", "n > 4", true},
		{"parents", "name ~ 'a' && (n > 4 || n < 2)", true},
		{"parents", "@request.auth.id != '' && name = @request.auth.id", true},
		{"parents", "n > @now", false},
		{"kids", "of.n > 4", false},
		{"kids", "of = 'x'", true},
		{"parents", "kids_via_of.n > 4", false},
		{"parents", "n > @collection.parents.n", false},
		{"parents", "@collection.kids.of ?= id", false},
	} {
		p, err := g.store.PlanOf(records.AskList, tt.collection, tt.filter, "", g.input(tt.collection, nil).Caller)
		if err != nil {
			t.Errorf("%s by %q: %v", tt.collection, tt.filter, err)
			continue
		}
		if got := p.Growth != ""; got != tt.want {
			t.Errorf("total of %s by %q is carried on: %v, want %v (%s)", tt.collection, tt.filter, got, tt.want, p.Count)
		}
	}
}
