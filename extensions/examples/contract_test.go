package examples

import (
	"context"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
)

// TestContract looks at what the committed modules import and export: no more than abi.md names.
func TestContract(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter()) // nothing is run
	defer r.Close(ctx)
	for language := range shops {
		for _, name := range []string{"slugs", "bench", "shop"} {
			if name != "shop" && languages[language] == "" {
				continue
			}
			t.Run(name+"-"+shops[language], func(t *testing.T) {
				wasm := committedShop(t, language)
				if name != "shop" {
					wasm = committed(t, language, name)
				}
				m, err := r.CompileModule(ctx, wasm)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range m.ImportedFunctions() {
					module, function, _ := f.Import()
					if module != "troupe_1" && (language != "go" || module != "wasi_snapshot_preview1") {
						t.Errorf("imports %s.%s", module, function)
					}
				}
				for export := range m.ExportedFunctions() {
					if !slices.Contains([]string{"alloc", "handle", "_initialize"}, export) {
						t.Errorf("exports %s", export)
					}
				}
				if len(m.ImportedMemories()) != 0 || len(m.ExportedMemories()) != 1 || m.ExportedMemories()["memory"] == nil {
					t.Error("has another memory than its own")
				}
			})
		}
	}
}
