package examples

import (
	"os/exec"
	"testing"
)

// TestGoSDK runs the tests of the SDK for Go, which is a module of its own, so that whoever writes an extension fetches nothing of
// the server's.
func TestGoSDK(t *testing.T) {
	if testing.Short() {
		t.Skip("compilers take their time")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("go", "test", "./...")
	cmd.Dir = "../sdk/go"
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}
