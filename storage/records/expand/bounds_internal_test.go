package expand

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestLaw13_PolymorphicPathsAreBounded: a path through relations to many collections multiplies its steps.
func TestLaw13_PolymorphicPathsAreBounded(t *testing.T) {
	const count = 20
	var ids []string
	for i := range count {
		ids = append(ids, fmt.Sprintf("c%d", i))
	}
	rule := ""
	var list []*schema.Collection
	for _, id := range ids {
		list = append(list, &schema.Collection{ID: id, Name: id, Type: schema.Base, ViewRule: &rule, Fields: []schema.Field{
			&schema.RelationField{Common: schema.Common{Name: "up"}, CollectionIDs: ids, MaxSelect: 1}}})
	}
	var x Answer
	x.Begin(t.Context(), Options{Catalogue: schema.NewCatalogue(1, list)})
	steps := x.Steps(list[0], "up.up.up.up.up.up")
	total := 0
	var walk func(steps []*Step)
	walk = func(steps []*Step) {
		total += len(steps)
		for _, s := range steps {
			walk(s.children)
		}
	}
	walk(steps)
	if len(steps) != count || total != maxPolymorphicSteps {
		t.Errorf("%d first steps and %d in all, want %d and %d", len(steps), total, count, maxPolymorphicSteps)
	}
	if !x.CutOff() {
		t.Error("nothing was cut off")
	}
}

// TestExpandEndsWithItsTime: the clock is looked at now and then.
func TestExpandEndsWithItsTime(t *testing.T) {
	b := newLimits(t.Context(), nil)
	b.start()
	if err := b.check(); err != nil {
		t.Errorf("in time: %v", err)
	}
	b.until = time.Now().Add(-time.Second)
	var limit *LimitError
	var err error
	for range stepsPerCheck {
		err = b.step()
	}
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), "3s") {
		t.Errorf("after its time: %v", err)
	}
}

// TestExpandEndsWithItsCaller: a context that is over, and a client that has left, are noticed.
func TestExpandEndsWithItsCaller(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ctx := range map[string]context.Context{"over": over, "left": WithGone(t.Context(), func() bool { return true })} {
		b := newLimits(ctx, nil)
		b.start()
		if err := b.check(); !errors.Is(err, sqlite.ErrInterrupted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
