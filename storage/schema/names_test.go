package schema_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	repository    = "../.."
	schemaPackage = "github.com/troupebase/troupe/storage/schema"
)

// TestNoFieldTypeIsNamedOutside holds that what depends on the type of a field is a method of [schema.Field]: no other code
// asks for the name of a type, or which Go type a field has. Who asserts a type to use its settings may.
func TestNoFieldTypeIsNamedOutside(t *testing.T) {
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != repository && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(repository, path)
		if err != nil || filepath.ToSlash(filepath.Dir(rel)) == "storage/schema" {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, found := range typeNames(set, file) {
			t.Errorf("%s:%d: %s: make it a method of schema.Field", rel, found.line, found.what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

type foundName struct {
	what string
	line int
}

// typeNames finds the places of a file that depend on which type a field is.
func typeNames(set *token.FileSet, file *ast.File) (found []foundName) {
	name := importName(file)
	if name == "" {
		return nil
	}
	add := func(at ast.Node, format string, args ...any) {
		found = append(found, foundName{fmt.Sprintf(format, args...), set.Position(at.Pos()).Line})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Type" && len(n.Args) == 0 {
				add(n, "asks for the name of a type")
			}
		case *ast.TypeSwitchStmt:
			for _, clause := range n.Body.List {
				for _, e := range clause.(*ast.CaseClause).List {
					if typ := fieldType(e, name); typ != "" {
						add(e, "case *%s", typ)
					}
				}
			}
		case *ast.AssignStmt:
			if len(n.Lhs) != 2 || len(n.Rhs) != 1 || !isBlank(n.Lhs[0]) {
				return true
			}
			if assertion, ok := n.Rhs[0].(*ast.TypeAssertExpr); ok && assertion.Type != nil {
				if typ := fieldType(assertion.Type, name); typ != "" {
					add(n, "is it a *%s", typ)
				}
			}
		}
		return true
	})
	return found
}

// importName is under which name a file has this package, "" for not at all.
func importName(file *ast.File) string {
	i := slices.IndexFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"`+schemaPackage+`"` })
	switch {
	case i < 0:
		return ""
	case file.Imports[i].Name != nil:
		return file.Imports[i].Name.Name
	}
	return "schema"
}

// fieldType is the name of the field type that e stands for as "*schema.XField", "" for anything else.
func fieldType(e ast.Expr, pkg string) string {
	star, ok := e.(*ast.StarExpr)
	if !ok {
		return ""
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	if !ok || !strings.HasSuffix(sel.Sel.Name, "Field") {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); !ok || x.Name != pkg {
		return ""
	}
	return pkg + "." + sel.Sel.Name
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

func TestTypeNamesAreFound(t *testing.T) {
	const source = `package p
import s "github.com/troupebase/troupe/storage/schema"
func f(x s.Field, l []string) bool {
	if x.Type() == "json" { return true }
	switch x.Type() { case "text": return true }
	switch x.(type) { case *s.FileField, *s.JSONField: return true; case nil: return true }
	if _, ok := x.(*s.RelationField); ok { return true }
	if r, ok := x.(*s.RelationField); ok && r.CascadeDelete { return true }
	_, ok := x.(s.Modifier)
	return ok
}`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, found := range typeNames(set, file) {
		got = append(got, fmt.Sprintf("%d %s", found.line, found.what))
	}
	want := []string{"4 asks for the name of a type", "5 asks for the name of a type", "6 case *s.FileField", "6 case *s.JSONField", "7 is it a *s.RelationField"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}
