package troupe_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module     = "github.com/troupebase/troupe"
	protoactor = "github.com/asynkron/protoactor-go"
)

// layers are the directories of the source from below to above: each may import what stands in its own line or in those before,
// and nothing else of this module. "" is the root package.
var layers = [][]string{
	{"internal", "ui"},
	{"storage"},
	{"wasmhost"},
	{"actors"},
	{"httpx"},
	{""},
	{"cmd", "contract", "e2e"},
}

// strangers are pairs of directories where the first must not import the second although it stands above it.
var strangers = [][2]string{{"wasmhost", "storage"}, {"cmd", "e2e"}}

// owned are imports that one directory alone may have.
var owned = map[string]string{protoactor: "actors"}

func layerOf(dir string) int {
	top, _, _ := strings.Cut(dir, "/")
	if top == "." {
		top = ""
	}
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, top) })
}

func within(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

// refusal says why a package in dir may not import name, "" when it may.
func refusal(dir, name string) string {
	for prefix, owner := range owned {
		if within(name, prefix) && dir != owner {
			return "belongs to package " + owner + " alone"
		}
	}
	if !within(name, module) {
		return ""
	}
	to := strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
	above, below := layerOf(dir), layerOf(to)
	switch {
	case below < 0:
		return "is in no layer"
	case below > above:
		return "stands above"
	}
	for _, pair := range strangers {
		if within(dir, pair[0]) && within(to, pair[1]) {
			return "is no business of " + pair[0]
		}
	}
	return ""
}

// TestImports reads the imports of every file, tests too: the arrows between the directories point one way, and the actor
// library is imported by the package around it and by no other.
func TestImports(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "extensions" || d.Name() == "node_modules" || d.Name() == "testdata" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir // of extensions: modules of guests, which are no part of the server
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		dir := path.Dir(filepath.ToSlash(name))
		if layerOf(dir) < 0 {
			t.Errorf("%s is in no layer", name)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := refusal(dir, imported); why != "" {
				t.Errorf("%s imports %s, which %s", name, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("only %d files were read", files)
	}
}

// TestRefusals: the rule refuses what it is there for.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		dir, name string
		refused   bool
	}{
		{"actors", protoactor + "/actor", false},
		{"actors/writes", protoactor + "/actor", true},
		{"httpx", protoactor, true},
		{".", protoactor, true},
		{"actors/app", module + "/httpx", true},
		{"storage/records", module + "/actors", true},
		{"storage/records", module + "/wasmhost", true},
		{"storage/records", module, true},
		{"wasmhost", module + "/storage/records", true},
		{"wasmhost", module + "/actors/hooks", true},
		{"internal/routine", module + "/storage/sqlite", true},
		{"httpx", module, true},
		{"storage/records", module + "/storage/filter", false},
		{"actors/app", module + "/wasmhost", false},
		{"httpx/api", module + "/actors/app", false},
		{"cmd/troupe", module, false},
		{".", module + "/httpx", false},
		{"httpx", "github.com/valyala/fasthttp", false},
	} {
		if why := refusal(c.dir, c.name); (why != "") != c.refused {
			t.Errorf("%s imports %s: %q", c.dir, c.name, why)
		}
	}
}
