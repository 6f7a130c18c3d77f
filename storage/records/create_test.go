package records_test

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// A field that became a password after the create was prepared has no hash to store.
func TestCreateRefusesPasswordWithoutHash(t *testing.T) {
	g := newRig(t, `{"id":"safes0000000001","type":"base","name":"safes","fields":[{"id":"pinpinpin","type":"text","name":"pin"}]}`)
	cmd, err := g.store.PrepareCreate(t.Context(), g.input("safes", map[string]any{"pin": "12345678"}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := schema.DecodeNew([]byte(`{"id":"safes0000000001","type":"base","name":"safes","fields":[{"id":"pinpinpin","type":"password","name":"pin"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	g.swap(c)
	if err := g.do(t.Context(), cmd); !errors.Is(err, records.ErrUnprepared) {
		t.Errorf("got %v, want %v", err, records.ErrUnprepared)
	}
	if n := g.totalOf("safes"); n != 0 {
		t.Errorf("%d records were stored", n)
	}
}
