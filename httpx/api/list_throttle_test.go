package api

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWhoGuessesByFiltersIsSlowedDown counts the pauses that a server makes for those who find nothing.
func TestWhoGuessesByFiltersIsSlowedDown(t *testing.T) {
	g := newRig(t, nil)
	pauses := 0
	g.api.guards.empty.pause = func(_ context.Context, d time.Duration) {
		if d < 0 || d >= maxEmptyListDelay {
			t.Errorf("a pause of %v", d)
		}
		pauses++
	}
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
	for i := range freeEmptyLists + 2 {
		ask("", nothing, http.StatusOK)
		if want := max(0, i+1-freeEmptyLists); pauses != want {
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

func TestEmptyListsAreCountedWithinAWindow(t *testing.T) {
	throttle := newEmptyListThrottle()
	key, now := emptyListKey{"client", "collection"}, time.Now()
	for i := range freeEmptyLists {
		if throttle.exceeded(key, now) {
			t.Fatalf("too many after %d", i+1)
		}
	}
	if !throttle.exceeded(key, now.Add(emptyListWindow)) {
		t.Error("one more within the window is not too many")
	}
	if throttle.exceeded(key, now.Add(emptyListWindow+1)) {
		t.Error("too many after the window has passed")
	}
	for i := range 2 * maxEmptyListClients {
		throttle.exceeded(emptyListKey{fmt.Sprint(i), "collection"}, now)
		if len(throttle.seen) > maxEmptyListClients {
			t.Fatalf("%d clients are remembered", len(throttle.seen))
		}
	}
}

func TestPauseEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	pause(ctx, time.Hour)
	if time.Since(began) > time.Minute {
		t.Error("nobody waits any more")
	}
	pause(t.Context(), time.Nanosecond)
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
