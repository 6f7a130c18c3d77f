package app_test

import (
	"testing"

	"github.com/troupebase/troupe/actors/app"
)

// TestSharesOfAnApp: what an App hands out is bounded, by what it was given.
func TestSharesOfAnApp(t *testing.T) {
	a := app.New(app.Options{Dir: t.TempDir(), Memory: 1 << 30})
	if got := a.Budget.Total(); got != 256<<20 {
		t.Errorf("a budget of %d bytes", got)
	}
	for _, s := range a.Shares.All() {
		if s == nil || s.Usage().Limit == 0 {
			t.Errorf("a share without a limit: %+v", s.Usage())
		}
	}
}
