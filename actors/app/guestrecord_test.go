package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/wasmhost"
)

// TestGuestsAddLittleToWhatIsShown: an answer holds hundreds of records at once, so what a guest puts into one is bounded.
func TestGuestsAddLittleToWhatIsShown(t *testing.T) {
	a := open(t)
	c := define(t, a, `{"name":"counters","type":"base","fields":[{"name":"t","type":"text","max":50}]}`)
	r := records.NewRecord(c)
	r.Set("t", "x")
	if err := a.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	asked := false
	a.OnRecordEnrich("counters").BindFunc(func(e *writes.RecordEnrichEvent) error {
		asked = true
		g := &guestRecord{a: a, at: e.Shown.Record, shown: e.Shown}
		half := strings.Repeat("x", maxGiven/2-10)
		var full *wasmhost.Error
		if err := errors.Join(g.SetText("t", half), g.SetJSON("added", []byte(`"`+half+`"`))); err != nil {
			t.Errorf("what fits: %v", err)
		}
		if err := g.SetJSON("more", []byte(`"`+half+`"`)); !errors.As(err, &full) || full.Errno != wasmhost.Limit {
			t.Errorf("what does not: %v", err)
		}
		if err := g.SetText("t", half); !errors.As(err, &full) {
			t.Errorf("a field: %v", err)
		}
		return e.Next()
	})
	who := records.Caller{Request: &filter.Request{Context: "default", Method: "GET"}, Superuser: true}
	if _, err := a.Store().View(context.Background(), nil, &records.ViewInput{CollectionID: c.ID, ID: r.ID(), Caller: who}); err != nil {
		t.Fatal(err)
	}
	if !asked {
		t.Error("the hook was not asked")
	}
}
