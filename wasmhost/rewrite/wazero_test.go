package rewrite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
)

// acceptable is whether wazero may accept what Module refused with err: what guests may not use, it may know, but both have to agree on what
// is well-formed.
func acceptable(err error) bool { return errors.Is(err, ErrUnsupported) }

// compiles is whether wazero accepts a module.
func compiles(rt wazero.Runtime, bin []byte) error {
	c, err := rt.CompileModule(context.Background(), bin)
	if err == nil {
		err = c.Close(context.Background())
	}
	return err
}

// The modules of wazero's own tests, among them those of the specification: what compiles there compiles rewritten.
func TestWazeroModules(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles thousands of modules")
	}
	rt := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigCompiler())
	defer rt.Close(context.Background())
	var compiled, refused int
	err := filepath.WalkDir(moduleCache(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wasm" {
			return err
		}
		bin, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if compiles(rt, bin) != nil {
			return nil
		}
		r, err := Module(bin, Options{})
		if err != nil {
			refused++
			if !acceptable(err) {
				t.Errorf("%s: %v", path, err)
			}
			return nil
		}
		compiled++
		if err := compiles(rt, r.Binary); err != nil {
			t.Errorf("%s, rewritten: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d modules were rewritten, %d refused", compiled, refused)
}
