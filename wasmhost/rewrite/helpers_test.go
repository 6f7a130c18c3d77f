package rewrite

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// readWasm reads a module of testdata.
func readWasm(t testing.TB, name string) []byte {
	t.Helper()
	bin, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// goGuest builds testdata/gokernels once per run.
var goGuest = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "gokernels")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/gokernels")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
})

func readGo(t testing.TB) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and compiles a Go guest")
	}
	bin, err := goGuest()
	if err != nil {
		t.Fatalf("build the Go guest: %v", err)
	}
	return bin
}

func rewritten(t testing.TB, bin []byte, o Options) []byte {
	t.Helper()
	r, err := Module(bin, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Binary
}

// instance makes an instance in a runtime of its own, with the options that a server has, or with tail calls too.
func instance(t testing.TB, bin []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(1024).
		WithCoreFeatures(api.CoreFeaturesV2|experimental.CoreFeaturesTailCall))
	t.Cleanup(func() { _ = rt.Close(ctx) })
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		t.Fatal(err)
	}
	m, err := rt.InstantiateWithConfig(ctx, bin, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// plainExports are the names of exported functions that take nothing and can be called in any order.
func plainExports(m api.Module) []string {
	var names []string
	for name, f := range m.ExportedFunctionDefinitions() {
		if len(f.ParamTypes()) == 0 && name != "_initialize" && name != StartFunc {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// stopGlobal is what a host sets to stop a guest.
func stopGlobal(t testing.TB, m api.Module) api.MutableGlobal {
	t.Helper()
	g, ok := m.ExportedGlobal(StopGlobal).(api.MutableGlobal)
	if !ok {
		t.Fatalf("%s is not exported", StopGlobal)
	}
	return g
}
