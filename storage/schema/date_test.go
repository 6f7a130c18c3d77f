package schema_test

import (
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

func TestFormatDate(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 999_999_999, time.FixedZone("", 3600))
	if got := schema.FormatDate(at); got != "2024-01-02 02:04:05.999Z" {
		t.Errorf("FormatDate = %q", got)
	}
	for _, bad := range []time.Time{{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got := schema.FormatDate(bad); got != "" {
			t.Errorf("FormatDate(%v) = %q, want nothing", bad, got)
		}
	}
}
