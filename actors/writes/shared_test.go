package writes_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestLaw1_SharedTransactionLost: when one transaction of a group is lost those before it were not written and are told that they may
// try again; those after it are written. The next of the kind that was lost keep to themselves.
func TestLaw1_SharedTransactionLost(t *testing.T) {
	a := open(t)
	c := define(t, a, counters, `{"name":"others","type":"base","fields":[{"name":"t","type":"text"}]}`)
	lose := func(e *writes.RecordEvent) error {
		if e.Record.Text("t") == "lost" {
			_ = writes.ApplyInTransaction(e.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec("ROLLBACK") }))
		}
		return e.Next()
	}
	a.Hooks.OnRecordCreate().Bind(&hooks.Handler[*writes.RecordEvent]{Atomic: true, Func: lose})
	col := a.Catalogue.Current().Find("counters")
	together := func(list ...string) []error {
		release := (&fileRig{t: t, app: a}).hold()
		errs := make([]error, len(list))
		var wg sync.WaitGroup
		for i, text := range list {
			before := a.DB.Waiting()
			wg.Go(func() {
				of := col
				if text == "other" {
					of = c
				}
				_, errs[i] = add(context.Background(), a, of, map[string]any{"t": text})
			})
			eventually.True(t, "its place in the queue", func() bool { return a.DB.Waiting() == before+1 })
		}
		release()
		wg.Wait()
		return errs
	}
	errs := together("other", "before", "lost", "after")
	if !errors.Is(errs[0], sqlite.ErrTakenAlong) || !errors.Is(errs[1], sqlite.ErrTakenAlong) || writes.OutcomeOf(errs[0]) != writes.NotDone ||
		!errors.Is(errs[2], writes.ErrTransactionOver) || errors.Is(errs[2], sqlite.ErrNotWritten) || errs[3] != nil {
		t.Errorf("answered %v", errs)
	}
	if got := names(t, context.Background(), a); !slices.Equal(got, []string{"after"}) || count(t, a, c) != 0 {
		t.Errorf("there are %q and %d others", got, count(t, a, c))
	}
	errs = together("other", "again", "lost", "later")
	if errs[0] != nil || errs[1] != nil || errs[2] == nil || errs[3] != nil {
		t.Errorf("the second time: %v", errs)
	}
}

// TestLaw13_AtomicWritesQueue: as many atomic writes of a collection may be under way as other commands, and who comes beyond that is told
// so at once.
func TestLaw13_AtomicWritesQueue(t *testing.T) {
	s := newFileRig(t)
	s.app.Hooks.OnRecordCreate("counters").Bind(&hooks.Handler[*writes.RecordEvent]{Atomic: true, Func: func(e *writes.RecordEvent) error { return e.Next() }})
	c := define(t, s.app, counters)
	s.beyond(writes.MaxAdmitted, func() error {
		_, err := add(context.Background(), s.app, c, nil)
		return err
	})
}
