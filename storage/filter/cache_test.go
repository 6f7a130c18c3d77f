package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/filter"
)

// TestLaw13_ParsedFiltersAreBounded parses more different filters than fit.
func TestLaw13_ParsedFiltersAreBounded(t *testing.T) {
	share := budget.New(1<<20).Share("filters", 100, 100)
	c := filter.NewCache(share)
	rule, err := c.Parse("title = 'in use'")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		terms := make([]string, 190)
		for k := range terms {
			terms[k] = fmt.Sprintf("n!=%d", i*1000+k)
		}
		if _, err := c.Parse(strings.Join(terms, "||")); err != nil {
			t.Fatal(err)
		}
		if again, _ := c.Parse("title = 'in use'"); again != rule {
			t.Fatalf("after %d others a filter in use is parsed again", i)
		}
	}
	if u := share.Usage(); u.Used > u.Limit || u.Used == 0 {
		t.Errorf("%d bytes are kept", u.Used)
	}
}
