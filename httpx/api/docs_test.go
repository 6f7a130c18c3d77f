package api_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe/httpx"
)

var update = flag.Bool("update", false, "write docs/http.md")

// TestHTTPPage: docs/http.md holds the list of layers and the table of routes as the code states them.
func TestHTTPPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# What a request passes

Written by ` + "`go test ./httpx/api -run HTTPPage -update`" + ` from the list in httpx/layers.go and the table in httpx/api/routes.go.

## Layers

In this order, then the guard of the route, then its handler. A middleware of a program stands where its priority says.

| layer | priority | |
|---|---|---|
`)
	for _, l := range httpx.Layers() {
		fmt.Fprintf(&page, "| `%s` | %d | %s |\n", l.ID, l.Priority, l.Description)
	}
	page.WriteString(`
## Routes

Rate limits know a route by its actions (` + "`*:create`, `posts:create`" + `), and every route by its method and path.

| route | | who may call it | collection | body | actions |
|---|---|---|---|---|---|
`)
	for _, e := range newRig(t, nil).api.Endpoints() {
		fmt.Fprintf(&page, "| `%s %s` | %s | %s | %s | %s | %s |\n", e.Method, e.Path, e.Description, e.Access, e.Collection, e.Body, strings.Join(strings.Fields(e.Rate), ", "))
	}
	name := filepath.Join("..", "..", "docs", "http.md")
	if *update {
		if err := os.WriteFile(name, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(stored) != page.String() {
		t.Error("docs/http.md is not what the code says: go test ./httpx/api -run HTTPPage -update")
	}
}
