package httpx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// An upload that the server's disk does not take is the server's failure, and a full disk says so.
func TestUploadsThatCannotBeKept(t *testing.T) {
	for cause, want := range map[error]int{syscall.ENOSPC: 507, syscall.EIO: 500, errors.New("x"): 500} {
		err := uploadFailed(&os.PathError{Op: "write", Path: "x", Err: cause})
		if got := AsError(fmt.Errorf("read: %w", err)); got.Status != want || !errors.Is(err, cause) {
			t.Errorf("%v: %d, want %d", cause, got.Status, want)
		}
	}
	w, _ := boundedSite(t, 4<<20)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.s.opts.UploadDir = filepath.Join(file, "below")
	body := parts("doc=@a.txt:" + strings.Repeat("x", 100<<10))
	if got := <-w.send("10.0.0.1", formData, len(body), body); !strings.HasPrefix(got, "HTTP/1.1 500") {
		t.Errorf("no place for an upload: %q", got)
	}
}
