package wasmhost

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goGuest builds the Go guest; its 3 MB are not worth committing.
func goGuest(t testing.TB) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a guest")
	}
	out := filepath.Join(t.TempDir(), "go.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "./testdata/goguest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the guest: %v: %s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoGuest(t *testing.T) {
	m, log := open(t, &fakeHost{}, nil)
	put(t, m.options.Dir, "go", goGuest(t))
	reload(t, m)
	if len(m.Extensions()) != 1 {
		t.Fatal(log)
	}
	x, ctx := m.Extensions()[0], context.Background()
	r := newRecord("posts", "title", `"a title"`)
	if _, err := x.Before(ctx, 0, &Call{Record: r}); err != nil || r.fields["slug"] != `"a title"` {
		t.Fatal(err, r.fields)
	}
	state, err := x.Before(ctx, 1, nil)
	if err != nil || string(state) != "true true true" {
		t.Errorf("%q, %v", state, err)
	}
	if !strings.Contains(log.String(), `msg="printed by 0 0"`) {
		t.Error(log)
	}
	if _, err := x.Before(ctx, 2, nil); !errors.Is(err, ErrTimeout) {
		t.Error(err)
	}
	if _, err := x.Before(ctx, 3, nil); !same(err, &Fault{Kind: Exited}) && !same(err, &Fault{Kind: Trapped}) {
		t.Error(err)
	}
	if _, err := x.Before(ctx, 0, &Call{Record: r}); err != nil {
		t.Error(err)
	}
}

func BenchmarkGoHookField(b *testing.B) {
	m, log := open(b, &fakeHost{}, nil)
	put(b, m.options.Dir, "go", goGuest(b))
	if err := m.Reload(context.Background()); err != nil || len(m.Extensions()) != 1 {
		b.Fatal(err, log)
	}
	x := m.Extensions()[0]
	c := &Call{Record: newRecord("posts", "title", `"a b c"`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Before(context.Background(), 0, c); err != nil {
			b.Fatal(err)
		}
	}
}
