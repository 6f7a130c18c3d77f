package routine_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/routine"
)

// TestLaw12_PanicsOfGoroutinesStaySmall: whichever way a goroutine was started, its panic reaches who started it and ends
// nothing else, and a panic while that is told neither.
func TestLaw12_PanicsOfGoroutinesStaySmall(t *testing.T) {
	boom := func() { panic("boom") }
	var group sync.WaitGroup
	ended, end := context.WithCancel(context.Background())
	end()
	for name, start := range map[string]func(f func(), failed func(*routine.Panic)){
		"Go":    routine.Go,
		"In":    func(f func(), failed func(*routine.Panic)) { routine.In(&group, f, failed) },
		"After": func(f func(), failed func(*routine.Panic)) { routine.After(0, f, failed) },
		"When":  func(f func(), failed func(*routine.Panic)) { routine.When(ended, f, failed) },
	} {
		told := make(chan *routine.Panic, 1)
		start(boom, func(p *routine.Panic) { told <- p; panic("again") })
		select {
		case p := <-told:
			if p.Value != "boom" || !strings.Contains(string(p.Stack), "routine_test") || p.Error() != "panic: boom" {
				t.Errorf("%s: %v\n%s", name, p, p.Stack)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nobody was told", name)
		}
	}
	group.Wait()
}

// TestLaw12_GoroutinesStartInOnePlace scans the source of the server: no goroutine starts but through this package.
func TestLaw12_GoroutinesStartInOnePlace(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (foreign[d.Name()] || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		for _, found := range starts(file) {
			t.Errorf("%s: a goroutine starts outside of package routine", set.Position(found))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("only %d files were scanned", files)
	}
}

// foreign are the directories whose code does not run in the server: this package itself, what extensions are made of, and
// what only tests use.
var foreign = map[string]bool{"routine": true, "extensions": true, "testdata": true, "mailtest": true, "e2e": true, "node_modules": true, "ui": true}

// starts returns where a file starts goroutines: go statements, groups and the AfterFuncs.
func starts(file *ast.File) (found []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, n.Pos())
		case *ast.CallExpr:
			call, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "Go" && call.Sel.Name != "AfterFunc" {
				return true
			}
			if of, ok := call.X.(*ast.Ident); !ok || of.Name != "routine" {
				found = append(found, n.Pos())
			}
		}
		return true
	})
	return found
}

// TestStartsFindsAll: the scan would see each way.
func TestStartsFindsAll(t *testing.T) {
	for _, statement := range []string{"go f()", "go func() {}()", "g.Go(f)", "x.g.Go(f)", "time.AfterFunc(0, f)", "defer context.AfterFunc(ctx, f)()", "if true { go f() }"} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package p\nfunc _() { "+statement+" }", 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(starts(file)) != 1 {
			t.Errorf("%s was not seen", statement)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package p\nfunc _() { routine.Go(f, nil); x.Gone() }", 0)
	if err != nil || len(starts(file)) != 0 {
		t.Errorf("%v: what is allowed was found", err)
	}
}
