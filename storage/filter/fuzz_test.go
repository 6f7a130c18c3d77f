package filter_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
)

func seeds(f *testing.F) {
	raw, err := os.ReadFile("testdata/examples.tsv")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		expression, _, _ := strings.Cut(line, "\t")
		f.Add(marks.Replace(expression))
	}
	f.Add(strings.Repeat("(", 5000) + "t=1" + strings.Repeat(")", 5000))
	f.Add(strings.Repeat("t=1&&", 300) + "t=1")
	f.Add("t = {:x} && (n > {:y_1} || geoDistance({:a}, 1, 2, 3) < {:b})")
	f.Add("t = '{:x}' && {: = {:}")
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := filter.Parse(text)
		var known *filter.Error
		if err != nil && !errors.As(err, &known) {
			t.Errorf("%q: %T %v", text, err, err)
		}
		if err == nil && e.String() != text {
			t.Errorf("%q became %q", text, e)
		}
		named, namedErr := filter.ParseNamed(text)
		if namedErr != nil && !errors.As(namedErr, &known) {
			t.Errorf("%q: %T %v", text, namedErr, namedErr)
		}
		if err == nil && (namedErr != nil || len(named.Named()) > 0) {
			t.Errorf("%q means something else with parameters: %v, %v", text, named, namedErr)
		}
	})
}

// FuzzCompile holds the promise that whatever compiles is SQL that SQLite accepts and runs.
func FuzzCompile(f *testing.F) {
	seeds(f)
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, trust := range []filter.Trust{filter.Client, filter.Superuser} {
			if got := outcome(w.query("posts", "t", text, "", trust)); strings.Contains(got, "SQLite refuses") {
				t.Errorf("%q: %s", text, got)
			}
		}
	})
}
