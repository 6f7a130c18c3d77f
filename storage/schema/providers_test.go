package schema_test

import (
	"encoding/xml"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// TestLogosAreASCII: clients hand them to btoa. What they show is the initial all the same.
func TestLogosAreASCII(t *testing.T) {
	for _, p := range schema.Providers() {
		for _, r := range p.Logo {
			if r >= 0x80 {
				t.Errorf("the logo of %s holds %q", p.Name, r)
			}
		}
		var svg struct {
			Text string `xml:"text"`
		}
		if err := xml.Unmarshal([]byte(p.Logo), &svg); err != nil || svg.Text == "" {
			t.Errorf("the logo of %s shows %q: %v", p.Name, svg.Text, err)
		}
		if p.Name == "vk" && svg.Text != "В" {
			t.Errorf("the logo of vk shows %q", svg.Text)
		}
	}
}
