package troupe_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestSecurityNamesItsTests: every test that docs/security.md names is there, and in the package that stands behind its name.
func TestSecurityNamesItsTests(t *testing.T) {
	doc, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	where := make(map[string]map[string]bool) // the directories of a test
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	eachTestFile(t, func(path string, source []byte) {
		for _, m := range function.FindAllSubmatch(source, -1) {
			name := string(m[1])
			if where[name] == nil {
				where[name] = make(map[string]bool)
			}
			where[name][filepath.ToSlash(filepath.Dir(path))] = true
		}
	})
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)`(?: \\(`([a-z0-9/]+)`\\))?").FindAllSubmatch(doc, -1)
	for _, m := range named {
		name, dir := string(m[1]), string(m[2])
		if where[name] == nil || dir != "" && !where[name][dir] {
			t.Errorf("docs/security.md names %s in %q; it is in %v", name, dir, where[name])
		}
	}
	if len(named) < 50 {
		t.Errorf("%d tests are named, which is suspicious", len(named))
	}
}
