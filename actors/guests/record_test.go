package guests_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/wasmhost"
)

// TestGuestsAddLittleToWhatIsShown: an answer holds hundreds of records at once, so what a guest puts into one is bounded.
func TestGuestsAddLittleToWhatIsShown(t *testing.T) {
	a, ctx := open(t), t.Context()
	r, err := a.Records.New("things")
	if err == nil {
		err = a.Records.Save(ctx, r)
	}
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	a.Hooks.OnRecordEnrich("things").BindFunc(func(e *writes.RecordEnrichEvent) error {
		asked = true
		g := guests.ShownRecord(e.Shown)
		half := strings.Repeat("x", guests.MaxGiven/2-10)
		var full *wasmhost.Error
		if err := errors.Join(g.SetText("text", half), g.SetJSON("added", []byte(`"`+half+`"`))); err != nil {
			t.Errorf("what fits: %v", err)
		}
		if err := g.SetJSON("more", []byte(`"`+half+`"`)); !errors.As(err, &full) || full.Errno != wasmhost.Limit {
			t.Errorf("what does not: %v", err)
		}
		if err := g.SetText("text", half); !errors.As(err, &full) {
			t.Errorf("a field: %v", err)
		}
		return e.Next()
	})
	who := records.Caller{Request: &filter.Request{Context: "default", Method: "GET"}, Superuser: true}
	if _, err := a.Store.View(ctx, nil, &records.ViewInput{CollectionID: r.Collection.ID, ID: r.ID(), Caller: who}); err != nil {
		t.Fatal(err)
	}
	if !asked {
		t.Error("the hook was not asked")
	}
}
