package records_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records"
)

// What is read from a row and what is written from memory look the same.
func TestRowsAndRecordsAreEncodedAlike(t *testing.T) {
	g := newRig(t, records.AllTypes)
	bodies := []map[string]any{
		nil,
		{"t": "a\"\\\u2028<&>\n", "ed": "<p>é</p>", "em": "a@x.test", "u": "https://x.test/?a&b", "n": -1.5e-9, "b": true,
			"d": "2024-02-29 12:00:00.123Z", "j": map[string]any{"k": []any{1.0, nil, "<"}}, "geo": map[string]any{"lon": 1.25, "lat": -3.5},
			"pw": "12345678", "s": "x", "sm": []any{"y", "x"}, "hid": "h", "expand2": "e"},
		{"n": 1e21, "j": "text", "sm": []any{"z"}}, {"n": 12345678901234.0, "j": false}, {"j": "[1, 2]"},
	}
	for _, body := range bodies {
		made := g.create("everything", body)
		for _, hidden := range []bool{false, true} {
			row, memory, err := g.store.EncodeBoth(t.Context(), made, hidden)
			if err != nil {
				t.Fatal(err)
			}
			if row != memory {
				t.Errorf("row\n%s, %d\nrecord\n%s, %d", row.JSON, row.Split, memory.JSON, memory.Split)
			}
			if !json.Valid([]byte(row.JSON)) {
				t.Errorf("no JSON: %s", row.JSON)
			}
			if strings.Contains(row.JSON, `"hid"`) != hidden {
				t.Errorf("hidden field, to be shown %v: %s", hidden, row.JSON)
			}
		}
	}
}
