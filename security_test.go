package troupe_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range function.FindAllSubmatch(source, -1) {
			name := string(m[1])
			if where[name] == nil {
				where[name] = make(map[string]bool)
			}
			where[name][filepath.ToSlash(filepath.Dir(path))] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
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
