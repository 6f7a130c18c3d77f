package troupe_test

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unconverted are directories whose tests still look inside without saying so in their names.
var unconverted = []string{"actors", "actors/auth/oauth2", "httpx", "storage/files", "storage/records/project", "storage/sqlite", "wasmhost", "wasmhost/rewrite"}

// TestInsideIsLookedAtOnPurpose: tests speak to the public surface, in a package of their own. Files that do not are named
// _internal_test.go, or export_test.go where they give names to the others.
func TestInsideIsLookedAtOnPurpose(t *testing.T) {
	clause := regexp.MustCompile(`(?m)^package (\w+)`)
	kept := make(map[string]bool)
	files := 0
	eachTestFile(t, func(name string, source []byte) {
		name = filepath.ToSlash(name)
		m := clause.FindSubmatch(source)
		if m == nil || strings.HasPrefix(name, "extensions/") { // modules of their own
			return
		}
		files++
		marked := strings.HasSuffix(name, "_internal_test.go") || path.Base(name) == "export_test.go"
		inside := !strings.HasSuffix(string(m[1]), "_test")
		dir := path.Dir(name)
		switch {
		case inside && !marked && slices.Contains(unconverted, dir):
			kept[dir] = true
		case inside && !marked:
			t.Errorf("%s is in package %s, and its name does not say so", name, m[1])
		case !inside && marked:
			t.Errorf("%s is in package %s, and its name says that it looks inside", name, m[1])
		}
	})
	if files < 300 {
		t.Errorf("only %d files were read", files)
	}
	for _, dir := range unconverted {
		if !kept[dir] {
			t.Errorf("%s has no such test any more", dir)
		}
	}
}
