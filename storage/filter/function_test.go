package filter_test

import (
	"fmt"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
)

// The distance of a point to itself is no distance, and that to the opposite one half the way around, for every coordinate:
// rounding takes some of them out of what acos knows.
func TestGeoDistanceOfEveryPoint(t *testing.T) {
	w := newWorld(t)
	for i := range 400 {
		lon, lat := float64(i)*0.871-174, float64(i)*0.437-87
		same := fmt.Sprintf("geoDistance(%[1]f, %[2]f, %[1]f, %[2]f) < 0.001", lon, lat)
		opposite := lon + 180
		if lon > 0 {
			opposite = lon - 180
		}
		far := fmt.Sprintf("geoDistance(%f, %f, %f, %f) > 20015", lon, lat, opposite, -lat)
		for _, text := range []string{same, far} {
			if got := whole(w.query("posts", "t", text, "t", filter.Superuser)); got != "ABCDE" {
				t.Errorf("%s: %s", text, got)
			}
		}
	}
	if got := whole(w.query("posts", "t", "geoDistance(loc.lon, loc.lat, meta.none, 1) = null", "t", filter.Superuser)); got != "ABCDE" {
		t.Errorf("of no point: %s", got)
	}
}
