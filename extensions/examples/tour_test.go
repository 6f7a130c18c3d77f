package examples

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// tours are how the tour of each language is built, with the place of the module as last argument.
var tours = map[string][]string{
	"go": {"go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o"},
	"c": {"sh", "-euc", `clang --target=wasm32 -mbulk-memory -std=c11 -Wall -Wextra -Werror -Os -ffreestanding -c -o "$1.o" tour.c
		clang --target=wasm32 -nostdlib -Wl,--no-entry,--stack-first,--strip-all -o "$1" "$1.o"`, "sh"},
	"assemblyscript": {"../../assemblyscript/node_modules/.bin/asc", "tour.ts", "--runtime", "incremental", "--exportStart", "_initialize",
		"--use", "abort=../../../sdk/assemblyscript/host/aborted", "-o"},
}

// TestTour calls everything that the SDKs offer.
func TestTour(t *testing.T) {
	for language, command := range tours {
		t.Run(language, func(t *testing.T) {
			s := newStore()
			x, log := load(t, build(t, language, "testdata/tour", command), s)
			p := x.Permissions()
			if h := x.Hooks(); !h[0].Atomic || h[1].Atomic || h[2].Atomic || h[3].Atomic || h[4].Atomic {
				t.Errorf("atomic are %+v", h)
			}
			if h := x.Hooks()[0]; x.Name() != "tour" || !h.Before || !h.After || h.Priority != 7 || len(p.Collections) != 1 || !p.SQL || x.Routes()[0].Auth != "record" {
				t.Fatalf("%s: hooks %+v, routes %+v, permissions %+v", x.Name(), x.Hooks(), x.Routes(), p)
			}
			checkHooks(t, x, log)
			checkRoutes(t, x, log, s)
		})
	}
}

func checkHooks(t *testing.T, x *wasmhost.Extension, log *journal) {
	ctx := context.Background()
	r := note("title", "A")
	r.fields["count"], r.fields["done"] = json.RawMessage("1"), json.RawMessage("false")
	state, err := x.Before(ctx, 0, &wasmhost.Call{Record: r, Request: &request{}})
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"count": "1.5", "from": `"notes"`, "copy": `{"title":"A"}`, "method": `"POST"`} {
		if got := string(r.fields[field]); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	if n, err := r.Number("done"); n != 1 || err != nil {
		t.Errorf("done is %v", n)
	}
	delete(r.fields, "method")
	r.fields["count"], r.fields["done"] = json.RawMessage("1"), json.RawMessage("false")
	if _, err := x.Before(ctx, 0, &wasmhost.Call{Record: r}); err != nil || r.fields["method"] != nil {
		t.Errorf("without a request: %v, method %s", err, r.fields["method"])
	}
	log.take()
	if err := x.After(ctx, 0, &wasmhost.Call{Record: r}, state); err != nil || !strings.Contains(log.take(), "state of A") {
		t.Errorf("after: %v", err)
	}
	if _, err := x.Before(ctx, 1, &wasmhost.Call{Record: r, Failure: errors.New("disk full")}); err != nil || !strings.Contains(log.take(), "failed: disk full") {
		t.Errorf("error event: %v", err)
	}
	_, err = x.Before(ctx, 2, &wasmhost.Call{Record: r})
	if err != nil || strings.Join(r.hidden, ",") != "secret" || strings.Join(r.show, ",") != "hidden" || string(r.fields["extra"]) != `[1,"x"]` {
		t.Errorf("enrich: %v, %+v", err, r)
	}
	if _, err := x.Before(ctx, 5, &wasmhost.Call{Record: r, ID: func() string { return "c1" }}); err != nil || !strings.Contains(log.take(), "call c1") {
		t.Errorf("success: %v", err)
	}
	if _, err := x.Before(ctx, 3, &wasmhost.Call{}); err != nil || !strings.Contains(log.take(), "up") {
		t.Errorf("bootstrap: %v", err)
	}
}

func checkRoutes(t *testing.T, x *wasmhost.Extension, log *journal, s *store) {
	ctx := context.Background()
	req := &request{parts: map[string]string{"param name": "first", "query q": "x", "header X-Tour": "here"}, body: `{"a":{"b":"deep"}}`}
	answer, err := x.Serve(ctx, 0, &wasmhost.Call{Request: req, Auth: note("title", "Ann"), Superuser: true})
	if err != nil {
		t.Fatalf("%v; log:\n%s", err, log.take())
	}
	want := `{"record":"x","titles":["x"],"rows":[[42]],"affected":5,"forbidden":true,"auth":"Ann","superuser":true,"deep":"deep",` +
		`"path":"/tour/a b","address":"192.0.2.1","uri":"/tour/a%20b?q=x","situation":"default"}`
	if answer.Status != 201 || string(answer.Body) != want || len(answer.Headers) != 1 || answer.Headers[0] != (wasmhost.Header{Name: "X-Tour", Value: "here"}) {
		t.Errorf("%d %v\n%s\nwant\n%s", answer.Status, answer.Headers, answer.Body, want)
	}
	if len(s.notes) != 0 || s.query.Sort != "-title" || s.query.Limit != 5 {
		t.Errorf("left %d notes, last query %+v", len(s.notes), s.query)
	}
	checkTransactions(t, x, s)
	for route, status := range map[int]int{1: 418, 2: 404} {
		_, err := x.Serve(ctx, route, &wasmhost.Call{Request: req})
		if no := refused(t, err); no == nil || no.Status != status {
			t.Errorf("route %d: %+v, want %d", route, no, status)
		}
	}
	if _, err := x.Serve(ctx, 3, &wasmhost.Call{Request: req}); err == nil {
		t.Error("a broken handler answered")
	}
	if _, err := x.Serve(ctx, 1, &wasmhost.Call{Request: req}); refused(t, err) == nil {
		t.Error("the extension is gone after a broken handler")
	}
}

// checkTransactions: what is refused in a transaction is rolled back and answered as it was refused, not as the SDK would put it.
func checkTransactions(t *testing.T, x *wasmhost.Extension, s *store) {
	_, err := x.Serve(context.Background(), 4, &wasmhost.Call{Request: &request{}})
	no := refused(t, err)
	if no == nil || no.Status != 409 || no.Message != "Not that." || no.Fields["title"].Code != "validation_taboo" {
		t.Errorf("refused with %+v", no)
	}
	if got := strings.Join(s.ended, " "); got != "committed rolled back" || s.notes["fine"] == nil {
		t.Errorf("the transactions were %s", got)
	}
}
