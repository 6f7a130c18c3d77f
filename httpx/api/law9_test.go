package api_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/wasmhost"
)

// TestLaw9GuestUnderTheWriter: a call of an extension that holds the Writer is stopped after a second, whatever the operator
// allows elsewhere: by then the transaction around it has time left.
func TestLaw9GuestUnderTheWriter(t *testing.T) {
	g := limitedGuests(t, wasmhost.Limits{Hook: 20 * time.Second}, "probe")
	g.posts("posts")
	if _, err := g.app.Settings.Save(t.Context(), func(s *settings.Settings) error { s.Batch.Timeout = 8; return nil }); err != nil {
		t.Fatal(err)
	}
	err := g.app.Records.RunInTransaction(t.Context(), func(ctx context.Context) error {
		r, err := g.app.Records.New("posts")
		if err != nil {
			return err
		}
		r.Set("script", script("record.create<|hostile|loop"))
		return g.app.Records.Save(ctx, r)
	})
	if !errors.Is(err, wasmhost.ErrTimeout) || errors.Is(err, writes.ErrTransactionTimeout) {
		t.Errorf("got %v", err)
	}
}
