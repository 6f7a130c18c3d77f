package examples

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe"
)

// tools are what the languages are compiled with.
var tools = map[string][]string{
	"go":             {"go"},
	"c":              {"clang", "wasm-ld", "sh"},
	"assemblyscript": {"node", "assemblyscript/node_modules/.bin/asc", "sh"},
	"rust":           {"cargo", "rustc", "sh"},
	"zig":            {"zig", "sh"},
}

// build runs a compiler, whose last argument is the place of the module, and gives the module. The test is skipped when the
// compiler is not there (nothing is fetched) or does not know WebAssembly, and with -short.
func build(t *testing.T, language, dir string, command []string) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("compilers take their time")
	}
	for _, tool := range tools[language] {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	out := filepath.Join(t.TempDir(), "extension.wasm")
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], out)...)
	cmd.Dir, cmd.Env = dir, os.Environ()
	switch language {
	case "go":
		cmd.Env = append(cmd.Env, "GOOS=wasip1", "GOARCH=wasm")
	case "c":
		targets, err := exec.Command("clang", "--print-targets").CombinedOutput()
		if err != nil || !bytes.Contains(targets, []byte("wasm32")) {
			t.Skipf("clang does not compile for wasm32: %v", err)
		}
		cmd.Env = append(cmd.Env, "PATH="+besideAnOldOptimizer(t))
	case "rust":
		libraries, err := exec.Command("rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown").Output()
		if _, missing := os.Stat(strings.TrimSpace(string(libraries))); err != nil || missing != nil {
			t.Skipf("rustc does not have the target wasm32-unknown-unknown: %v", errors.Join(err, missing))
		}
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, said)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// besideAnOldOptimizer is a PATH that has a wasm-opt which refuses everything, like an old one that does not know what clang
// makes. clang runs it when it may, so what is built here is built on any machine.
func besideAnOldOptimizer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho an old wasm-opt was run >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "wasm-opt"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// TestBuild builds the examples as build.sh says, and holds the outcome against what they do. The committed modules may come
// from another version of a compiler, so their bytes are not compared.
func TestBuild(t *testing.T) {
	for language := range languages {
		t.Run(language, func(t *testing.T) {
			script, err := filepath.Abs(filepath.Join(language, "slugs", "build.sh"))
			if err != nil {
				t.Fatal(err)
			}
			x, log := load(t, build(t, language, ".", []string{script}), newStore())
			checkSlugs(t, language, x, log)
		})
	}
}

// TestBuildShop builds the shops as build.sh says, and places orders with the outcome.
func TestBuildShop(t *testing.T) {
	for language := range shops {
		t.Run(language, func(t *testing.T) {
			script, err := filepath.Abs(filepath.Join(language, "shop", "build.sh"))
			if err != nil {
				t.Fatal(err)
			}
			checkShop(t, openShop(t, build(t, language, ".", []string{script}), troupe.ExtensionLimits{}))
		})
	}
}
