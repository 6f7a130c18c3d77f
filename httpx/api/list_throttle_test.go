package api_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/httpx/api"
)

// TestWhoGuessesByFiltersIsSlowedDown counts the pauses that a server makes for those who find nothing.
func TestWhoGuessesByFiltersIsSlowedDown(t *testing.T) {
	g := newRig(t, nil)
	pauses := 0
	g.api.OnPause(func(d time.Duration) {
		if d < 0 || d >= api.MaxEmptyListDelay {
			t.Errorf("a pause of %v", d)
		}
		pauses++
	})
	g.collection(`{"name":"notes","type":"base","listRule":"text != 'hidden'","fields":[{"name":"text","type":"text"}]}`)
	g.collection(`{"name":"others","type":"base","listRule":"text != 'hidden'","fields":[{"name":"text","type":"text"}]}`)
	g.make("notes", `{"text":"a"}`)
	ask := func(token, path string, want int) {
		t.Helper()
		if status, out := g.sendAs(token, "GET", path, ""); status != want {
			t.Fatalf("%s: %d %v", path, status, out)
		}
	}
	const nothing, something, broken = "/api/collections/notes/records?filter=text='b'", "/api/collections/notes/records?filter=text='a'", "/api/collections/notes/records?filter=("
	for i := range api.FreeEmptyLists + 2 {
		ask("", nothing, http.StatusOK)
		if want := max(0, i+1-api.FreeEmptyLists); pauses != want {
			t.Fatalf("%d pauses after %d empty lists, want %d", pauses, i+1, want)
		}
	}
	before := pauses
	ask("", something, http.StatusOK)
	ask("", broken, http.StatusBadRequest)
	ask("", "/api/collections/others/records?filter=text='b'", http.StatusOK)
	ask("", "/api/collections/notes/records?page=9", http.StatusOK)
	ask(g.superuser(), nothing, http.StatusOK)
	ask(g.superuser(), "/api/collections?filter=name='nobody'", http.StatusOK)
	if pauses != before {
		t.Errorf("%d pauses for what is no guess", pauses-before)
	}
	ask("", nothing, http.StatusOK)
	if pauses != before+1 {
		t.Error("the client was forgotten")
	}
}

// TestFiltersAreReadForListsOnly: whoever reads a filter from a request has to be a list, which is what slows down those who guess.
func TestFiltersAreReadForListsOnly(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	readers := map[string]string{`Query("filter")`: "list_params.go", `readListParams(`: "endpoint.go list_params.go"}
	for text, want := range readers {
		var found []string
		for _, name := range sources {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") && strings.Contains(string(source), text) {
				found = append(found, name)
			}
		}
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s is in %s, want %s", text, got, want)
		}
	}
}
