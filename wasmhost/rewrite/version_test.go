package rewrite

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
)

// TestVersion: whoever changes what is made of a module raises Version and puts the new sum here. Modules that an older server rewrote are kept in
// caches by that number.
func TestVersion(t *testing.T) {
	const version, want = 2, "09deebe05f32d1c2"
	h := sha256.New()
	for _, name := range []string{"deep", "endless", "shapes", "kernels"} {
		bin, err := os.ReadFile("testdata/" + name + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		r, err := Module(bin, Options{})
		if err != nil {
			t.Fatal(err)
		}
		h.Write(r.Binary)
	}
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want || Version != version {
		t.Errorf("version %d makes %s; version %d made %s", Version, got, version, want)
	}
}
