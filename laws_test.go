package troupe_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEachLawHasTests: every law of docs/laws.md has tests that carry its number, and no test names a law that is not there.
func TestEachLawHasTests(t *testing.T) {
	doc, err := os.ReadFile("docs/laws.md")
	if err != nil {
		t.Fatal(err)
	}
	var laws []string
	for _, m := range regexp.MustCompile(`(?m)^## (\d+)\. `).FindAllStringSubmatch(string(doc), -1) {
		laws = append(laws, m[1])
	}
	named := make(map[string]bool)
	law := regexp.MustCompile(`(?m)^func (?:Test|Fuzz)\w*?Law(\d+)`)
	eachTestFile(t, func(path string, source []byte) {
		for _, m := range law.FindAllSubmatch(source, -1) {
			named[string(m[1])] = true
			if !slices.Contains(laws, string(m[1])) {
				t.Errorf("%s names law %s, which docs/laws.md does not have", path, m[1])
			}
		}
	})
	for _, n := range laws {
		if !named[n] {
			t.Errorf("law %s has no test that names it", n)
		}
	}
}

// eachTestFile calls fn with every file of tests in the tree.
func eachTestFile(t *testing.T, fn func(path string, source []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err == nil {
			fn(path, source)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
