package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkIsChargedToTheClient: what a handler hands on is charged to [httpx.Context.Client], never to the address alone: of IPv6 a subscriber
// has as many of those as they like.
func TestWorkIsChargedToTheClient(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			field, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := field.Key.(*ast.Ident); !ok || key.Name != "Client" {
				return true
			}
			found++
			call, ok := field.Value.(*ast.CallExpr)
			if ok {
				called, method := call.Fun.(*ast.SelectorExpr)
				ok = method && called.Sel.Name == "Client"
			}
			if !ok {
				t.Errorf("%s: a Client that is not what Client returns", file)
			}
			return true
		})
	}
	if found < 5 {
		t.Errorf("%d were found", found)
	}
}
