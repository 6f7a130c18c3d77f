package realtime

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// Law 12: every goroutine of the package starts in a function that recovers.
func TestLaw12GoroutinesRecover(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				starts := false
				switch n := n.(type) {
				case *ast.GoStmt:
					starts = true
				case *ast.CallExpr:
					s, ok := n.Fun.(*ast.SelectorExpr)
					starts = ok && s.Sel.Name == "Go"
				}
				if starts {
					found++
					if f.Name.Name != "run" && f.Name.Name != "alone" {
						t.Errorf("%s: %s starts a goroutine by itself", e.Name(), f.Name.Name)
					}
				}
				return true
			})
		}
	}
	if found != 2 {
		t.Errorf("%d places start goroutines", found)
	}
}

// A goroutine that panics ends alone, and is not waited for in vain.
func TestLaw12PanicEndsOneGoroutine(t *testing.T) {
	h := alone(nil).hub
	h.opts.Logger = slog.New(slog.DiscardHandler)
	h.run("fail", func() { panic("on purpose") })
	h.running.Wait()
	done := make(chan struct{})
	h.alone("fail", func() { defer close(done); panic("on purpose") })
	<-done
}
