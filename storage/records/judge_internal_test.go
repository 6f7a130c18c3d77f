package records

import (
	"errors"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
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
			col := decodeCounters(t)
			cat := schema.NewCatalogue(1, []*schema.Collection{col})
			s := NewStore(nil, func() *schema.Catalogue { return cat }, Options{})
			rule := "name != ''"
			col.UpdateRule = &rule
			in := WriteInput{CollectionID: col.ID, Caller: Caller{Request: &filter.Request{Context: "default"}}, Body: map[string]any{"name": "n"}}
			const id = "annannannannann"
			create := &Create{in: in, id: id}
			update := &Update{in: in, id: id}
			sub := submit(NewRecord(col), in.Body, nil, false)
			for _, got := range []struct {
				what    string
				err     error
				because error
			}{
				{"create", create.judge(s, cat, broken{c.err}, sub, rule), ErrRule},
				{"update", update.judge(s, cat, broken{c.err}, sub, NewRecord(col)), ErrNotFound},
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
