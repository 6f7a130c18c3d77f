package records_test

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/storage/records"
)

func TestCreateRuleNotMet(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"guarded","createRule":"name = 'yes'","fields":[{"type":"text","name":"name"}]}`)
	for name, want := range map[string]error{"yes": nil, "no": records.ErrRule} {
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
