package records_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/validation"
)

const counters = `{"type":"base","name":"counters","fields":[{"type":"text","name":"name"},{"type":"number","name":"n"}],
	"indexes":["CREATE UNIQUE INDEX idx_name ON counters (name)"]}`

// Checks and writes of one unit are in one transaction, so parallel increments lose nothing.
func TestParallelIncrementsAddUp(t *testing.T) {
	g := newRig(t, counters)
	id := g.create("counters", map[string]any{"name": "a"}).ID()
	const writers = 200
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			if err := g.tryUpdate("counters", id, map[string]any{"n+": 1.0}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := g.load("counters", id).Get("n"); n != float64(writers) {
		t.Errorf("n = %v after %d increments", n, writers)
	}
}

func TestOneOfParallelCreatesWinsUniqueValue(t *testing.T) {
	g := newRig(t, counters)
	const creators = 16
	errs := make([]error, creators)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = g.tryCreate("counters", map[string]any{"name": "same"}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		var tree validation.Errors
		switch {
		case err == nil:
			won++
		case !errors.As(err, &tree) || tree["name"] == nil:
			t.Errorf("loser got %v, want a failure of name", err)
		}
	}
	if won != 1 {
		t.Errorf("%d creates won, want 1", won)
	}
	if got := g.emitted(); len(got) != 1 {
		t.Errorf("emitted %v, want one change", got)
	}
}

func TestFailedBatchLeavesNothing(t *testing.T) {
	g := newRig(t, counters)
	g.create("counters", map[string]any{"id": "aaaaaaaaaaaaaaa", "name": "a", "n": 1.0})
	g.emitted()
	ctx := context.Background()
	update, err := g.store.PrepareUpdate(ctx, "aaaaaaaaaaaaaaa", g.input("counters", map[string]any{"n+": 5.0}))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := g.store.PrepareCreate(ctx, g.input("counters", map[string]any{"id": "bbbbbbbbbbbbbbb", "name": "b"}))
	if err != nil {
		t.Fatal(err)
	}
	taken, err := g.store.PrepareCreate(ctx, g.input("counters", map[string]any{"name": "a"}))
	if err != nil {
		t.Fatal(err)
	}
	err = g.do(ctx, &records.Batch{Commands: []records.Command{update, fresh, taken}})
	var failed *records.BatchError
	if !errors.As(err, &failed) || failed.Index != 2 {
		t.Fatalf("batch failed with %v, want command 2", err)
	}
	if n := g.load("counters", "aaaaaaaaaaaaaaa").Get("n"); n != 1.0 {
		t.Errorf("n = %v after the rollback, want 1", n)
	}
	if _, err := g.store.Load(ctx, g.catalogue.Load().Find("counters").ID, "bbbbbbbbbbbbbbb"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("created record after the rollback: %v", err)
	}
	if got := g.emitted(); len(got) != 0 {
		t.Errorf("a batch that failed emitted %v", got)
	}
	if err := g.do(ctx, &records.Batch{Commands: []records.Command{update, fresh}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"update counters/aaaaaaaaaaaaaaa", "create counters/bbbbbbbbbbbbbbb"}
	if got := g.emitted(); !slices.Equal(got, want) {
		t.Errorf("emitted %v, want %v", got, want)
	}
}
