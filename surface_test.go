package troupe_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/surface.txt anew")

// surface is what a package declares for others.
type surface struct {
	// names are all exported names: functions, types, constants, variables, T.Field and T.Method.
	names []string
	// leaks are the places of declarations that name a type of a package of the server, other than as an alias.
	leaks []string
	// bare are the names without a comment.
	bare []string
	// links are what comments refer to.
	links []string

	inside map[string]bool // the names, in the file at hand, of packages that are the server's own
}

// docLink is a reference to something exported of the package itself, in a comment.
var docLink = regexp.MustCompile(`\[\*?([A-Z]\w*(?:\.\w+)?)\]`)

// readSurface reads the sources of a package. insideOf tells which import paths are the server's own.
func readSurface(t testing.TB, sources map[string]string, insideOf func(path string) bool) *surface {
	t.Helper()
	s := new(surface)
	fset := token.NewFileSet()
	var files []*ast.File
	for name, text := range sources {
		f, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		s.inside = make(map[string]bool)
		for _, im := range f.Imports {
			path, _ := strconv.Unquote(im.Path.Value)
			name := path[strings.LastIndex(path, "/")+1:]
			if im.Name != nil {
				name = im.Name.Name
			}
			if insideOf(path) {
				s.inside[name] = true
			}
		}
		for _, d := range f.Decls {
			s.declaration(d)
		}
		for _, c := range f.Comments {
			for _, m := range docLink.FindAllStringSubmatch(c.Text(), -1) {
				s.links = append(s.links, m[1])
			}
		}
	}
	if _, err := doc.NewFromFiles(fset, files, "example.com/x"); err != nil { // go doc reads it
		t.Fatal(err)
	}
	slices.Sort(s.names)
	return s
}

func (s *surface) add(name string, comment ...*ast.CommentGroup) {
	s.names = append(s.names, name)
	for _, c := range comment {
		if strings.TrimSpace(c.Text()) != "" {
			return
		}
	}
	s.bare = append(s.bare, name)
}

func (s *surface) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			receiver := baseName(d.Recv.List[0].Type)
			if !ast.IsExported(receiver) {
				return
			}
			name = receiver + "." + name
		}
		if d.Name.IsExported() {
			s.add(name, d.Doc)
			s.check(name, d.Type)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.typeSpec(d, spec)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						s.add(name.Name, d.Doc, spec.Doc)
						s.check(name.Name, spec.Type)
					}
				}
			}
		}
	}
}

func (s *surface) typeSpec(d *ast.GenDecl, spec *ast.TypeSpec) {
	if !spec.Name.IsExported() {
		return
	}
	name := spec.Name.Name
	s.add(name, spec.Doc, d.Doc)
	if spec.Assign.IsValid() {
		return // an alias is how a type of the server is named here
	}
	if spec.TypeParams != nil {
		s.check(name, spec.TypeParams)
	}
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		s.check(name, spec.Type)
		return
	}
	for _, f := range fields.Fields.List {
		if len(f.Names) == 0 { // embedded: what it has becomes part of the type, also where it is not exported itself
			s.check(name+"."+baseName(f.Type), f.Type)
		}
		for _, n := range f.Names {
			if n.IsExported() {
				s.add(name+"."+n.Name, f.Doc, d.Doc)
				s.check(name+"."+n.Name, f.Type)
			}
		}
	}
}

// check notes the types of the server's own packages below a node, and exported names that lead to hidden types.
func (s *surface) check(name string, n ast.Node) {
	if n == nil || n == ast.Expr(nil) {
		return
	}
	ast.Inspect(n, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && s.inside[x.Name] {
			s.leaks = append(s.leaks, fmt.Sprintf("%s names %s.%s", name, x.Name, sel.Sel.Name))
		}
		return false
	})
}

func baseName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return baseName(e.X)
	case *ast.IndexExpr:
		return baseName(e.X)
	case *ast.IndexListExpr:
		return baseName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// ofServer tells whether a package is one that programs are not promised anything about.
func ofServer(path string) bool {
	rest, ours := strings.CutPrefix(path, "github.com/troupebase/troupe/")
	return ours && rest != ""
}

// TestSurface: what a program can use is listed, and changes with the list only; it is all documented, and no type of the
// packages inside appears in it but under a name that stands here.
func TestSurface(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sources[path] = string(text)
	}
	s := readSurface(t, sources, ofServer)
	for _, leak := range s.leaks {
		t.Errorf("a type of the inside: %s", leak)
	}
	for _, name := range s.bare {
		t.Errorf("%s has no comment", name)
	}
	for _, link := range s.links {
		if !slices.Contains(s.names, link) {
			t.Errorf("a comment refers to %s, which is not there", link)
		}
	}
	const list = "testdata/surface.txt"
	got := strings.Join(s.names, "\n") + "\n"
	if *update {
		if err := os.WriteFile(list, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(strings.TrimSpace(string(want)), "\n")
	for _, name := range s.names {
		if !slices.Contains(known, name) {
			t.Errorf("%s is new: go test -run TestSurface -update . adds it to what is promised", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(s.names, name) {
			t.Errorf("%s is gone, which breaks programs", name)
		}
	}
}

// TestSurfaceIsRead: the reader of the surface sees what leaks, in every place where something can.
func TestSurfaceIsRead(t *testing.T) {
	const begin = "// Package x.\npackage x\n\nimport (\n\tin \"example.com/inside\"\n\t\"example.com/outside\"\n)\n\n"
	for _, tt := range []struct {
		text, leak string
	}{
		{"// F.\nfunc F(in.T) {}", "F names in.T"},
		{"// F.\nfunc F() (_ []*in.T) { return }", "F names in.T"},
		{"// F.\nfunc F(func(map[string]in.T)) {}", "F names in.T"},
		{"// T.\ntype T struct {\n\t// A.\n\tA *in.T\n}", "T.A names in.T"},
		{"// T.\ntype T struct{ *in.T }", "T.T names in.T"},
		{"// T.\ntype T interface{ M(in.T) }", "T names in.T"},
		{"// T.\ntype T in.T", "T names in.T"},
		{"// T.\ntype T[E in.T] struct{}", "T names in.T"},
		{"// T.\ntype T struct{}\n\n// M.\nfunc (t *T) M() in.T { panic(t) }", "T.M names in.T"},
		{"// V.\nvar V in.T", "V names in.T"},
		{"// T.\ntype T = in.T\n\n// F.\nfunc F() T { panic(0) }", ""},
		{"// T.\ntype T struct{ a in.T }", ""},
		{"func f(in.T) {}", ""},
		{"// F.\nfunc F(outside.T) {}", ""},
	} {
		s := readSurface(t, map[string]string{"x.go": begin + tt.text}, func(path string) bool { return path == "example.com/inside" })
		if got := strings.Join(s.leaks, ", "); got != tt.leak {
			t.Errorf("%s:\ngot %q, want %q", tt.text, got, tt.leak)
		}
		if len(s.bare) > 0 {
			t.Errorf("%s: %q seem to have no comment", tt.text, s.bare)
		}
	}
	if s := readSurface(t, map[string]string{"x.go": begin + "func F() {}"}, ofServer); len(s.bare) != 1 {
		t.Errorf("a function without a comment: %q", s.bare)
	}
}
