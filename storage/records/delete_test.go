package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

func (g *rig) tryDelete(collection, id string) error {
	cmd, err := g.store.PrepareDelete(id, g.input(collection, nil))
	if err == nil {
		err = g.do(context.Background(), cmd)
	}
	return err
}

func (g *rig) child(options string) {
	target := g.catalogue.Load().Find("counters").ID
	g.define(fmt.Sprintf(`{"type":"base","name":"kids","fields":[{"type":"relation","name":"up","collectionId":%q%s}]}`, target, options))
}

func TestDeleteSettlesReferences(t *testing.T) {
	const one, two, kid = "aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb", "kkkkkkkkkkkkkkk"
	for name, c := range map[string]struct {
		options string
		up      any
		err     error
		emitted []string
	}{
		"cascade":                    {`,"maxSelect":1,"cascadeDelete":true`, one, nil, []string{"delete counters/" + one, "delete kids/" + kid}},
		"cascade is before required": {`,"maxSelect":1,"cascadeDelete":true,"required":true`, one, nil, []string{"delete counters/" + one, "delete kids/" + kid}},
		"required":                   {`,"maxSelect":1,"required":true`, one, records.ErrReferenced, nil},
		"unset":                      {`,"maxSelect":1`, one, nil, []string{"delete counters/" + one, "update kids/" + kid}},
		"list keeps the rest":        {`,"maxSelect":3,"cascadeDelete":true,"required":true`, []any{one, two}, nil, []string{"delete counters/" + one, "update kids/" + kid}},
		"last of a list":             {`,"maxSelect":3,"cascadeDelete":true`, []any{one}, nil, []string{"delete counters/" + one, "delete kids/" + kid}},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, counters)
			g.child(c.options)
			g.create("counters", map[string]any{"id": one, "name": "1"})
			g.create("counters", map[string]any{"id": two, "name": "2"})
			g.create("kids", map[string]any{"id": kid, "up": c.up})
			g.emitted()
			if err := g.tryDelete("counters", one); !errors.Is(err, c.err) {
				t.Fatalf("delete: %v, want %v", err, c.err)
			}
			if got := g.emitted(); !slices.Equal(got, c.emitted) {
				t.Errorf("emitted %v, want %v", got, c.emitted)
			}
		})
	}
}

// A cascade is one statement per referencing field, whatever the number of records. The field has no index.
func TestLaw8_CascadeOfManyRecords(t *testing.T) {
	const parent, many = "aaaaaaaaaaaaaaa", 100_000
	g := newRig(t, counters)
	g.child(`,"maxSelect":1,"cascadeDelete":true`)
	g.create("counters", map[string]any{"id": parent, "name": "1"})
	err := g.db.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		tx.Touch("kids")
		return tx.Exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO kids (id, up) SELECT printf('%015d', i), ? FROM n", many, parent)
	}))
	if err != nil {
		t.Fatal(err)
	}
	g.emitted()
	begun := time.Now()
	if err := g.tryDelete("counters", parent); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records in %v", many, time.Since(begun))
	if n := g.totalOf("kids"); n != 0 {
		t.Errorf("%d records are left", n)
	}
	if n := len(g.emitted()); n != many+1 {
		t.Errorf("%d changes, want %d", n, many+1)
	}
}
