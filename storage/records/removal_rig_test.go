package records_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// inPieces makes every deletion of the store one in pieces, of one record each.
func (g *rig) inPieces() { g.store.InPieces(1) }

// remove deletes a record in pieces; between runs between them.
func (g *rig) remove(collection, id string, between func()) error {
	cmd, err := g.store.PrepareDelete(id, g.input(collection, nil))
	if err != nil {
		return err
	}
	return g.runRemoval(cmd, between)
}

func (g *rig) runRemoval(cmd records.Target, between func()) error {
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
