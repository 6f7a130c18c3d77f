package troupe_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// maxSteps is how many steps docs/architecture.md may need for one way through the server.
const maxSteps = 10

var (
	namedPlace = regexp.MustCompile("`([a-z0-9_/]+\\.go)(?:: ([A-Za-z.]+))?`")
	step       = regexp.MustCompile(`^(\d+)\. `)
)

// TestArchitectureNamesWhatIsThere: the ways through the server that docs/architecture.md describes are those that the code takes, and short.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var places, steps int
	for _, line := range strings.Split(string(text), "\n") {
		if m := step.FindStringSubmatch(line); m != nil {
			steps++
			if len(m[1]) > 1 && m[1] > "10" {
				t.Errorf("more than %d steps: %s", maxSteps, line)
			}
		}
		for _, m := range namedPlace.FindAllStringSubmatch(line, -1) {
			places++
			if err := declares(m[1], m[2]); err != "" {
				t.Errorf("%s%s: %s", m[1], m[2], err)
			}
		}
	}
	if places < 40 || steps < 40 {
		t.Errorf("%d places and %d steps were found", places, steps)
	}
}

// declares says what is wrong with a file and a name in it: a function, a variable, or a method after its type.
func declares(file, name string) string {
	if _, err := os.Stat(file); err != nil {
		return err.Error()
	}
	if name == "" {
		return ""
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return err.Error()
	}
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if nameOf(d) == name {
				return ""
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && v.Names[0].Name == name {
					return ""
				}
			}
		}
	}
	return "is not there"
}

// nameOf is the name of a function, of a method after its type.
func nameOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	of := d.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}
