package wasmhost_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
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
	m, log := wasmhost.OpenManager(t, &wasmhost.FakeHost{}, nil)
	wasmhost.PutModule(t, wasmhost.DirOf(m), "go", goGuest(t))
	wasmhost.ReloadNow(t, m)
	if len(m.Extensions()) != 1 {
		t.Fatal(log)
	}
	x, ctx := m.Extensions()[0], context.Background()
	r := wasmhost.NewFakeRecord("posts", "title", `"a title"`)
	if _, err := x.Before(ctx, 0, &wasmhost.Call{Record: r}); err != nil || r.Fields["slug"] != `"a title"` {
		t.Fatal(err, r.Fields)
	}
	state, err := x.Before(ctx, 1, nil)
	if err != nil || string(state) != "true true true" {
		t.Errorf("%q, %v", state, err)
	}
	if !strings.Contains(log.String(), `msg="printed by 0 0"`) {
		t.Error(log)
	}
	if _, err := x.Before(ctx, 2, nil); !errors.Is(err, wasmhost.ErrTimeout) {
		t.Error(err)
	}
	if _, err := x.Before(ctx, 3, nil); !wasmhost.SameFault(err, &wasmhost.Fault{Kind: wasmhost.Exited}) && !wasmhost.SameFault(err, &wasmhost.Fault{Kind: wasmhost.Trapped}) {
		t.Error(err)
	}
	if _, err := x.Before(ctx, 0, &wasmhost.Call{Record: r}); err != nil {
		t.Error(err)
	}
}

func BenchmarkGoHookField(b *testing.B) {
	m, log := wasmhost.OpenManager(b, &wasmhost.FakeHost{}, nil)
	wasmhost.PutModule(b, wasmhost.DirOf(m), "go", goGuest(b))
	if err := m.Reload(context.Background()); err != nil || len(m.Extensions()) != 1 {
		b.Fatal(err, log)
	}
	x := m.Extensions()[0]
	c := &wasmhost.Call{Record: wasmhost.NewFakeRecord("posts", "title", `"a b c"`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Before(context.Background(), 0, c); err != nil {
			b.Fatal(err)
		}
	}
}
