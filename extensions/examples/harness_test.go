package examples

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// languages are those that have examples, with the suffix of their names.
var languages = map[string]string{"go": "go", "c": "c", "assemblyscript": "as"}

// committed is the module that lies beside an example's source.
func committed(t testing.TB, language, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(language, name, name+"-"+languages[language]+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// journal keeps what extensions log. Safe for concurrent use.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// take gives what was logged since it was called last.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.buf.Reset()
	return j.buf.String()
}

// cache keeps compiled code for all tests of a run: a module made with Go takes a second, and ten with the race detector.
var cache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "troupe-examples-")
	if err != nil {
		panic(err)
	}
	cache = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// load installs a module in a directory of its own and opens it.
func load(t testing.TB, wasm []byte, host wasmhost.Host) (*wasmhost.Extension, *journal) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "extension.wasm"), wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	m, err := wasmhost.Open(context.Background(), wasmhost.Options{Dir: dir, CacheDir: cache, Host: host, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	all := m.Extensions()
	if len(all) != 1 {
		t.Fatalf("%d extensions; log:\n%s", len(all), log.take())
	}
	return all[0], log
}

// refused is a guest's no, or nil; any other error fails the test.
func refused(t testing.TB, err error) *wasmhost.Rejection {
	t.Helper()
	var no *wasmhost.Rejection
	if err != nil && !errors.As(err, &no) {
		t.Fatal(err)
	}
	return no
}
