package records

import (
	"errors"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite"
)

// broken is a connection on which nothing can be prepared.
type broken struct{ err error }

func (b broken) Prepare(string) (*zsqlite.Stmt, error) { return nil, b.err }

// Whatever goes wrong in the database says nothing about the rule: the unit must be able to run again, and the client
// must not be told that it may not.
func TestRulesAndFailuresOfTheDatabase(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		rule bool // the rule is to blame
	}{
		"expression": {zsqlite.ResultError.ToError(), true},
		"too big":    {zsqlite.ResultTooBig.ToError(), true},
		"interrupt":  {zsqlite.ResultInterrupt.ToError(), false},
		"given up":   {sqlite.ErrInterrupted, false},
		"disk":       {zsqlite.ResultIOErrRead.ToError(), false},
		"full":       {zsqlite.ResultFull.ToError(), false},
		"corrupt":    {zsqlite.ResultCorrupt.ToError(), false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, counters)
			in := g.input("counters", map[string]any{"name": "n"})
			in.Caller.Superuser = false
			cat := g.catalogue.Load()
			col := cat.ByID(in.CollectionID)
			rule := "name != ''"
			col.UpdateRule = &rule
			create := &Create{in: in, id: ann}
			update := &Update{in: in, id: ann}
			sub := submit(NewRecord(col), in.Body, nil, false)
			for _, got := range []struct {
				what    string
				err     error
				because error
			}{
				{"create", create.judge(g.store, cat, broken{c.err}, sub, rule), ErrRule},
				{"update", update.judge(g.store, cat, broken{c.err}, sub, NewRecord(col)), ErrNotFound},
			} {
				if !errors.Is(got.err, c.err) && !c.rule {
					t.Errorf("%s: %v, want %v", got.what, got.err, c.err)
				}
				if errors.Is(got.err, got.because) != c.rule {
					t.Errorf("%s: %v, want %v: %v", got.what, got.err, got.because, c.rule)
				}
			}
		})
	}
}

func TestCreateRuleNotMet(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"guarded","createRule":"name = 'yes'","fields":[{"type":"text","name":"name"}]}`)
	for name, want := range map[string]error{"yes": nil, "no": ErrRule} {
		in := g.input("guarded", map[string]any{"name": name})
		in.Caller.Superuser = false
		cmd, err := g.store.PrepareCreate(t.Context(), in)
		if err == nil {
			err = g.do(t.Context(), cmd)
		}
		if !errors.Is(err, want) {
			t.Errorf("create %q: %v, want %v", name, err, want)
		}
	}
}
